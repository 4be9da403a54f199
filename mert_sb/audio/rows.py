"""Rows of manifests and tables about files, written whole or not at all.

Authors
 * The mert_sb developers 2026
"""

import csv
import io
import json

from mert_sb.writing import whole


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
        "wav": "{data_root}/" + _escaped(path),
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
