"""The inference folder of units: written whole, and checked when it is read.

``units.json``, the settings; ``codebook.safetensors``, the centroids; ``tokens.model``,
SentencePiece's; the student's ``hyperparams.yaml`` and ``student.safetensors``, as
``export_student`` writes them; and ``README.md``, the model card. ``units.json`` names
the SHA-256 of the files that must belong together: units of another student would be
numbers like any others.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

from speechbrain.utils.fetching import FetchConfig

from mert_sb.inference.cache import pinned
from mert_sb.inference.export import CARD, export_student
from mert_sb.inference.files import CHUNK_SECONDS, enough_overlap
from mert_sb.inference.hub import fetch_file
from mert_sb.inference.staging import staged_folder
from mert_sb.inference.tensors import CheckpointError
from mert_sb.inference.units.card import units_card
from mert_sb.inference.units.codebook import Codebook
from mert_sb.inference.units.settings import (
    CHECKED,
    CODEBOOK,
    TOKENS,
    UNITS,
    UnitSettings,
    as_text,
    read_settings,
)
from mert_sb.inference.units.tokenizer import UnitTokenizer
from mert_sb.teachers.base import file_checksum


class ReadUnits(NamedTuple):
    """What a folder holds beside the student.

    Arguments
    ---------
    settings : UnitSettings
        Of ``units.json``.
    codebook : Codebook
        On the CPU.
    tokenizer : UnitTokenizer
        Over strings of the codebook's units.
    fetch_config : speechbrain.utils.fetching.FetchConfig
        To fetch the student of the same version.

    Example
    -------
    >>> read_units("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: units.json of ./absent: ...
    """

    settings: UnitSettings
    codebook: Codebook
    tokenizer: UnitTokenizer
    fetch_config: FetchConfig


def write_units(
    folder,
    student,
    codebook,
    model,
    *,
    layer,
    collapse=True,
    chunk_seconds=CHUNK_SECONDS,
    overlap_seconds=None,
    results=None,
    **card,
):
    """Write the inference folder.

    Arguments
    ---------
    folder : str or pathlib.Path
        Made if absent. If writing fails, what it held before stays.
    student : mert_sb.student.MERT
        The encoder.
    codebook : Codebook
        Of its states.
    model : bytes
        Of ``train_tokenizer``, trained on strings of the codebook's units.
    layer : int
        Whose states; 0 is the input of the first layer.
    collapse : bool
        Whether the strings were collapsed.
    chunk_seconds : float, optional
        Length of the windows of long files. None: files in one pass.
    overlap_seconds : float, optional
        What they share. None: ``MusicEncoder.overlap_seconds``.
    results : dict, optional
        Measurements by split.
    **card : dict
        For ``units_card``: ``name``, ``data``, ``licence``.

    Returns
    -------
    str or pathlib.Path
        The folder.

    Raises
    ------
    CheckpointError
        If student, layer, codebook and model do not fit one another.

    Example
    -------
    See ``UnitEncoder``.

    >>> import torch
    >>> codebook = Codebook(torch.eye(2), torch.ones(2), torch.ones(2))
    >>> write_units("a", None, codebook, b"", layer=1)
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: tokens.model: no SentencePiece model of units, ...
    """
    tokenizer = UnitTokenizer(model, len(codebook))
    if overlap_seconds is None:
        overlap_seconds = enough_overlap(student.settings)
    settings = UnitSettings(
        layer=layer,
        codebook_size=len(codebook),
        vocab_size=len(tokenizer),
        collapse=collapse,
        sample_rate=student.settings["sample_rate"],
        chunk_seconds=chunk_seconds,
        overlap_seconds=overlap_seconds,
        checksums={},
        results=results or {},
    )
    check_student(student.settings, settings, codebook)
    text = units_card(settings, student.settings, **card)
    with staged_folder(folder, foreign="config.json") as staging:
        export_student(student, staging)
        codebook.save(staging / CODEBOOK)
        (staging / TOKENS).write_bytes(model)
        checksums = {name: file_checksum(staging / name) for name in CHECKED}
        settings = settings._replace(checksums=checksums)
        (staging / UNITS).write_text(as_text(settings), encoding="utf-8")
        (staging / CARD).write_text(text, encoding="utf-8")
    return folder


def read_units(source, fetch_config=None):
    """Read a folder, the student aside; no code in it is run.

    Arguments
    ---------
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Returns
    -------
    ReadUnits
        What is in it.

    Raises
    ------
    CheckpointError
        If a file is damaged, or not the one that ``units.json`` names.
    FileNotFoundError
        If a file is missing.

    Example
    -------
    >>> (getfixture("tmp_path") / "units.json").touch()
    >>> read_units(getfixture("tmp_path"))
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: ...units.json, line 1: damaged, or no JSON ...
    """
    fetch_config = fetch_config or FetchConfig()
    about = fetch_file(source, UNITS, fetch_config)
    settings = read_settings(about)
    fetch_config = pinned(about, fetch_config)
    paths = {name: fetch_file(source, name, fetch_config) for name in CHECKED}
    for name, path in paths.items():
        if file_checksum(path) != settings.checksums[name]:
            raise CheckpointError(
                f"{path}: not the file that {UNITS} names by its SHA-256; it is "
                "damaged, or of another folder. Get the folder again, or write "
                "it anew by recipes/units"
            )
    codebook = Codebook.read(paths[CODEBOOK])
    tokenizer = UnitTokenizer(
        paths[TOKENS].read_bytes(), len(codebook), paths[TOKENS]
    )
    for key, found in (
        ("codebook_size", len(codebook)),
        ("vocab_size", len(tokenizer)),
    ):
        if getattr(settings, key) != found:
            raise CheckpointError(
                f"{about}: {key} is {getattr(settings, key)}, but the files have "
                f"{found}"
            )
    return ReadUnits(settings, codebook, tokenizer, fetch_config)


def check_student(student, settings, codebook):
    """Refuse a student that has no such states.

    Arguments
    ---------
    student : dict
        Its settings.
    settings : UnitSettings
        Of the units.
    codebook : Codebook
        Of the states.

    Raises
    ------
    CheckpointError
        If it has no such layer or rate, or its states another width.

    Example
    -------
    >>> settings = UnitSettings(5, 2, 3, True, 24_000, 3.0, {}, {})
    >>> student = {"num_layers": 4, "sample_rate": 24_000}
    >>> check_student(student, settings, None)
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: layer: 5, but the student has states 0 to 4
    """
    if not 0 <= settings.layer <= student["num_layers"]:
        raise CheckpointError(
            f"layer: {settings.layer}, but the student has states 0 to "
            f"{student['num_layers']}"
        )
    if settings.sample_rate != student["sample_rate"]:
        raise CheckpointError(
            f"{UNITS}: sample_rate is {settings.sample_rate}, the student's is "
            f"{student['sample_rate']}"
        )
    width = codebook.centroids.shape[1]
    if width != student["embed_dim"]:
        raise CheckpointError(
            f"{CODEBOOK}: of states of width {width}, but the student's have "
            f"{student['embed_dim']}; it is another student's"
        )
