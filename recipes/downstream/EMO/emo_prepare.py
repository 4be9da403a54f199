"""Manifests of emoMusic: arousal and valence of 744 clips of 45 s.

What: music of the Free Music Archive, rated from 1 to 9 by at least ten
listeners (Soleymani et al., "1000 Songs for Emotional Analysis of Music",
CrowdMM 2013), without its repetitions.
How to obtain: see README.md; nothing is downloaded here.
Layout: ``clips_45seconds/<song_id>.mp3``, and ``songs_info.csv`` and
``static_annotations.csv`` beside it or in ``annotations``.
Split: the evaluation set is for testing; the development set is split by a hash
of the artist (Castellon, Donahue and Liang, ISMIR 2021): 504, 115, 125 songs.

Authors
 * The mert_sb developers 2026
"""

import csv
import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mert_sb.audio.clips import write_clips
from mert_sb.audio.rows import write_rows
from mert_sb.texts import opened_text

# The order of the two numbers in a row's targets.
LABELS = ("arousal", "valence")
COUNTS = {"train": 504, "valid": 115, "test": 125}

# Of the full development set; population deviations.
N_DEVELOPMENT = 619
MEAN = (4.756063, 4.973865)
STD = (1.386010, 1.254618)

CLIP_FOLDERS = ("clips_45seconds", "clips_45sec/clips_45seconds")
TABLE_FOLDERS = ("annotations", ".")
SUFFIXES = (".mp3", ".wav")
INFO, RATINGS = "songs_info.csv", "static_annotations.csv"
SUBSET = "Mediaeval 2013 set"
LAYOUT = (
    f"clips_45seconds/<song_id>.mp3, annotations/{INFO}, annotations/{RATINGS}"
)


class Song(NamedTuple):
    """What the two tables say about a song."""

    artist: str
    subset: str
    ratings: tuple


