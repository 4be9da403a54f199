"""Manifests of MUSDB18: 150 songs as stems; or of any collection laid out alike.

What: songs of various styles with their drums, bass, vocals and the rest, stereo at
44.1 kHz (Rafii et al., "MUSDB18-HQ", 2019, 10.5281/zenodo.3338373).
How to obtain: see README.md; nothing is downloaded here.
Layout: ``train/<song>/<stem>.wav`` and ``test/<song>/<stem>.wav``; FLAC and Ogg are as
good. MUSDB18's MP4 files are made into that layout by ``convert_stems.py``.
Split: of the 100 training songs 14, which the library ``musdb`` names, are for
validation: 86, 14 and 50. Other collections have a folder ``valid``, or songs are drawn
from ``train`` by a hash of their names.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

from speechbrain.utils.logger import get_logger

from mert_sb.audio.rows import make_row, write_rows, write_table
from mert_sb.audio.songs import examined_songs
from mert_sb.audio.split import hash_split, keep_splits

logger = get_logger(__name__)

COUNTS = {"train": 86, "valid": 14, "test": 50}
VALID = (
    "ANiMAL - Rockshow",
    "Actions - One Minute Smile",
    "Alexander Ross - Goodbye Bolero",
    "Clara Berry And Wooldog - Waltz For My Victims",
    "Fergessen - Nos Palpitants",
    "James May - On The Line",
    "Johnny Lokke - Promises & Lies",
    "Leaf - Summerghost",
    "Meaxic - Take A Step",
    "Patrick Talbot - A Reason To Leave",
    "Skelpolu - Human Mistakes",
    "Traffic Experiment - Sirens",
    "Triviul - Angelsaint",
    "Young Griffo - Pennies",
)
SUFFIXES = (".wav", ".flac", ".ogg")
LAYOUT = "train/<song>/<stem>.wav and test/<song>/<stem>.wav"


def prepare_musdb18(
    data_folder,
    save_folder,
    sample_rate,
    stems,
    mixture,
    split,
    valid_share,
    crop_seconds,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json`` and ``test.json``, a song a row.

    Rows carry ``stem_files``, names of the stems' files in the song's folder, in their
    order, and ``mixture_file``, the mixture's or an empty text. What is missing is in
    ``missing.csv``, what cannot be used in ``skipped.csv``, what is odd in
    ``remarks.csv``.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``train`` and ``test``.
    save_folder : str or Path
        Where the manifests go.
    sample_rate : int
        The encoder's, in Hz.
    stems : list of str
        Names of the stems.
    mixture : str or None
        Name of the mixture; None: the sum of the stems.
    split : str
        ``"musdb18"``: the published songs, counted; ``"own"``: another collection.
    valid_share : float
        Of an own collection without ``valid``: share of its training songs.
    crop_seconds : float
        Training songs must be as long.
    n_workers : int
        Processes.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Whether songs or files of them may be missing.

    Returns
    -------
    dict
        From split to the path of its manifest.

    Raises
    ------
    FileNotFoundError
        If there are no songs in ``data_folder``, or some are missing.
    ValueError
        If a split has no usable song, or settings are impossible.
    """
    save_folder = Path(save_folder)
    save_folder.mkdir(parents=True, exist_ok=True)
    folders = find_songs(data_folder)
    splits = split_songs(folders, split, valid_share)
    names = [*stems, *([mixture] if mixture else [])]
    files, missing = find_files(data_folder, splits, names)
    if split == "musdb18":
        missing += missing_songs(splits)
    report_missing(save_folder, missing, allow_missing)
    songs = examined_songs(
        data_folder,
        save_folder,
        files,
        with_mixture=mixture is not None,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
    )
    least = {"train": round(crop_seconds * sample_rate)}
    rows = {name: {} for name in COUNTS}
    for folder, song in songs.items():
        name = splits[folder]
        if song.length < least.get(name, 1):
            logger.warning("%s is shorter than crop_seconds: left out", folder)
            continue
        rows[name][folder] = make_row(
            *(folder, 0, song.length, sample_rate),
            track=Path(folder).name,
            stem_files=song.files[: len(stems)],
            mixture_file=song.files[-1] if mixture else "",
        )
    return write_manifests(save_folder, rows)


def find_songs(data_folder):
    """Folders of songs below ``data_folder``, by split folder."""
    root = Path(data_folder)
    found = {
        name: sorted(
            path.relative_to(root).as_posix()
            for path in (root / name).glob("*")
            if path.is_dir()
        )
        for name in COUNTS
    }
    if not (found["train"] and found["test"]):
        converted = next(root.glob("*/*.stem.mp4"), None)
        remedy = (
            "it holds MP4 files: run convert_stems.py first"
            if converted
            else f"the layout is {LAYOUT}"
        )
        raise FileNotFoundError(
            f"data_folder: no songs in {root}/train or {root}/test; {remedy}"
        )
    return found


def split_songs(found, split, valid_share):
    """The split of each song's folder."""
    splits = {f: name for name, folders in found.items() for f in folders}
    if split == "musdb18":
        published = {f"train/{name}" for name in VALID}
        return splits | dict.fromkeys(published & splits.keys(), "valid")
    if split != "own":
        raise ValueError(f"split: {split!r} is neither musdb18 nor own")
    if not found["valid"]:
        splits |= hash_split(found["train"], valid_share=valid_share, seed=0)
    return splits


def find_files(data_folder, splits, names):
    """Paths of each whole song's files, and what others lack, with its split."""
    files, missing = {}, []
    for folder, split in splits.items():
        found = [find_file(data_folder, folder, name) for name in names]
        lacking = [n for n, path in zip(names, found, strict=True) if not path]
        missing += [(f"{folder}/{name}.wav", split) for name in lacking]
        if not lacking:
            files[folder] = found
    return files, missing


def find_file(data_folder, folder, name):
    """Path of a stem below ``data_folder``, or None."""
    paths = (f"{folder}/{name}{suffix}" for suffix in SUFFIXES)
    return next((p for p in paths if (Path(data_folder) / p).is_file()), None)


def missing_songs(splits):
    """Songs of MUSDB18 that are not there, by name where the name is known."""
    lacking = [
        (f"train/{name}", "valid")
        for name in VALID
        if f"train/{name}" not in splits
    ]
    for split in ("train", "test"):
        count = list(splits.values()).count(split)
        if count != COUNTS[split]:
            text = f"{split}: {count} songs, published are {COUNTS[split]}"
            lacking.append((text, split))
    return lacking


def report_missing(save_folder, missing, allow_missing):
    """List what is missing; refuse it unless it is allowed."""
    path = save_folder / "missing.csv"
    write_table(path, ["path", "split"], missing)
    if not missing:
        return
    named = "; ".join(text for text, _ in missing[:5])
    message = f"{len(missing)} missing, see {path}: {named}"
    if not allow_missing:
        raise FileNotFoundError(
            f"{message}. Complete the data, or set allow_missing: True to go on "
            "without these songs; for another collection than MUSDB18 set split: own"
        )
    logger.warning(message)


def write_manifests(save_folder, rows):
    """Write a manifest for each split; none may be empty."""
    for name, songs in rows.items():
        if not songs:
            raise ValueError(
                f"split {name!r} has no usable song; see missing.csv and "
                f"skipped.csv in {save_folder}"
            )
    places = {folder: name for name, songs in rows.items() for folder in songs}
    keep_splits(save_folder, places)
    for name, songs in rows.items():
        write_rows(save_folder / f"{name}.json", songs)
    return {name: save_folder / f"{name}.json" for name in rows}
