"""Manifests of the two GiantSteps key datasets.

What: two-minute previews of electronic dance music with the key of each. 604 of the
GiantSteps key dataset (Knees et al., "Two data sets for tempo estimation and key detection
in electronic dance music annotated from user corrections", ISMIR 2015) are the test set;
of the 1,486 of the GiantSteps MTG key dataset (Faraldo, "Tonality estimation in electronic
dance music", PhD thesis, UPF 2017), 1,159 are for training and validation.
How to obtain: clone GiantSteps/giantsteps-key-dataset and
GiantSteps/giantsteps-mtg-key-dataset from GitHub and run ``audio_dl.sh`` in each.
Licence: the clones state none; see the README.
Layout: the two clones side by side in ``data_folder``.
Split: MTG tracks of confidence 2 with one key, stratified by artist; see
``split_artists``. 923, 236 and 604 tracks.

Authors
 * The mert_sb developers 2026
"""

import hashlib
from pathlib import Path

from speechbrain.utils.logger import get_logger

from mert_sb.audio.clips import write_clips
from mert_sb.texts import opened_text, read_text

logger = get_logger(__name__)

TONICS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
LABELS = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in TONICS]
FLATS = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb"}
COUNTS = {"train": 923, "valid": 236, "test": 604}

TEST = "giantsteps-key-dataset"
MTG = "giantsteps-mtg-key-dataset"
LAYOUT = f"""the layout is
    {TEST}/annotations/key/<ID>.LOFI.key
    {TEST}/audio/<ID>.LOFI.mp3
    {MTG}/annotations/annotations.txt
    {MTG}/annotations/beatport_metadata.txt
    {MTG}/audio/<ID>.LOFI.mp3"""