def prepare_emo(
    data_folder,
    save_folder,
    sample_rate,
    clip_seconds=5.0,
    min_tail_seconds=1.0,
    max_seconds=45.0,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json``, ``test.json`` and ``scale.json``.

    Rows carry ``targets``: arousal and valence, as distances from the mean of
    the development songs in standard deviations. Mean and deviations are in
    ``scale.json``, to get back to ratings.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``clips_45seconds`` and the tables.
    save_folder : str or Path
        Where the manifests go.
    sample_rate : int
        The encoder's, in Hz.
    clip_seconds : float
        Length of a window; windows do not overlap.
    min_tail_seconds : float
        A last window at least this long is kept: six clips end before 45 s.
    max_seconds : float
        Only the beginning of longer files counts.
    n_workers : int
        Processes.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Whether songs may be missing, from the tables or among the files.

    Returns
    -------
    dict
        From split to the path of its manifest.

    Raises
    ------
    FileNotFoundError
        If clips or tables are missing.
    ValueError
        If a table is not emoMusic's.
    """
    splits = read_splits(data_folder)
    if not allow_missing:
        check_counts(data_folder, splits)
    manifests = write_clips(
        data_folder,
        save_folder,
        splits,
        clip_seconds=clip_seconds,
        min_tail_seconds=min_tail_seconds,
        max_seconds=max_seconds,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        allow_missing=allow_missing,
    )
    mean, std = (x.tolist() for x in rating_scale(read_songs(data_folder)))
    scale = {"targets": LABELS, "mean": mean, "std": std}
    write_rows(Path(save_folder) / "scale.json", scale)
    return manifests


def read_splits(data_folder):
    """The songs of each split, as ``write_clips`` takes them.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``clips_45seconds`` and the tables.

    Returns
    -------
    dict
        From split to a dict from the path below ``data_folder`` to ``track``
        and ``targets``. Paths are there whether the files are or not.
    """
    songs = read_songs(data_folder)
    mean, std = rating_scale(songs)
    folder, suffix = find_clips(data_folder)
    splits = {split: {} for split in COUNTS}
    for song_id, song in songs.items():
        path = (folder / f"{song_id}{suffix}").as_posix()
        targets = (np.array(song.ratings) - mean) / std
        fields = {"track": str(song_id), "targets": targets.tolist()}
        splits[split_of(song)][path] = fields
    return splits


def split_of(song):
    """The split of a song; all development songs of an artist share one."""
    if song.subset == "evaluation":
        return "test"
    letters = re.sub("[^a-z ]", "", song.artist.lower())
    name = re.sub(" +", " ", letters).encode()
    digest = hashlib.sha1(name, usedforsecurity=False).hexdigest()
    return "train" if int(digest, 16) % 10 < 8 else "valid"


def rating_scale(songs):
    """Mean and deviation ``(2,)`` of the development songs, checked if full."""
    development = [
        song.ratings for song in songs.values() if song.subset == "development"
    ]
    if not development:
        raise ValueError(f"{INFO}: no song is in the development set")
    mean, std = np.mean(development, axis=0), np.std(development, axis=0)
    found, published = np.array([mean, std]), np.array([MEAN, STD])
    is_full = len(development) == N_DEVELOPMENT
    if is_full and abs(found - published).max() > 1e-6:
        raise ValueError(
            f"{RATINGS}: mean and deviation of the development songs are "
            f"{found.round(6).tolist()}, those of the published ratings "
            f"{published.tolist()}. Get the table again"
        )
    if not std.all():
        raise ValueError(f"{RATINGS}: all development songs have one rating")
    return mean, std


def check_counts(data_folder, splits):
    """Complain unless the tables have all songs."""
    found = {split: len(rows) for split, rows in splits.items()}
    if found != COUNTS:
        raise ValueError(
            f"{find_tables(data_folder) / INFO}: its songs by split are "
            f"{found}, expected {COUNTS}. Get the table again, or set "
            "allow_missing: True; scores are then not those of the whole set"
        )


def read_songs(data_folder):
    """Both tables as one dict, from id to ``Song``, in the first's order."""
    folder = find_tables(data_folder)
    info = read_table(folder / INFO, parse_info, ("song_id", "Artist", SUBSET))
    columns = ("song_id", *(f"mean_{name}" for name in LABELS))
    ratings = read_table(folder / RATINGS, parse_ratings, columns)
    lonely = sorted(info.keys() ^ ratings.keys())
    if lonely:
        raise ValueError(
            f"{folder}: {len(lonely)} songs are only in one of {INFO} and "
            f"{RATINGS}, the first is {lonely[0]}. Get both again"
        )
    return {key: Song(*info[key], ratings[key]) for key in info}


def read_table(path, parse, columns):
    """Read a table whose cells have stray tabs and blanks around them.

    Arguments
    ---------
    path : Path
        Comma separated, with a header.
    parse : callable
        Takes the cells of the columns but the first, returns what to keep;
        raises ValueError if it cannot.
    columns : tuple of str
        Names of columns; the first has the song's id.

    Returns
    -------
    dict
        From song id to what ``parse`` returned.

    Raises
    ------
    ValueError
        If a row does not parse; names the file and the line.
    """
    rows = {}
    # Some copies are not UTF-8; of artists' names, only ASCII letters count.
    how = {"encoding": "utf-8-sig", "errors": "replace", "newline": ""}
    with opened_text(path, **how) as file:
        reader = csv.reader(file)
        header = [cell.strip() for cell in next(reader, [])]
        if not set(columns) <= set(header):
            raise ValueError(
                f"{path}, line 1: lacks one of the columns {', '.join(columns)}"
            )
        places = [header.index(column) for column in columns]
        for cells in filter(any, reader):
            try:
                key, *rest = (cells[place].strip() for place in places)
                add_row(rows, int(key), parse(*rest))
            except (IndexError, ValueError) as error:
                raise ValueError(
                    f"{path}, line {reader.line_num}: {error}, in {cells}"
                ) from error
    return rows


def add_row(rows, key, value):
    """Put in a song, which must be new."""
    if key in rows:
        raise ValueError(f"song {key} is there twice")
    rows[key] = value


def parse_info(artist, subset):
    """What to keep of a row of ``songs_info.csv``."""
    if subset not in ("development", "evaluation"):
        raise ValueError(f"'{subset}' is neither development nor evaluation")
    return artist, subset


def parse_ratings(*cells):
    """Ratings from a row of ``static_annotations.csv``."""
    ratings = tuple(map(float, cells))
    if not all(1 <= rating <= 9 for rating in ratings):
        raise ValueError("a rating is not from 1 to 9")
    return ratings


def find_tables(data_folder):
    """The folder with the two tables."""
    folders = [Path(data_folder) / folder for folder in TABLE_FOLDERS]
    for folder in folders:
        if all((folder / name).is_file() for name in (INFO, RATINGS)):
            return folder
    raise FileNotFoundError(
        f"data_folder: no {INFO} with {RATINGS} in {folders[0]} or {folders[1]}. "
        f"The layout is {LAYOUT}"
    )


def find_clips(data_folder):
    """The folder of clips, below ``data_folder``, and the commonest suffix."""
    for folder in map(Path, CLIP_FOLDERS):
        files = (Path(data_folder) / folder).glob("*.*")
        found = [path.suffix for path in files]
        suffix = max(SUFFIXES, key=found.count)
        if suffix in found:
            return folder, suffix
    raise FileNotFoundError(
        f"data_folder: no .mp3 or .wav files in {' or '.join(CLIP_FOLDERS)} of "
        f"{data_folder}. The layout is {LAYOUT}"
    )
