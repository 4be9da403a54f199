"""``units.json``: what the units of a folder are, each setting of its kind.

Authors
 * The mert_sb developers 2026
"""

import json
import re
from typing import NamedTuple

from mert_sb.inference.chunks import frame_counts
from mert_sb.inference.export import STUDENT
from mert_sb.inference.settings import (
    COUNT,
    FACTOR,
    MAPPING,
    SIZE,
    SWITCH,
    TEXT,
    need,
)
from mert_sb.inference.tasks import SECONDS
from mert_sb.inference.tensors import CheckpointError, read_json

UNITS, CODEBOOK, TOKENS = "units.json", "codebook.safetensors", "tokens.model"
# Files that units.json names the SHA-256 of.
CHECKED = (STUDENT, CODEBOOK, TOKENS)
# A unit is one code point of a private-use plane, of which two are no characters.
MOST_UNITS = 65_534
N_UNITS = (
    f"a whole number of 1 to {MOST_UNITS}",
    lambda value: COUNT[1](value) and value <= MOST_UNITS,
)
DIGEST = (
    "a SHA-256 in hexadecimal digits",
    lambda value: TEXT[1](value) and bool(re.fullmatch("[0-9a-f]{64}", value)),
)

# What each key of units.json must be; the second may be missing.
KINDS = {
    "layer": SIZE,
    "codebook_size": N_UNITS,
    "vocab_size": COUNT,
    "collapse": SWITCH,
    "sample_rate": COUNT,
    "overlap_seconds": FACTOR,
    "checksums": MAPPING,
    "results": MAPPING,
}
OPTIONAL = {"chunk_seconds": SECONDS}


class UnitSettings(NamedTuple):
    """What ``units.json`` says.

    Arguments
    ---------
    layer : int
        Whose states are quantised; 0 is the input of the first layer.
    codebook_size : int
        Clusters.
    vocab_size : int
        Tokens, the unknown one (0, which no string of units gives) among them.
    collapse : bool
        Whether tokens stand over strings in which a repeated unit counts once.
    sample_rate : int
        The student's, in Hz.
    overlap_seconds : float
        What the windows of a long file share.
    checksums : dict of str to str
        SHA-256 of ``student.safetensors``, ``codebook.safetensors`` and
        ``tokens.model``.
    results : dict
        Measurements by split, for the reader.
    chunk_seconds : float, optional
        Length of the windows, which the states and so the units depend on. None:
        files in one pass.

    Example
    -------
    >>> UnitSettings(
    ...     7, 500, 5000, True, 24_000, 3.0, {}, {}
    ... ).chunk_seconds is None
    True
    """

    layer: int
    codebook_size: int
    vocab_size: int
    collapse: bool
    sample_rate: int
    overlap_seconds: float
    checksums: dict
    results: dict
    chunk_seconds: float | None = None


def as_text(settings):
    """The text of ``units.json``.

    Arguments
    ---------
    settings : UnitSettings
        What to write.

    Returns
    -------
    str
        JSON.

    Example
    -------
    >>> settings = UnitSettings(7, 500, 5000, True, 24_000, 3.0, {}, {})
    >>> "chunk_seconds" in as_text(settings)
    False
    """
    given = {k: v for k, v in settings._asdict().items() if v is not None}
    return json.dumps(given, indent=2, allow_nan=False) + "\n"


def read_settings(path):
    """Read ``units.json``, each setting of its kind.

    Arguments
    ---------
    path : pathlib.Path
        The file.

    Returns
    -------
    UnitSettings
        What it says.

    Raises
    ------
    CheckpointError
        If the file is damaged, a key is missing, unknown or of another kind, or
        no file could be cut as it says.

    Example
    -------
    >>> path = getfixture("tmp_path") / "units.json"
    >>> _ = path.write_text('{"layer": -1}')
    >>> read_settings(path)
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: ...units.json: layer is -1, not a whole number from 0
    """
    given = read_json(path)
    if unknown := given.keys() - KINDS.keys() - OPTIONAL.keys():
        raise CheckpointError(
            f"{path}: nothing is known of {', '.join(sorted(unknown))}; it is of "
            "another version, or not of units"
        )
    for key, kind in KINDS.items():
        need(given, key, kind, path)
    for key in given.keys() & OPTIONAL.keys():
        need(given, key, OPTIONAL[key], path)
    for name in CHECKED:
        need(given["checksums"], name, DIGEST, path, "checksums.")
    settings = UnitSettings(**given)
    try:
        frame_counts(
            settings.sample_rate,
            settings.chunk_seconds,
            settings.overlap_seconds,
        )
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return settings


def check_vocabulary(vocab_size, codebook_size):
    """Refuse a vocabulary that has no place for every unit.

    Arguments
    ---------
    vocab_size : int
        Tokens.
    codebook_size : int
        Units.

    Raises
    ------
    ValueError
        If it is too small.

    Example
    -------
    >>> check_vocabulary(500, 500)
    Traceback (most recent call last):
        ...
    ValueError: vocab_size: 500, but the unknown token and 500 units are 501
    """
    if vocab_size <= codebook_size:
        raise ValueError(
            f"vocab_size: {vocab_size}, but the unknown token and {codebook_size} "
            f"units are {codebook_size + 1}"
        )
