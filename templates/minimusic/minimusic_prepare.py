"""Manifests of minimusic: key (24 classes), style (10), instrument (14), pitch (24).

What: pieces of ``make_dataset.py`` for key and style, notes of ``notes.py`` for instrument
(the General MIDI family) and pitch.
Layout: ``labels.json`` or ``notes.json`` beside ``audio/<id>.flac``.
Split: drawn by hashes, and stratified. Pieces 60/20/20 within each class. Of the eight
programs of a family five are for training, one for validation and two for the test, so no
instrument of one split is in another, as in NSynth.

Authors
 * The mert_sb developers 2026
"""

import json
from collections import Counter
from pathlib import Path

from dice import dice
from mert_sb.audio.clips import write_clips
from mert_sb.audio.split import keep_splits, ranked_split
from mert_sb.downstream.families import SingleLabel
from mert_sb.downstream.key import Key
from notes import PITCHED, PITCHES
from styles import STYLES
from theory import TONICS

LABELS = {
    "key": tuple(f"{t} {mode}" for mode in ("major", "minor") for t in TONICS),
    "style": tuple(sorted(STYLES)),
    "instrument": PITCHED,
    "pitch": tuple(map(str, PITCHES)),
}
# Table, and its field with the label.
SOURCES = {
    "key": ("labels.json", "key"),
    "style": ("labels.json", "style"),
    "instrument": ("notes.json", "family"),
    "pitch": ("notes.json", "pitch"),
}
MADE_BY = {
    "labels.json": "python make_dataset.py {} --hours 4 --seed 2",
    "notes.json": "python notes.py {}",
}
SPLITS = ("train", "valid", "test")
PIECES = {"test": 0.2, "valid": 0.2}
PROGRAMS = {"test": 2 / 8, "valid": 1 / 8}
SEED = 1  # of the split


def make_family(task):
    """What is trained and measured; the YAML's ``family``.

    Arguments
    ---------
    task : str
        A key of ``LABELS``.

    Returns
    -------
    SingleLabel
        Weighted key score or accuracy.
    """
    _check_task(task)
    return Key() if task == "key" else SingleLabel(len(LABELS[task]))


def prepare_minimusic(
    data_folder,
    save_folder,
    *,
    task,
    sample_rate,
    clip_seconds=10.0,
    min_tail_seconds=2.0,
    n_workers=1,
    verify=True,
    allow_missing=False,
    labels_per_class=None,
):
    """Write ``train.json``, ``valid.json``, ``test.json``.

    Arguments
    ---------
    data_folder : str or Path
        Made by ``make_dataset.py`` or ``notes.py``.
    save_folder : str or Path
        Where the manifests go.
    task : str
        A key of ``LABELS``.
    sample_rate : int
        The student's, in Hz.
    clip_seconds : float
        Pieces are cut into clips of this length; a note is one.
    min_tail_seconds : float
        What is left at the end is a clip too if it is as long as this.
    n_workers : int
        Processes that examine the audio.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Go on without audio that is not there, listed in ``missing.csv``.
    labels_per_class : int, optional
        Tracks of each class to train and to validate with, for learning from few;
        None: all.

    Returns
    -------
    dict
        From split to the path of its manifest, whose rows have ``track`` and
        ``label``, one of the task's ``LABELS``.
    """
    splits = read_splits(data_folder, task)
    if labels_per_class is not None:
        # Who has few labels has few to validate with, too.
        for name in ("train", "valid"):
            splits[name] = few_of_each(splits[name], labels_per_class)
    keep_splits(
        save_folder,
        {path: name for name, files in splits.items() for path in files},
    )
    return write_clips(
        data_folder,
        save_folder,
        splits,
        clip_seconds=clip_seconds,
        min_tail_seconds=min_tail_seconds,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        allow_missing=allow_missing,
    )