def prepare_giantsteps(
    data_folder,
    save_folder,
    sample_rate,
    *,
    clip_seconds=30.0,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json``, ``test.json`` and the lists beside.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds both clones.
    save_folder : str or Path
        Where the manifests go.
    sample_rate : int
        The student's, in Hz.
    clip_seconds : float
        Tracks are cut into clips of this length, an incomplete last one is dropped.
    n_workers : int
        Processes that examine the audio.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Go on without audio that is not there, listed in ``missing.csv``, and with
        annotations of other numbers of tracks than ``COUNTS``.

    Returns
    -------
    dict
        From split to the path of its manifest, whose rows have ``track`` and
        ``label``, one of ``LABELS``.
    """
    splits = read_splits(data_folder, allow_missing=allow_missing)
    return write_clips(
        data_folder,
        save_folder,
        splits,
        clip_seconds=clip_seconds,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        allow_missing=allow_missing,
    )


def read_splits(data_folder, *, allow_missing=False):
    """The split from the annotation files; audio is not looked at.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds both clones.
    allow_missing : bool
        Whether other numbers of tracks than ``COUNTS`` pass, with a warning.

    Returns
    -------
    dict
        From split to a dict from path to ``{"track": ..., "label": ...}``.

    Raises
    ------
    FileNotFoundError
        If a clone is not there.
    ValueError
        If a row does not parse, a key is none of ``LABELS``, a split lacks a
        class, or the counts are others.
    """
    annotations = Path(data_folder) / MTG / "annotations"
    artists = read_artists(annotations / "beatport_metadata.txt")
    table = annotations / "annotations.txt"
    keys = read_keys(table)
    if set(keys) != set(artists):
        odd = sorted(set(keys) ^ set(artists), key=lambda t: (len(t), t))
        raise ValueError(
            f"{table} and beatport_metadata.txt list other tracks: {odd[:5]} "
            f"and so on, {len(odd)} in all, are in one of them only"
        )
    valid = split_artists(artists.values())
    splits = {"train": {}, "valid": {}, "test": {}}
    for track, label in keys.items():
        if label:
            name = "valid" if valid.intersection(artists[track]) else "train"
            splits[name].update(_entry(MTG, track, label))
    for track, label in read_test(Path(data_folder) / TEST).items():
        splits["test"].update(_entry(TEST, track, label))
    check_counts(splits, data_folder, allow_missing)
    check_classes(splits, data_folder)
    return splits


def read_artists(path):
    """Dict from track to its artists, of ``beatport_metadata.txt``, in its order."""
    rows = _rows(path, ("ID", "ARTIST"))
    return {
        track: [name.strip() for name in cells[1].split(",")]
        for _, track, cells in rows
    }


def read_keys(path):
    """Dict from track to its key, of ``annotations.txt``.

    Only a single key with confidence 2 is used, for other tracks there is None.
    """
    keys = {}
    for line, track, cells in _rows(path, ("ID", "MANUAL KEY", "C")):
        key, confidence = cells[1], cells[2].strip()
        if confidence not in ("0", "1", "2"):
            raise ValueError(
                f"{path}, line {line}: the confidence is {confidence!r}, "
                "0, 1 or 2 are possible"
            )
        used = confidence == "2" and "/" not in key
        keys[track] = _label(key, f"{path}, line {line}") if used else None
    return keys


def split_artists(tracks):
    """The artists of the validation set.

    A name's SHA-1, in lower case, modulo 116 decides: below 100 is training.
    Then artists who worked with one of validation follow, in two passes
    over *all* tracks in the order of the file, also those that are not used.
    The rule is jukemir's (Castellon et al., ISMIR 2021), which MARBLE uses.

    Arguments
    ---------
    tracks : iterable of list of str
        The artists of each track.

    Returns
    -------
    set
        Names.
    """
    tracks = list(tracks)
    valid = {name for names in tracks for name in names if _draw(name) >= 100}
    for _ in range(2):
        for names in tracks:
            if valid.intersection(names):
                valid.update(names)
    return valid


def read_test(folder):
    """Dict from track to its key, of the clone with the test set."""
    files = sorted((folder / "annotations" / "key").glob("*.LOFI.key"))
    if not files:
        raise FileNotFoundError(
            f"data_folder: no *.LOFI.key in {folder}/annotations/key; {LAYOUT}"
        )
    return {
        path.name.removesuffix(".LOFI.key"): _label(read_text(path), path)
        for path in files
    }


def check_counts(splits, data_folder, allow_missing):
    """Refuse annotations of other tracks, unless that is allowed."""
    counts = {name: len(files) for name, files in splits.items()}
    if counts == COUNTS:
        return
    message = f"{data_folder} gives {counts} tracks, the benchmark has {COUNTS}"
    if not allow_missing:
        raise ValueError(
            f"{message}; get the annotations again, or set allow_missing: True"
        )
    logger.warning(message)


def check_classes(splits, data_folder):
    """Refuse a split without some key."""
    for name, files in splits.items():
        found = {fields["label"] for fields in files.values()}
        absent = [label for label in LABELS if label not in found]
        if absent:
            raise ValueError(
                f"{data_folder}: the {name} split has no track in "
                f"{', '.join(absent)}"
            )


def _rows(path, header):
    """Line, track and cells of each row of a table."""
    if not path.is_file():
        raise FileNotFoundError(f"data_folder: no {path}; {LAYOUT}")
    seen = set()
    with opened_text(path) as file:
        columns = tuple(next(file, "").rstrip("\n").split("\t"))
        if columns[: len(header)] != header:
            raise ValueError(
                f"{path}, line 1: the columns are {columns}, expected {header}"
            )
        for line, text in enumerate(file, start=2):
            cells = text.rstrip("\n").split("\t")
            track = cells[0]
            if len(cells) != len(columns) or not track.isdecimal():
                raise ValueError(
                    f"{path}, line {line}: expected a number and "
                    f"{len(columns) - 1} more cells, found {text!r}"
                )
            if track in seen:
                raise ValueError(f"{path}, line {line}: {track} again")
            seen.add(track)
            yield line, track, cells


def _label(key, where):
    tonic, _, mode = key.strip().partition(" ")
    label = f"{FLATS.get(tonic, tonic)} {mode}"
    if label not in LABELS:
        raise ValueError(
            f"{where}: {key!r} is no key, which reads like 'Eb minor'"
        )
    return label


def _draw(name):
    digest = hashlib.sha1(name.lower().encode("utf-8")).hexdigest()
    return int(digest, 16) % 116


def _entry(clone, track, label):
    path = f"{clone}/audio/{track}.LOFI.mp3"
    return {path: {"track": track, "label": label}}
