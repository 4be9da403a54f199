"""Manifests of NSynth: instrument family (11 classes) or pitch (128).

What: 305,979 notes of 4 s, wav at 16 kHz mono (Engel et al., "Neural Audio Synthesis of
Musical Notes with WaveNet Autoencoders", ICML 2017).
How to obtain: nsynth-{train,valid,test}.jsonwav.tar.gz,
https://magenta.tensorflow.org/datasets/nsynth; nothing is downloaded here.
Licence: CC BY 4.0.
Layout: ``nsynth-<split>/examples.json`` and ``nsynth-<split>/audio/<note_str>.wav``.
Split: the dataset's own, 289,205, 12,678 and 4,096 notes. No instrument of train is in valid
or test; the family synth_lead is in train alone.

Authors
 * The mert_sb developers 2026
"""

import re
from pathlib import Path
from typing import NamedTuple

from speechbrain.utils.logger import get_logger

from mert_sb.audio.clips import write_clips
from mert_sb.texts import read_json

logger = get_logger(__name__)

LAYOUT = "nsynth-{train,valid,test}/examples.json and .../audio/<note>.wav"

# In the order of the numbers in the field instrument_family.
FAMILIES = tuple(
    "bass brass flute guitar keyboard mallet organ reed string synth_lead "
    "vocal".split()
)

# A pitch is a MIDI note number; 9 to 120 occur.
LABELS = {
    "instrument": FAMILIES,
    "pitch": tuple(str(pitch) for pitch in range(128)),
}

COUNTS = {"train": 289_205, "valid": 12_678, "test": 4_096}


class Note(NamedTuple):
    """What is kept of an entry: the rest would fill memory."""

    name: str
    instrument: str
    pitch: str


def prepare_nsynth(
    data_folder,
    save_folder,
    sample_rate,
    task,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json``, ``test.json``; a note is a row.

    Arguments
    ---------
    data_folder : str
        The folder that holds ``nsynth-train``, ``nsynth-valid``,
        ``nsynth-test``.
    save_folder : str
        Where the manifests go.
    sample_rate : int
        The student's, in Hz.
    task : str
        ``"instrument"`` or ``"pitch"``.
    n_workers : int
        Processes.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Go on with fewer notes than the dataset has.

    Returns
    -------
    dict
        Split name to the path of its manifest.

    Raises
    ------
    FileNotFoundError
        If ``examples.json`` of a split or files are not there.
    ValueError
        If an entry does not parse, or notes are too few.
    """
    splits = read_splits(data_folder, task)
    check_counts(splits, data_folder, allow_missing)
    return write_clips(
        data_folder,
        save_folder,
        splits,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        allow_missing=allow_missing,
    )


def read_splits(data_folder, task):
    """The notes of each split, as ``write_clips`` takes them.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``nsynth-train`` and so on.
    task : str
        ``"instrument"`` or ``"pitch"``.

    Returns
    -------
    dict
        Split name to path to ``track``, the note's name, and ``label``. Paths
        are there whether the files are or not.
    """
    if task not in LABELS:
        raise ValueError(f"task is {task!r}: give one of {', '.join(LABELS)}")
    splits = {}
    for split in COUNTS:
        table = Path(data_folder) / f"nsynth-{split}" / "examples.json"
        if not table.is_file():
            raise FileNotFoundError(
                f"data_folder: {table} is not there; NSynth's layout is {LAYOUT}"
            )
        splits[split] = {
            f"nsynth-{split}/audio/{note.name}.wav": {
                "track": note.name,
                "label": getattr(note, task),
            }
            for note in read_notes(table)
        }
    if task == "instrument":
        check_families(splits["train"], data_folder)
    return splits


def read_notes(table):
    """The notes of a split, in the order of the file."""
    entries = read_json(table, object_hook=lambda entry: shrink(entry, table))
    if not isinstance(entries, dict):
        raise ValueError(f"{table}: not an object with an entry for each note")
    for key, note in entries.items():
        named = isinstance(note, Note) and note.name == key
        # The name of a file, of which no part may be a folder.
        if not (named and re.fullmatch(r"[\w.-]+", key, re.ASCII)):
            raise ValueError(f"{table}: {key!r} is not the entry of a note")
    return list(entries.values())


def shrink(entry, table):
    """Of an entry, as soon as it is parsed, what is needed."""
    if "note_str" not in entry:
        return entry
    name, family = entry["note_str"], entry.get("instrument_family_str")
    if family not in FAMILIES:
        raise ValueError(
            f"{table}: {name}: instrument_family_str is {family!r}, not one of "
            f"{', '.join(FAMILIES)}"
        )
    pitch = entry.get("pitch")
    if str(pitch) not in LABELS["pitch"]:
        raise ValueError(f"{table}: {name}: pitch is {pitch!r}, not 0 to 127")
    return Note(name, family, str(pitch))


def check_families(train, data_folder):
    """Refuse a training set without some family."""
    found = {note["label"] for note in train.values()}
    missing = [family for family in FAMILIES if family not in found]
    if missing:
        raise ValueError(
            f"{data_folder}/nsynth-train/examples.json has no note of "
            f"{', '.join(missing)}; unpack nsynth-train.jsonwav.tar.gz again"
        )


def check_counts(splits, data_folder, allow_missing):
    """Refuse tables of another size, unless that is allowed."""
    counts = {name: len(notes) for name, notes in splits.items()}
    if counts == COUNTS:
        return
    message = (
        f"the files examples.json in {data_folder} list {counts}, those of "
        f"the whole dataset {COUNTS}"
    )
    if not allow_missing:
        raise ValueError(
            f"{message}; unpack the archives again, or set allow_missing: True"
        )
    logger.warning(message)
