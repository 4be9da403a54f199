"""Manifests of VocalSet: vocal technique (10 classes) or singer (20).

What: about 3,613 recordings, 10.1 h, of 20 singers, wav at 44.1 kHz mono (Wilkins et al.,
"VocalSet: A Singing Voice Dataset", ISMIR 2018).
How to obtain: VocalSet11.zip, https://zenodo.org/records/1442513; nothing is downloaded here.
Licence: CC BY 4.0.
Layout: ``FULL/<female1-9|male1-11>/<context>/<technique>/*.wav``.
Split: technique by singer, ``technique_singers.txt``; singer by a hash of the recording,
12 : 8 : 5. What is published of either, and what is decided here, is in README.md.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from speechbrain.utils.logger import get_logger

from mert_sb.audio.clips import write_clips
from mert_sb.audio.names import find_audio
from mert_sb.texts import read_text

logger = get_logger(__name__)

# The second is where version 1.2 of the dataset has the same folders.
ROOTS = ("FULL", "data_by_singer")
LAYOUT = "FULL/<female1-9|male1-11>/<context>/<technique>/<recording>.wav"
SINGERS_FILE = Path(__file__).with_name("technique_singers.txt")

SINGERS = {f"female{n}": f"f{n}" for n in range(1, 10)} | {
    f"male{n}": f"m{n}" for n in range(1, 12)
}

LABELS = {
    "technique": tuple(
        "belt breathy inhaled lip_trill spoken straight trill trillo vibrato "
        "vocal_fry".split()
    ),
    "singer": tuple(SINGERS.values()),
}

TECHNIQUES = {
    *LABELS["technique"],
    *"fast_forte fast_piano forte messa pp slow_forte slow_piano".split(),
}

# The benchmark deletes them from the folders of vibrato.
DELETED = {
    "f2_scales_vibrato_a(1)",
    "caro_vibrato",
    "dona_vibrato",
    "row_vibrato",
    "slow_vibrato_arps",
}

SPLITS = ("train", "valid", "test")
N_FILES = 3_613
CLIP_SECONDS = 3.0
# Tails are kept for singers alone, as in the benchmark.
MIN_TAIL_SECONDS = {"technique": None, "singer": 1.0}


class Recording(NamedTuple):
    """A file: where it is, who sings and how."""

    path: str
    name: str
    singer: str
    technique: str


def prepare_vocalset(
    data_folder,
    save_folder,
    sample_rate,
    task,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json``, ``test.json``; 3 s are a row.

    Arguments
    ---------
    data_folder : str
        The folder that holds ``FULL``.
    save_folder : str
        Where the manifests go.
    sample_rate : int
        The student's, in Hz.
    task : str
        ``"technique"`` or ``"singer"``.
    n_workers : int
        Processes.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Go on with fewer files than the dataset has.

    Returns
    -------
    dict
        Split name to the path of its manifest.

    Raises
    ------
    FileNotFoundError
        If there is no folder ``FULL``, or files are too few.
    ValueError
        If a singer is unknown, or a class is missing from a split.
    """
    splits = read_splits(data_folder, task, allow_missing=allow_missing)
    return write_clips(
        data_folder,
        save_folder,
        splits,
        clip_seconds=CLIP_SECONDS,
        min_tail_seconds=MIN_TAIL_SECONDS[task],
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        allow_missing=allow_missing,
    )


def read_splits(data_folder, task, allow_missing=False):
    """The recordings of each split, as ``write_clips`` takes them.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``FULL``.
    task : str
        ``"technique"`` or ``"singer"``.
    allow_missing : bool
        Go on with fewer files than the dataset has.

    Returns
    -------
    dict
        Split name to path to ``track``, the path in ``FULL`` without its end,
        and ``label``.
    """
    if task not in LABELS:
        raise ValueError(f"task is {task!r}: give one of {', '.join(LABELS)}")
    singers = read_singers(SINGERS_FILE)
    splits = {split: {} for split in SPLITS}
    for recording in find_recordings(data_folder, allow_missing):
        label = getattr(recording, task)
        if label in LABELS[task]:
            split = (
                singers[recording.singer]
                if task == "technique"
                else singer_split(recording.name)
            )
            clip = {"track": recording.name, "label": label}
            splits[split][recording.path] = clip
    check_classes(splits, LABELS[task], data_folder)
    return splits


def find_recordings(data_folder, allow_missing):
    """All recordings but those of other folders and the five deleted."""
    root = find_root(Path(data_folder))
    paths = [
        path
        for path in map(PurePosixPath, find_audio(root))
        if path.suffix.lower() == ".wav"
    ]
    check_count(len(paths), root, allow_missing)
    recordings, outside = [], Counter()
    for path in paths:
        recording = parse(path, root)
        if recording is None:
            outside[str(path.parent)] += 1
        elif path.stem not in DELETED:
            recordings.append(recording)
    if outside:
        folders = ", ".join(f"{name} ({n})" for name, n in outside.items())
        logger.warning(
            "%s: %d files are left out, in folders that are none of the %d "
            "techniques: %s",
            root,
            sum(outside.values()),
            len(TECHNIQUES),
            folders,
        )
    return recordings


def find_root(data_folder):
    """The folder of the singers' folders."""
    for name in ROOTS:
        if (data_folder / name).is_dir():
            return data_folder / name
    raise FileNotFoundError(
        f"data_folder: no folder {' or '.join(ROOTS)} in {data_folder}; "
        f"VocalSet's layout is {LAYOUT}"
    )


def parse(path, root):
    """A recording from its path in ``root``; None in a folder of no technique."""
    if len(path.parts) != 4 or path.parts[2] not in TECHNIQUES:
        return None
    singer, _, technique, _ = path.parts
    if singer not in SINGERS:
        raise ValueError(
            f"{root / path}: {singer!r} is no singer's folder (female1 to "
            f"female9, male1 to male11); VocalSet's layout is {LAYOUT}"
        )
    # The folder tells the singer: names lack the prefix, or have another's.
    return Recording(
        f"{root.name}/{path}",
        str(path.with_suffix("")),
        SINGERS[singer],
        technique,
    )


def read_singers(path):
    """The split of each singer in the technique task."""
    splits = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        singer, _, split = line.partition(" ")
        if singer not in LABELS["singer"] or split not in SPLITS:
            raise ValueError(
                f"{path}, line {number}: {line!r} is not a singer (f1 to f9, "
                f"m1 to m11) and one of {', '.join(SPLITS)}"
            )
        splits[singer] = split
    return splits


def singer_split(name):
    """The split of a recording in the singer task, by a hash of its name.

    Copies, ``name(1)``, go with ``name``.
    """
    original = re.sub(r"\(\d+\)$", "", name)
    place = int(hashlib.sha256(original.encode()).hexdigest(), 16) % 25
    if place < 12:
        return "train"
    return "valid" if place < 20 else "test"


def check_count(n_files, root, allow_missing):
    """Refuse a part of the dataset, unless that is allowed."""
    if n_files >= N_FILES:
        return
    message = f"{root} has {n_files} recordings, the whole dataset {N_FILES}"
    if not allow_missing:
        raise FileNotFoundError(
            f"{message}; unpack VocalSet11.zip again, or set "
            "allow_missing: True"
        )
    logger.warning(message)


def check_classes(splits, labels, data_folder):
    """Refuse a split without some class."""
    for split, files in splits.items():
        found = {file["label"] for file in files.values()}
        missing = [label for label in labels if label not in found]
        if missing:
            raise ValueError(
                f"{data_folder}: no recording of {', '.join(missing)} in "
                f"{split}; unpack VocalSet11.zip again"
            )
