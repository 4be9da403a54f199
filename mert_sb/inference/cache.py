"""The Hub's files on this machine: which version they are of, and whether they are whole.

huggingface_hub links each file of a version, ``snapshots/<commit>/<name>``, to a blob
named by the content's hash. The client compares sizes only; here the hash is compared at
every load (1.6 GB/s with a CPU's SHA instructions, 0.6 without: at most 0.6 s for the
95M model).

Authors
 * The mert_sb developers 2026
"""

import dataclasses
import hashlib
import os
import pathlib
import re

from speechbrain.utils.logger import get_logger

logger = get_logger(__name__)


def pinned(path, fetch_config):
    """A configuration for more files of the version that one file is of.

    A branch may move between two requests, and a model must not be put together
    from two versions.

    Arguments
    ---------
    path : pathlib.Path
        From ``fetch_file``.
    fetch_config : speechbrain.utils.fetching.FetchConfig
        That it was fetched with.

    Returns
    -------
    speechbrain.utils.fetching.FetchConfig
        With the file's commit as revision; the same for a local file.

    Example
    -------
    >>> commit = "0123456789abcdef0123456789abcdef01234567"
    >>> path = pathlib.Path("models--a--b", "snapshots", commit, "config.json")
    >>> from speechbrain.utils.fetching import FetchConfig
    >>> pinned(path, FetchConfig()).revision == commit
    True
    """
    folder = path.parent
    is_cached = folder.parent.name == "snapshots"
    if not (is_cached and re.fullmatch(r"[0-9a-f]{40}", folder.name)):
        return fetch_config
    return dataclasses.replace(fetch_config, revision=folder.name)


def verified(path, wanted):
    """A cached file's path, once its content has the hash that names its blob.

    Arguments
    ---------
    path : pathlib.Path
        In huggingface_hub's cache.
    wanted : str
        What was asked for, for the error.

    Returns
    -------
    pathlib.Path
        The same.

    Raises
    ------
    OSError
        If the content is not the Hub's; says what to delete.

    Example
    -------
    >>> content = b"tensors"
    >>> blob = getfixture("tmp_path") / hashlib.sha256(content).hexdigest()
    >>> _ = blob.write_bytes(content)
    >>> verified(blob, "weights") == blob
    True
    """
    # One step only: a blob may itself be a link to a store with other names.
    link = os.readlink(path) if path.is_symlink() else path.name
    blob = pathlib.Path(os.path.normpath(path.parent.resolve() / link))
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", blob.name):
        logger.warning("%s: its hash is not known, so not checked", path)
        return path
    digest = hashlib.sha256()
    if len(blob.name) == 40:  # a small file: git's name for it
        header = b"blob %d\0" % blob.stat().st_size
        digest = hashlib.sha1(header, usedforsecurity=False)
    with open(blob, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != blob.name:
        problem = f"damaged, its hash is {digest.hexdigest()}, not the Hub's"
        raise OSError(f"{wanted}: {problem}; delete {blob} and load again")
    return path
