"""Any checkpoint of MERT: which layout it has, and what it holds.

A source is a folder or file here, or a repository of the Hub:

- ours: ``hyperparams.yaml`` and ``student.safetensors`` (``export_student``);
- the original's Hugging Face layout: ``config.json``, ``preprocessor_config.json`` and
  ``model.safetensors`` or ``pytorch_model.bin``;
- the original's fairseq file: ``*.pt``.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path
from typing import NamedTuple

from speechbrain.utils.fetching import FetchConfig

from mert_sb.inference.cache import pinned
from mert_sb.inference.export import HPARAMS, STUDENT, read_exported
from mert_sb.inference.fairseq import read_fairseq
from mert_sb.inference.hub import fetch_file
from mert_sb.inference.huggingface import (
    CONFIG,
    PREPROCESSOR,
    WEIGHTS,
    read_config,
    read_huggingface,
)
from mert_sb.inference.tensors import CheckpointError

# The published models, by their own names.
PUBLISHED = {
    name: f"m-a-p/{name}"
    for name in ("MERT-v0", "MERT-v0-public", "MERT-v1-95M", "MERT-v1-330M")
}


READERS = {
    "mert_sb": read_exported,
    "huggingface": read_huggingface,
    "fairseq": read_fairseq,
}


class Files(NamedTuple):
    """Where a checkpoint lies.

    Arguments
    ---------
    layout : str
        A key of ``READERS``.
    paths : tuple of pathlib.Path
        Its files on this machine, the weights last.

    Example
    -------
    >>> Files("fairseq", (Path("a.pt"),)).layout
    'fairseq'
    """

    layout: str
    paths: tuple


def locate(source, fetch_config=None):
    """Tell a checkpoint's layout and fetch its files.

    Arguments
    ---------
    source : str or pathlib.Path
        A folder, a fairseq ``.pt`` file, a Hub id (``m-a-p/MERT-v1-95M``), or the
        last part of the original's (``MERT-v1-95M``, ``MERT-v1-330M``, ``MERT-v0``,
        ``MERT-v0-public``).
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        ``revision``, ``token``, ``allow_network`` and the cache's place, for the
        Hub.

    Returns
    -------
    Files
        Layout and local paths.

    Raises
    ------
    CheckpointError
        If the source is a file of another kind.
    FileNotFoundError
        If a file, or the source itself, does not exist.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.pt"
    >>> path.touch()
    >>> locate(path).layout
    'fairseq'
    """
    path = Path(source)
    if path.is_file():
        if path.suffix not in (".pt", ".pth"):
            raise CheckpointError(
                f"{path}: a checkpoint is a folder, or fairseq's .pt file"
            )
        return Files("fairseq", (path,))
    if not path.is_dir():
        source = PUBLISHED.get(str(source), source)
    fetch_config = fetch_config or FetchConfig()
    first = fetch_file(source, (HPARAMS, CONFIG), fetch_config)
    fetch_config = pinned(first, fetch_config)
    if first.name == HPARAMS:
        weights = fetch_file(source, STUDENT, fetch_config)
        return Files("mert_sb", (first, weights))
    # Another model may have no such files as the following; say what it is.
    read_config(first)
    preprocessor = fetch_file(source, PREPROCESSOR, fetch_config)
    weights = fetch_file(source, WEIGHTS, fetch_config)
    return Files("huggingface", (first, preprocessor, weights))


def read_files(files):
    """Read a checkpoint that was located.

    Arguments
    ---------
    files : Files
        From ``locate``.

    Returns
    -------
    mert_sb.inference.checkpoint.Checkpoint
        Settings and tensors.

    Raises
    ------
    CheckpointError
        If it is damaged, dangerous, or no MERT.

    Example
    -------
    >>> read_files(Files("fairseq", ("absent.pt",)))
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'absent.pt'
    """
    return READERS[files.layout](*files.paths)


def read_checkpoint(source, fetch_config=None):
    """Read a checkpoint of any layout; no code in it is run.

    Arguments
    ---------
    source : str or pathlib.Path
        As for ``locate``.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        As for ``locate``.

    Returns
    -------
    mert_sb.inference.checkpoint.Checkpoint
        Settings and tensors.

    Raises
    ------
    CheckpointError
        If it is damaged, dangerous, or no MERT.
    FileNotFoundError
        If a file, or the source itself, does not exist.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> read_checkpoint(folder).layout
    'mert_sb'
    """
    return read_files(locate(source, fetch_config))