def read_splits(data_folder, task):
    """The split of a task; audio is not looked at.

    Arguments
    ---------
    data_folder : str or Path
        Made by ``make_dataset.py`` or ``notes.py``.
    task : str
        A key of ``LABELS``.

    Returns
    -------
    dict
        From split to a dict from path to ``{"track": ..., "label": ...}``.

    Raises
    ------
    FileNotFoundError
        If the table is not there.
    ValueError
        If it does not parse, a label is none of the task's, or a split lacks one.
    """
    _check_task(task)
    name, field = SOURCES[task]
    table = Path(data_folder) / name
    rows = read_table(table)
    labels = {
        track: _label(table, track, row, field, LABELS[task])
        for track, row in rows.items()
    }
    if name == "notes.json":
        units = {t: (r["family"], str(r["program"])) for t, r in rows.items()}
        places = stratify(set(units.values()), PROGRAMS, table)
    else:
        units = {track: (label, track) for track, label in labels.items()}
        places = stratify(set(units.values()), PIECES, table)
    splits = {split: {} for split in SPLITS}
    for track, label in sorted(labels.items()):
        fields = {"track": track, "label": label}
        splits[places[units[track]]][f"audio/{track}.flac"] = fields
    check_classes(splits, task, table)
    return splits


def few_of_each(files, count):
    """So many tracks of each class, the same whenever it is asked.

    Arguments
    ---------
    files : dict of str to dict
        Of a split, with ``label``.
    count : int
        At least 1.

    Returns
    -------
    dict of str to dict
        Those chosen.

    Raises
    ------
    ValueError
        If ``count`` is below 1.

    Example
    -------
    >>> rows = {str(i): {"label": i % 2} for i in range(9)}
    >>> len(few_of_each(rows, 2))
    4
    """
    if count < 1:
        raise ValueError(f"labels_per_class: {count} is less than 1")
    chosen, taken = {}, Counter()
    # Neighbours in the list are alike: notes of one program, say.
    for path in sorted(files, key=lambda path: dice("few", path).random()):
        label = files[path]["label"]
        if taken[label] < count:
            taken[label] += 1
            chosen[path] = files[path]
    return dict(sorted(chosen.items()))


def read_table(table):
    """Labels by track, of a file that one of the makers wrote."""
    again = f"make it with: {MADE_BY[table.name].format(table.parent)}"
    if not table.is_file():
        raise FileNotFoundError(f"data_folder: {table} is not there; {again}")
    try:
        return json.loads(table.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{table}, line {error.lineno}: {error.msg}; delete it and {again}"
        ) from error


def stratify(units, shares, table):
    """Split name of each unit, the shares being kept in each stratum.

    Arguments
    ---------
    units : set of tuple of (str, str)
        Stratum and name.
    shares : dict of str to float
        See ``ranked_split``.
    table : pathlib.Path
        For the error.

    Returns
    -------
    dict of tuple to str
        Unit to split name.
    """
    places = {}
    for stratum in sorted({stratum for stratum, _ in units}):
        names = sorted(name for own, name in units if own == stratum)
        if len(names) < len(SPLITS):
            raise ValueError(
                f"{table}: {stratum} has {len(names)}, too few for "
                f"{', '.join(SPLITS)}; make a larger data set"
            )
        found = ranked_split(names, shares=shares, seed=SEED)
        places |= {(stratum, name): split for name, split in found.items()}
    return places


def check_classes(splits, task, table):
    """Refuse a split without some class."""
    for name, files in splits.items():
        found = {fields["label"] for fields in files.values()}
        absent = [label for label in LABELS[task] if label not in found]
        if absent:
            raise ValueError(
                f"{table}: the {name} split has no {task} {', '.join(absent)}; "
                "make a larger data set"
            )


def _label(table, track, row, field, labels):
    """The class of a row."""
    label = str(row.get(field))
    if label not in labels:
        raise ValueError(
            f"{table}: {field} of {track} is {label}, not one of "
            f"{', '.join(labels)}"
        )
    return label


def _check_task(task):
    if task not in LABELS:
        raise ValueError(f"task is {task!r}: give one of {', '.join(LABELS)}")
