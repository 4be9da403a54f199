"""Rows of manifests and tables about files, written whole or not at all.

Authors
 * The mert_sb developers 2026
"""

import csv
import io
import json
from pathlib import PurePosixPath

from mert_sb.texts import read_json
from mert_sb.writing import whole

ROOT = "{data_root}/"


def leads_out(path):
    """Whether a path leads out of the folder that it is relative to.

    Arguments
    ---------
    path : str
        With forward slashes.

    Returns
    -------
    bool
        True for absolute ones, those with ``..``, and what no file can be called.
        Links are not followed: data sets are often made of them.

    Example
    -------
    >>> [leads_out(path) for path in ("a/b.wav", "/a", "a/../../b", "a\\0")]
    [False, True, True, True]
    """
    parts = PurePosixPath(path)
    return parts.is_absolute() or ".." in parts.parts or "\0" in path


def read_rows(path):
    """Read a manifest.

    Arguments
    ---------
    path : pathlib.Path
        Which ``write_rows`` wrote.

    Returns
    -------
    dict
        From id to row.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If a row has no path below the data folder, or no stretch of it.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.json"
    >>> write_rows(path, {"a": make_row("../a.wav", 0, 12, 24)})
    >>> read_rows(path)
    Traceback (most recent call last):
        ...
    ValueError: ...train.json: 'a' is no row of a manifest; prepare the data again
    """
    rows = read_json(path)
    if not isinstance(rows, dict):
        raise ValueError(f"{path}: no manifest; prepare the data again")
    for name, row in rows.items():
        if not _is_row(row):
            raise ValueError(
                f"{path}: {name!r} is no row of a manifest; prepare the data again"
            )
    return rows


def _is_row(row):
    """Whether a value is what ``make_row`` makes."""
    if not isinstance(row, dict):
        return False
    wav, duration = row.get("wav"), row.get("duration")
    counts = row.get("start"), row.get("length")
    return (
        isinstance(wav, str)
        and wav.startswith(ROOT)
        and not leads_out(wav.removeprefix(ROOT))
        and all(type(count) is int and count >= 0 for count in counts)
        and type(duration) in (int, float)
    )


def make_row(path, start, length, sample_rate, /, **fields):
    """A stretch of a file, as SpeechBrain's ``from_json`` reads it.

    Arguments
    ---------
    path : str
        Path relative to the data folder.
    start, length : int
        Which samples, at the student's rate.
    sample_rate : int
        That rate in Hz.
    **fields : str, number or list of these
        What else is known about it.

    Returns
    -------
    dict
        ``wav``, ``start``, ``length``, ``duration`` in seconds, and the fields.
        Braces are doubled: SpeechBrain makes them single again.

    Example
    -------
    >>> row = make_row("{a}.wav", 0, 36_000, 24_000, tags=["{b}"])
    >>> row["wav"], row["tags"]
    ('{data_root}/{{a}}.wav', ['{{b}}'])
    """
    return {
        "wav": ROOT + _escaped(path),
        "start": start,
        "length": length,
        "duration": length / sample_rate,
        **{name: _escaped(value) for name, value in fields.items()},
    }


def write_rows(path, rows):
    """Write a manifest.

    Arguments
    ---------
    path : pathlib.Path
        Where to.
    rows : dict
        From id to row.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.json"
    >>> write_rows(path, {"a.wav": make_row("a.wav", 0, 12, 24)})
    >>> json.loads(path.read_text())["a.wav"]["duration"]
    0.5
    """
    _replace(path, json.dumps(rows, indent=2) + "\n")


def write_table(path, header, rows):
    """Write a CSV file.

    Arguments
    ---------
    path : pathlib.Path
        Where to.
    header : list of str
        Names of the columns.
    rows : iterable of sequences
        What is in them.

    Example
    -------
    >>> path = getfixture("tmp_path") / "skipped.csv"
    >>> write_table(path, ["path", "reason"], [("a, b.wav", "empty")])
    >>> path.read_text()
    'path,reason\\n"a, b.wav",empty\\n'
    """
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    _replace(path, table.getvalue())


def _escaped(value):
    # SpeechBrain puts the data folder in with str.format_map, wherever a string
    # is.
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    if isinstance(value, list):
        return [_escaped(part) for part in value]
    return value


def _replace(path, text):
    """Write a file, so that it is never half."""
    with whole(path) as aside:
        aside.write_bytes(text.encode("utf-8", "surrogateescape"))
