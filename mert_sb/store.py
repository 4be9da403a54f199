"""The shelf: arrays by key, memory-mapped, written in shards.

Codes are ``uint16 (..., T, K)``, pooled features ``float16 (L, D)``; arrays of one shelf
share a dtype and the number of axes, not their lengths. A shard is a folder, complete or
absent: a killed writer loses one. ``shelf.json`` keeps the writer's fingerprint.

Opening reads 8 bytes a key; looking up is a binary search among the keys' hashes.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from mert_sb.leftovers import temporary_folder
from mert_sb.shard import Shard, read_header
from mert_sb.writing import writing

VERSION = 1
PREFIX = ".part"  # of what is being written


def _hash(key):
    """64 bits of a key."""
    return int.from_bytes(
        hashlib.blake2b(key.encode(), digest_size=8).digest(), "little"
    )


def differences(found, wanted):
    """Where two fingerprints disagree.

    Arguments
    ---------
    found : dict
        A shelf's fingerprint.
    wanted : dict
        What the experiment expects; keys whose value is None are not compared.

    Returns
    -------
    list of str
        One entry a difference.

    Example
    -------
    >>> differences({"sample_rate": 16000}, {"sample_rate": 24000})
    ['sample_rate is 16000, not 24000']
    """
    return [
        f"{key} is {found.get(key)!r}, not {value!r}"
        for key, value in wanted.items()
        if value is not None and found.get(key) != value
    ]


class Shelf:
    """Reads a shelf.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where it was written.
    wanted : dict, optional
        The fingerprint that must be found.

    Raises
    ------
    FileNotFoundError
        If the folder is no shelf.
    ValueError
        If its fingerprint is another, or it is damaged.

    Example
    -------
    >>> folder = getfixture("tmpdir")
    >>> writer = ShelfWriter(folder, {"teacher": "a"}, dtype="uint16")
    >>> writer.write("000", {"x": np.zeros((3, 2)), "y": np.ones((5, 2))})
    >>> Shelf(folder, {"teacher": "a"})["y"].shape
    (5, 2)
    """

    def __init__(self, folder, wanted=None):
        self.folder = Path(folder)
        self.fingerprint, self.dtype = read_header(self.folder)
        wrong = differences(self.fingerprint, wanted or {})
        if wrong:
            raise ValueError(
                f"the shelf {self.folder} was written for something else: "
                f"{'; '.join(wrong)}; write it anew into another folder"
            )
        self._shards = [
            Shard(path, self.dtype) for path in _complete(self.folder)
        ]
        hashes = [shard.read_hashes() for shard in self._shards]
        counts = [len(part) for part in hashes]
        keys = np.concatenate(hashes) if hashes else np.zeros(0, np.uint64)
        order = np.argsort(keys, kind="stable")
        self._hashes = keys[order]
        shards = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
        rows = [np.arange(count, dtype=np.uint32) for count in counts]
        rows = np.concatenate(rows) if rows else np.zeros(0, np.uint32)
        self._places = np.stack([shards[order], rows[order]], axis=1)

    def __len__(self):
        return len(self._hashes)

    def __iter__(self):
        for shard, row in self._places.tolist():
            yield self._shards[shard].key(row)

    def __contains__(self, key):
        return self._find(key) is not None

    def __getitem__(self, key):
        """The array of a key, a read-only view of the file.

        Arguments
        ---------
        key : str
            As written.

        Returns
        -------
        numpy.ndarray
            The array.
        """
        place = self._find(key)
        if place is None:
            raise KeyError(
                f"{key!r} is not in the shelf {self.folder}; run what writes it "
                "(extract_targets.py for targets) to the end, or do without it"
            )
        shard, row = place
        return self._shards[shard][row]

    def _find(self, key):
        """Shard and row of a key, or None."""
        wanted = np.uint64(_hash(key))
        index = int(self._hashes.searchsorted(wanted))
        while index < len(self._hashes) and self._hashes[index] == wanted:
            shard, row = self._places[index].tolist()
            if self._shards[shard].key(row) == key:
                return shard, row
            index += 1
        return None


class ShelfWriter:
    """Writes a shelf, a shard at a time; several processes may share a folder.

    Arguments
    ---------
    folder : str or pathlib.Path
        Made if absent; an existing shelf is continued.
    fingerprint : dict
        Plain values that say who writes what.
    dtype : str
        Of all arrays.

    Raises
    ------
    ValueError
        If the folder holds a shelf of another fingerprint or dtype.

    Example
    -------
    >>> folder = getfixture("tmpdir")
    >>> writer = ShelfWriter(folder, {"teacher": "a"}, dtype="uint16")
    >>> writer.done("000")
    False
    >>> writer.write("000", {"x": np.zeros((3, 2))})
    >>> writer.done("000")
    True
    """

    def __init__(self, folder, fingerprint, *, dtype):
        self.folder = Path(folder)
        self.dtype = np.dtype(dtype)
        self.folder.mkdir(parents=True, exist_ok=True)
        header = self.folder / "shelf.json"
        if header.is_file():
            found, found_dtype = read_header(self.folder)
            wrong = differences(found, fingerprint)
            if wrong or found_dtype != self.dtype:
                wrong = wrong or [f"dtype is {found_dtype}, not {self.dtype}"]
                raise ValueError(
                    f"{self.folder} holds a shelf of another kind: "
                    f"{'; '.join(wrong)}; choose another folder"
                )
            return
        text = json.dumps(
            {
                "version": VERSION,
                "dtype": self.dtype.name,
                "fingerprint": fingerprint,
            },
            indent=2,
        )
        with temporary_folder(self.folder, PREFIX) as temporary:
            aside = temporary / header.name
            with writing(header, at=aside):
                aside.write_text(text + "\n")
                os.replace(aside, header)

    def done(self, shard):
        """Whether a shard is complete.

        Arguments
        ---------
        shard : str
            Its name.

        Returns
        -------
        bool
            True if it need not be written again.
        """
        return (self.folder / f"shard-{shard}").is_dir()

    def write(self, shard, arrays):
        """Write a shard, whole or not at all.

        Arguments
        ---------
        shard : str
            Its name.
        arrays : dict of str to numpy.ndarray
            By key; keys are unique within the shelf.

        Raises
        ------
        OSError
            If it cannot be written, on a full disk for example.
        ValueError
            If an array does not fit into the shelf's dtype.
        """
        place = self.folder / f"shard-{shard}"
        with (
            temporary_folder(self.folder, PREFIX) as temporary,
            writing(place, at=temporary),
        ):
            self._fill(temporary, arrays)
            try:
                os.replace(temporary, place)
            except OSError:
                if not self.done(shard):  # by a faster process
                    raise

    def _fill(self, folder, arrays):
        """Write the files of a shard."""
        for name, column in {
            "keys": np.array([key.encode() for key in arrays]),
            "hashes": np.array([_hash(key) for key in arrays], np.uint64),
            "shapes": np.array([value.shape for value in arrays.values()]),
            "offsets": np.cumsum([0, *(v.size for v in arrays.values())]),
        }.items():
            np.save(folder / f"{name}.npy", column)
        with (folder / "data.bin").open("wb") as file:
            for key, value in arrays.items():
                file.write(self._cast(key, value).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def _cast(self, key, value):
        """To the shelf's dtype; whole numbers must stay what they are."""
        with np.errstate(over="ignore"):
            cast = np.ascontiguousarray(value, self.dtype)
        if cast.dtype.kind == "f" and not np.isfinite(cast).all():
            remedy = "use dtype float32"
            if not np.isfinite(value).all():
                remedy = "look at that file, or at the model's weights"
            raise ValueError(
                f"{self.folder}: values of {key!r} up to {np.abs(value).max():.3g} "
                f"are not finite as {self.dtype}; {remedy}"
            )
        if cast.dtype.kind in "iu" and not np.array_equal(cast, value):
            raise ValueError(
                f"{self.folder}: values of {key!r} from {value.min()} to "
                f"{value.max()} do not fit into {self.dtype}"
            )
        return cast


def _complete(folder):
    """Folders of complete shards, in order of their names."""
    return sorted(folder.glob("shard-*"))
