"""Texts from elsewhere: whatever is damaged in them is an error that names the file.

Python's own errors about an encoding, a CSV cell or JSON say where in the text, but not
in which one.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import csv
import json


@contextlib.contextmanager
def opened_text(path, *, encoding="utf-8", errors="strict", newline=None):
    """Open a text, or rows for the ``csv`` module to read.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.
    encoding : str
        Of its characters.
    errors : str
        As of ``open``.
    newline : str, optional
        As of ``open``; ``""`` for CSV.

    Yields
    ------
    io.TextIOWrapper
        The open file.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is not of that encoding, or a cell of CSV is impossible.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.txt"
    >>> _ = path.write_bytes(b"caf\\xe9")
    >>> read_text(path)
    Traceback (most recent call last):
        ...
    ValueError: ...a.txt: damaged, or no text in utf-8 (...); get it again
    """
    try:
        with open(
            path, encoding=encoding, errors=errors, newline=newline
        ) as file:
            yield file
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: damaged, or no text in {encoding} ({error}); get it again"
        ) from error
    except csv.Error as error:
        raise ValueError(
            f"{path}: damaged, or no table ({error}); get it again"
        ) from error


def read_text(path):
    """The whole of a text in UTF-8.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    str
        Its text, lines ending with ``\\n``.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is not UTF-8.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.txt"
    >>> _ = path.write_text("a\\n")
    >>> read_text(path)
    'a\\n'
    """
    with opened_text(path) as file:
        return file.read()


def parse_json(text, path, **options):
    """What a text of JSON says.

    Arguments
    ---------
    text : str
        JSON.
    path : str or pathlib.Path
        Where it is from, for the error.
    **options : dict
        As of ``json.loads``.

    Returns
    -------
    object
        Plain data.

    Raises
    ------
    ValueError
        If it is no JSON, nested too deeply, or has a number of thousands of digits.

    Example
    -------
    >>> parse_json("[" * 100_000, "a.json")
    Traceback (most recent call last):
        ...
    ValueError: a.json: damaged, or no JSON (nested too deeply); get it again
    """
    where = path
    try:
        return json.loads(text, **options)
    except json.JSONDecodeError as error:
        where, reason, cause = f"{path}, line {error.lineno}", error.msg, error
    except RecursionError as error:
        reason, cause = "nested too deeply", error
    except ValueError as error:
        reason, cause = error, error
    raise ValueError(
        f"{where}: damaged, or no JSON ({reason}); get it again"
    ) from cause


def read_json(path, **options):
    """What a file of JSON says.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.
    **options : dict
        As of ``json.loads``.

    Returns
    -------
    object
        Plain data.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is no JSON.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.json"
    >>> _ = path.write_text('{"a": 1}')
    >>> read_json(path)
    {'a': 1}
    """
    return parse_json(read_text(path), path, **options)
