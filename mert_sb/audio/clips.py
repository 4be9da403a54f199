"""Clips: manifests of the exact windows that a benchmark is defined on.

Files come in given splits with their labels. Each is one clip, or is cut into
windows of one length that follow one another; what is asked for and is not there
is listed in ``missing.csv``, what cannot be used in ``skipped.csv``.

A row reads ``{"wav": "{data_root}/a.mp3", "start": 0, "length": 720000,
"duration": 30.0, "track": "a", "label": "rock"}``: start and length in samples
at the student's rate, the track from which the clip is, and its labels.

Authors
 * The mert_sb developers 2026
"""

import logging
import os
from pathlib import Path
from posixpath import normpath
from typing import NamedTuple

from mert_sb.audio.rows import leads_out, make_row, write_rows, write_table
from mert_sb.audio.usable import usable_lengths

logger = logging.getLogger(__name__)

MOST_NAMED = 5
RESERVED = {"duration", "id", "length", "start", "wav"}


def write_clips(
    data_folder,
    save_folder,
    splits,
    *,
    clip_seconds=None,
    min_tail_seconds=None,
    max_seconds=None,
    min_seconds=0.1,
    sample_rate,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Examine the files of a dataset and write a manifest for each split.

    A restart goes on where the last run ended, and a run with nothing new
    writes the same bytes. Silent files stay: they count in a benchmark.

    Arguments
    ---------
    data_folder : str or Path
        Where the audio is.
    save_folder : str or Path
        Where to write ``<split>.json``, ``skipped.csv``, ``missing.csv`` and
        the journal, ``prepare.jsonl``.
    splits : dict
        From split name to a dict from path, relative to ``data_folder``, to the
        file's ``track``, a name that no other file has, and its labels.
    clip_seconds : float, optional
        Length of a clip; if omitted, a file is one clip.
    min_tail_seconds : float, optional
        What is left at the end of a file is a shorter clip if it lasts at least
        this long; if omitted, it is dropped, and files shorter than a clip are
        skipped.
    max_seconds : float, optional
        Only this much of the beginning of longer files is used.
    min_seconds : float
        Shorter files are skipped.
    sample_rate : int
        The student's rate in Hz.
    n_workers : int
        Processes that examine files; with 1, it is done in this one.
    verify : bool
        Whether to decode files to their end. Only so are damage in the middle
        and the true length of an MP3 found.
    allow_missing : bool
        Whether to go on without the files that are not there.

    Returns
    -------
    dict
        From split name to the ``pathlib.Path`` of its manifest. A row's id is
        its track, followed by ``--0000`` and so on if the file has several.

    Raises
    ------
    FileNotFoundError
        If ``data_folder`` is not there, or files are missing and may not.
    ValueError
        If lengths or ``splits`` contradict themselves, a split has no clip, or a
        ``label`` of it none; with ``allow_missing`` only ``train`` needs them all.

    Example
    -------
    >>> import numpy as np, soundfile as sf
    >>> folder = getfixture("tmp_path")
    >>> sf.write(folder / "a.wav", np.full(20_000, 0.1), 8_000)
    >>> write_clips(
    ...     folder,
    ...     folder / "save",
    ...     {"test": {"a.wav": {"track": "a", "label": "rock"}}},
    ...     clip_seconds=1.0,
    ...     sample_rate=24_000,
    ... )
    {'test': ...Path('.../save/test.json')}
    """
    cut = _cut(
        sample_rate, clip_seconds, min_tail_seconds, max_seconds, min_seconds
    )
    wanted, save_folder = _wanted(splits), Path(save_folder)
    save_folder.mkdir(parents=True, exist_ok=True)
    lengths = usable_lengths(
        data_folder,
        save_folder,
        _present(data_folder, save_folder, wanted, allow_missing),
        least=cut.least,
        least_key=cut.least_key,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        keep_silent=True,
    )
    manifests = {name: {} for name in splits}
    for name, rows in _clips(lengths, wanted, cut, sample_rate):
        manifests[name].update(rows)
    for name, files in splits.items():
        _check_labels(name, files, lengths, save_folder, allow_missing)
    for name, rows in manifests.items():
        write_rows(save_folder / f"{name}.json", rows)
    return {name: save_folder / f"{name}.json" for name in manifests}


def _check_labels(name, files, lengths, save_folder, allow_missing):
    """Complain if a split, or a class of it, has no usable file."""
    where = f"see missing.csv and skipped.csv in {save_folder}"
    usable = {path: files[path] for path in files if path in lengths}
    if not usable:
        raise ValueError(
            f"split {name!r} has no clip: none of its {len(files)} files is "
            f"usable, {where}"
        )
    wanted, found = (set(_labels(part)) for part in (files, usable))
    if wanted == found:
        return
    lost = ", ".join(sorted(map(str, wanted - found)))
    message = f"split {name!r} has no usable file of {lost}, {where}"
    if name == "train" or not allow_missing:
        raise ValueError(f"{message}; get them again")
    logger.warning(message)


def _labels(files):
    """Labels and tags of files, each as often as it is there."""
    for fields in files.values():
        yield from fields.get("tags", ())
        if "label" in fields:
            yield fields["label"]


class _Cut(NamedTuple):
    """How files are cut, in samples; a window or longest of 0 is none."""

    window: int
    tail: int
    longest: int
    least: int
    least_key: str


def _cut(sample_rate, clip_seconds, min_tail_seconds, max_seconds, min_seconds):
    window = _samples("clip_seconds", clip_seconds, sample_rate)
    tail = _samples("min_tail_seconds", min_tail_seconds, sample_rate)
    longest = _samples("max_seconds", max_seconds, sample_rate)
    least = _samples("min_seconds", min_seconds, sample_rate)
    if tail > window:
        raise ValueError(
            f"min_tail_seconds is {min_tail_seconds}: it can be at most "
            f"clip_seconds, which is {clip_seconds}"
        )
    key = "min_tail_seconds" if tail else "clip_seconds"
    tail = tail or window or least
    key = key if tail > least else "min_seconds"
    least = max(least, tail)
    if 0 < longest < least:
        raise ValueError(
            f"max_seconds is {max_seconds}: below {key}, which is "
            f"{least / sample_rate}, it leaves no clip"
        )
    return _Cut(window, tail, longest, least, key)


def _samples(key, seconds, sample_rate):
    n_samples = 0 if seconds is None else round(seconds * sample_rate)
    if seconds is not None and n_samples < 1:
        raise ValueError(f"{key} is {seconds}: give seconds above 0")
    return n_samples


def _wanted(splits):
    """Split and fields of each file, in the order of the paths."""
    wanted, spelled, tracks = {}, {}, {}
    for name, files in splits.items():
        for path, fields in files.items():
            where = f"splits[{name!r}][{path!r}]"
            if leads_out(path):
                raise ValueError(f"{where}: its path leads out of data_folder")
            other = spelled.setdefault(normpath(path), where)
            if other != where:
                raise ValueError(f"{where}: the same file is {other}")
            _check_fields(where, fields)
            other = tracks.setdefault(fields["track"], where)
            if other != where:
                raise ValueError(
                    f"{where}: its track, {fields['track']!r}, is that of "
                    f"{other}; give each file a track of its own"
                )
            wanted[path] = name, fields
    if not wanted:
        raise ValueError("splits name no file")
    return dict(sorted(wanted.items()))


def _check_fields(where, fields):
    track = fields.get("track")
    if not isinstance(track, str) or not track:
        raise ValueError(f"{where}: its track is {track!r}, give a name")
    if RESERVED & fields.keys():
        names = ", ".join(sorted(RESERVED & fields.keys()))
        raise ValueError(f"{where}: {names} cannot be the name of a label")


def _present(data_folder, save_folder, wanted, allow_missing):
    """The files that are there; the others are listed, or refused."""
    if not os.path.isdir(data_folder):
        raise FileNotFoundError(f"data_folder {data_folder} is not a folder")
    present, missing = [], []
    for path in wanted:
        full = os.path.join(data_folder, path)
        # A download that was cut leaves empty files.
        is_there = os.path.isfile(full) and os.path.getsize(full) > 0
        (present if is_there else missing).append(path)
    table = save_folder / "missing.csv"
    rows = ((path, wanted[path][0]) for path in missing)
    write_table(table, ["path", "split"], rows)
    if not missing:
        return present
    more = len(missing) - MOST_NAMED
    named = ", ".join(missing[:MOST_NAMED])
    message = (
        f"{len(missing)} of {len(wanted)} files are not in {data_folder} or "
        "empty: "
        f"{named}{f' and {more} more' if more > 0 else ''}; see {table}"
    )
    if not present:
        raise FileNotFoundError(f"{message}. Give another data_folder")
    if not allow_missing:
        raise FileNotFoundError(
            f"{message}. Complete the data, or set allow_missing: True to go "
            "on without them; scores are then not those of the whole dataset"
        )
    logger.warning(message)
    return present


def _clips(lengths, wanted, cut, sample_rate):
    """Split and rows of each file."""
    ids = set()
    for path, length in lengths.items():
        name, fields = wanted[path]
        rows = _rows(_pieces(length, cut), path, sample_rate, fields)
        taken = ids.intersection(rows)
        if taken:
            raise ValueError(
                f"{path}: another file's clip has the id {min(taken)}; give "
                "its track another name"
            )
        ids.update(rows)
        yield name, rows


def _pieces(length, cut):
    """Start and length of each clip of a file."""
    length = min(length, cut.longest or length)
    window = cut.window or length
    pieces = ((s, min(window, length - s)) for s in range(0, length, window))
    return [piece for piece in pieces if piece[1] >= cut.tail]


def _rows(pieces, path, sample_rate, fields):
    """The rows of one file by id."""
    rows = {}
    for index, (start, length) in enumerate(pieces):
        number = f"--{index:04d}" if len(pieces) > 1 else ""
        row = make_row(path, start, length, sample_rate, **fields)
        rows[fields["track"] + number] = row
    return rows
