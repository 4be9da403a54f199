"""Splits: files to training and validation, the same in every run.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import os
from pathlib import Path

from mert_sb.audio.rows import read_rows


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


def ranked_split(paths, *, shares, seed):
    """Assign files to splits of given shares, by the order of their hashes.

    Unlike ``hash_split`` it keeps the shares, also of few files; a file may move
    when others are added (see ``keep_splits``).

    Arguments
    ---------
    paths : list of str
        Paths relative to the data folder.
    shares : dict of str to float
        Split name to its share; what is left is for ``"train"``.
    seed : int
        Another seed gives another split.

    Returns
    -------
    dict
        From path to split name, each used at least once.

    Raises
    ------
    ValueError
        If there are fewer files than splits, or the shares leave nothing.

    Example
    -------
    >>> split = ranked_split(
    ...     list("abcdefgh"), shares={"test": 0.25, "valid": 0.1}, seed=0
    ... )
    >>> [list(split.values()).count(s) for s in ("train", "valid", "test")]
    [5, 1, 2]
    """
    if min(shares.values()) < 0 or sum(shares.values()) >= 1:
        raise ValueError(f"{shares} leave nothing for training")
    if len(paths) <= len(shares):
        raise ValueError(
            f"{len(paths)} usable files are too few for train, {', '.join(shares)}; "
            "add files (a file is never in two)"
        )
    ranked = sorted(paths, key=lambda path: _place(path, seed))
    splits = dict.fromkeys(paths, "train")
    for index, (name, share) in enumerate(shares.items()):
        # Each later split, and training, must get one too.
        most = len(ranked) - (len(shares) - index)
        count = min(max(1, round(share * len(paths))), most)
        splits |= dict.fromkeys(ranked[:count], name)
        ranked = ranked[count:]
    return splits


def keep_splits(save_folder, splits):
    """Refuse a split that moves files from where an earlier run had them.

    A file that was trained on and is then tested on gives a number that means
    nothing.

    Arguments
    ---------
    save_folder : str or Path
        With the manifests of the earlier run, if there was one.
    splits : dict of str to str
        Path to split name.

    Returns
    -------
    dict of str to str
        The same.

    Raises
    ------
    ValueError
        If a file is in another split than before, or a manifest is damaged.

    Example
    -------
    >>> keep_splits("absent", {"a.wav": "train"})
    {'a.wav': 'train'}
    """
    for manifest in Path(save_folder).glob("*.json"):
        if manifest.stem not in splits.values():
            continue
        rows = read_rows(manifest).values()
        paths = {row["wav"].removeprefix("{data_root}/") for row in rows}
        for path in sorted(paths & splits.keys()):
            if splits[path] != manifest.stem:
                raise ValueError(
                    f"{path} was in {manifest}, and would now be in "
                    f"{splits[path]}.json: files or settings of the split have "
                    "changed. Give another output_folder"
                )
    return splits


def _place(path, seed):
    text = f"{seed}\0".encode() + os.fsencode(path)
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
