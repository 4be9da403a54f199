"""Splits: files to training and validation, the same in every run.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import os


def hash_split(paths, *, valid_share, seed):
    """Assign files to training and validation by a hash of their paths.

    A file keeps its split when others are added or removed, except where the
    share leaves training or validation empty: one file is then moved there.

    Arguments
    ---------
    paths : list of str
        Paths relative to the data folder.
    valid_share : float
        Share of files for validation, between 0 and 1.
    seed : int
        Another seed gives another split.

    Returns
    -------
    dict
        From path to ``"train"`` or ``"valid"``, each used at least once.

    Raises
    ------
    ValueError
        If there are fewer than two files, or ``valid_share`` is no share.

    Example
    -------
    >>> split = hash_split(["a.ogg", "b.ogg"], valid_share=0.05, seed=1337)
    >>> sorted(split.values())
    ['train', 'valid']
    """
    if not 0 <= valid_share <= 1:
        raise ValueError(f"valid_share is {valid_share}: give a share, 0 to 1")
    if len(paths) < 2:
        raise ValueError(
            f"{len(paths)} usable file is too few for training and validation; "
            "add files (a file is never in both), or lower min_seconds"
        )
    places = {path: _place(path, seed) for path in paths}
    valid = {path for path in paths if places[path] < valid_share}
    valid.add(min(paths, key=places.get))
    valid.discard(max(paths, key=places.get))
    return {path: "valid" if path in valid else "train" for path in paths}


def _place(path, seed):
    text = f"{seed}\0".encode() + os.fsencode(path)
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
