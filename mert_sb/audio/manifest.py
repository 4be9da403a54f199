"""Manifests: from a folder of audio files to JSON files that SpeechBrain loads.

Each file is examined once, in worker processes, and journaled. What cannot be
used is listed in ``skipped.csv`` with its reason; training then never meets it.
Usable files are assigned to splits and cut into segments, a row each, of which
a training epoch takes one crop.

A row reads ``{"wav": "{data_root}/a.ogg", "start": 0, "length": 720000,
"duration": 30.0}``: start and length in samples at the student's rate, the
start on a frame; the duration in seconds. Load it with
``DynamicItemDataset.from_json(path, replacements={"data_root": data_folder})``.

Authors
 * The mert_sb developers 2026
"""

import math
from pathlib import Path

from mert_sb.audio.names import find_audio, segment_id
from mert_sb.audio.rows import make_row, write_rows
from mert_sb.audio.split import hash_split
from mert_sb.audio.usable import usable_lengths
from mert_sb.frames import HOP_LENGTH

__all__ = ["find_audio", "hash_split", "write_manifests"]


def write_manifests(
    data_folder,
    save_folder,
    *,
    paths=None,
    split,
    segment_seconds=30.0,
    min_seconds,
    sample_rate,
    n_workers=1,
    verify=True,
):
    """Examine audio files and write a manifest for each split.

    A restart goes on where the last run ended, and a run with nothing new
    writes the same bytes. Delete ``<save_folder>/prepare.jsonl`` to begin anew.

    Arguments
    ---------
    data_folder : str or Path
        Where the audio is.
    save_folder : str or Path
        Where to write ``<split>.json``, ``skipped.csv`` and the journal.
    paths : list of str, optional
        Files to take, relative to ``data_folder``; all audio below it if
        omitted.
    split : callable
        Takes the sorted list of usable paths, returns a dict from path to split
        name; a path that it leaves out or maps to None is in no manifest. See
        ``hash_split``.
    segment_seconds : float or None
        Longer files are cut into segments of about this length. An end shorter
        than ``min_seconds`` stays with the segment before it. None: a row is a
        whole file, however long.
    min_seconds : float
        Shorter files are skipped; at least the length of a training crop.
    sample_rate : int
        The student's rate in Hz.
    n_workers : int
        Processes that examine files; with 1, it is done in this one.
    verify : bool
        Whether to decode files to their end. Only so are damage in the middle,
        silence and the true length of an MP3 found.

    Returns
    -------
    dict
        From split name to the path of its manifest.

    Raises
    ------
    FileNotFoundError
        If ``data_folder`` does not exist.
    ValueError
        If there are no files, none is usable, or ``split`` refuses them.

    Example
    -------
    >>> import numpy as np, soundfile as sf
    >>> folder = getfixture("tmp_path")
    >>> for name in "ab":
    ...     noise = np.random.default_rng(0).normal(0.0, 0.1, 48_000)
    ...     sf.write(folder / f"{name}.ogg", noise, 8_000)
    >>> manifests = write_manifests(
    ...     folder,
    ...     folder / "save",
    ...     split=lambda paths: hash_split(paths, valid_share=0.1, seed=1337),
    ...     min_seconds=5.0,
    ...     sample_rate=24_000,
    ... )
    >>> sorted(manifests)
    ['train', 'valid']
    """
    segment, least = _lengths(segment_seconds, min_seconds, sample_rate)
    paths = find_audio(data_folder) if paths is None else sorted(set(paths))
    save_folder = Path(save_folder)
    lengths = usable_lengths(
        data_folder,
        save_folder,
        paths,
        least=least,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
    )
    manifests = {}
    for path, name in sorted(_assign(split, lengths, data_folder).items()):
        rows = manifests.setdefault(name, {})
        rows.update(_rows(path, lengths[path], segment, least, sample_rate))
    for name, rows in manifests.items():
        write_rows(save_folder / f"{name}.json", rows)
    return {name: str(save_folder / f"{name}.json") for name in manifests}


def _lengths(segment_seconds, min_seconds, sample_rate):
    longest = math.inf if segment_seconds is None else segment_seconds
    if not 0 < min_seconds <= longest:
        raise ValueError(
            f"min_seconds is {min_seconds}: it must be above 0 and at most "
            f"segment_seconds, {segment_seconds}"
        )
    if segment_seconds is None:
        return None, round(min_seconds * sample_rate)
    n_frames = -(-round(segment_seconds * sample_rate) // HOP_LENGTH)
    return n_frames * HOP_LENGTH, round(min_seconds * sample_rate)


def _assign(split, lengths, data_folder):
    try:
        names = split(list(lengths))
    except ValueError as error:
        raise ValueError(f"cannot split {data_folder}: {error}") from error
    assigned = {path: names.get(path) for path in lengths}
    return {path: name for path, name in assigned.items() if name is not None}


def _rows(path, length, segment, least, sample_rate):
    """The rows of one file by id."""
    starts = list(range(0, length, segment or length))
    if len(starts) > 1 and length - starts[-1] < least:
        starts.pop()
    rows = {}
    for index, start in enumerate(starts):
        stop = length if start == starts[-1] else start + segment
        row = make_row(path, start, stop - start, sample_rate)
        rows[segment_id(path, index, len(starts))] = row
    return rows
