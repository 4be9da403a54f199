"""One folder of a shelf, read when the first of its arrays is asked for.

It then takes 16 bytes a key and two mappings, of which Linux allows a process 65,530.

Authors
 * The mert_sb developers 2026
"""

import os
import tokenize

import numpy as np

from mert_sb.texts import read_json

# Version 1: heads of later ones may ask for gigabytes before they are read.
MAGIC = b"\x93NUMPY\x01\x00"
# What numpy raises about the head of a table.
UNREADABLE = (
    AttributeError,
    EOFError,
    OverflowError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
)
# Of others numpy could take bytes of a file for addresses.
DTYPES = {
    *("bool", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
}


class Shard:
    """Arrays by row; see ``mert_sb.store``, which writes them.

    Arguments
    ---------
    path : pathlib.Path
        The folder.
    dtype : numpy.dtype
        Of the arrays.

    Raises
    ------
    ValueError
        If the file of numbers has not the length that its table asks for. Reading
        rows raises it too, where tables are damaged or do not fit one another.

    Example
    -------
    >>> from mert_sb.store import ShelfWriter
    >>> folder = getfixture("tmp_path")
    >>> writer = ShelfWriter(folder, {"teacher": "a"}, dtype="uint16")
    >>> writer.write("0", {"x": np.zeros((3, 2)), "y": np.ones((5, 2))})
    >>> shard = Shard(folder / "shard-0", np.dtype("uint16"))
    >>> shard.key(1), shard[1].shape
    ('y', (5, 2))
    """

    def __init__(self, path, dtype):
        self._path = path
        self._dtype = dtype
        self._data = None
        with (path / "offsets.npy").open("rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - 8, 0))
            n_values = int.from_bytes(file.read(8), "little")
        size = n_values * dtype.itemsize
        if (path / "data.bin").stat().st_size != size:
            raise self._damage("data.bin is not as long as its table says")

    def read_hashes(self):
        """Hashes of the keys.

        Returns
        -------
        numpy.ndarray
            ``(rows,)`` uint64.
        """
        return np.array(self._table("hashes", "u", 8, 1))

    def key(self, row):
        """The key of a row.

        Arguments
        ---------
        row : int
            Which.

        Returns
        -------
        str
            As written.
        """
        self._map()
        try:
            return self._keys[row].decode()
        except UnicodeDecodeError as error:
            raise self._damage(f"keys.npy: {error}") from error

    def __getitem__(self, row):
        """The array of a row.

        Arguments
        ---------
        row : int
            Which.

        Returns
        -------
        numpy.ndarray
            A read-only view of the file.
        """
        self._map()
        start, stop = self._offsets[row : row + 2].tolist()
        return self._data[start:stop].reshape(self._shapes[row].tolist())

    def _map(self):
        if self._data is not None:
            return
        shapes = np.array(self._table("shapes", "i", None, 2))
        self._offsets = np.array(self._table("offsets", "i", 8, 1))
        self._keys = self._table("keys", "S", None, 1)
        self._check(shapes)
        self._shapes = shapes.astype(np.int32)
        data = np.zeros(0, self._dtype)
        if self._offsets[-1]:
            path = self._path / "data.bin"
            data = np.memmap(path, dtype=self._dtype, mode="r")
        # As plain arrays: those that say they are mapped take long to slice.
        self._data = data.view(np.ndarray)

    def _table(self, name, kind, itemsize, axes):
        """A mapped table; nothing larger than its file is made of it."""
        path = self._path / f"{name}.npy"
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise self._damage(f"{path.name} is no table")
        try:
            table = np.load(path, mmap_mode="r", allow_pickle=False)
        except UNREADABLE as error:
            raise self._damage(f"{path.name}: {error}") from error
        found = table.dtype.kind, table.ndim
        if found != (kind, axes) or itemsize not in (
            None,
            table.dtype.itemsize,
        ):
            raise self._damage(
                f"{path.name} is of {table.dtype}, {table.shape}"
            )
        return table.view(np.ndarray)

    def _check(self, shapes):
        """Refuse tables that do not fit one another."""
        sizes = np.diff(self._offsets)
        hashes = self._table("hashes", "u", 8, 1)
        rows = {len(shapes), len(self._keys), len(sizes), len(hashes)}
        fits = len(rows) == 1 and self._offsets[0] == 0
        if not fits or (shapes < 0).any() or (shapes >= 2**31).any():
            raise self._damage("its tables are of different rows")
        # As floats, which do not overflow.
        wanted = shapes.astype(float).prod(1)
        size = self._offsets[-1] * self._dtype.itemsize
        whole = size == (self._path / "data.bin").stat().st_size
        if not whole or (sizes != wanted).any():
            raise self._damage("its tables do not fit its data")

    def _damage(self, reason):
        return ValueError(
            f"{self._path} is damaged; delete it, write it again ({reason})"
        )


def read_header(folder):
    """Fingerprint and dtype of a shelf.

    Arguments
    ---------
    folder : pathlib.Path
        Of all its shards.

    Returns
    -------
    tuple of (dict, numpy.dtype)
        As its writer was given them.

    Raises
    ------
    FileNotFoundError
        If it is no shelf.
    ValueError
        If its header is damaged.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> text = '{"dtype": "int16", "fingerprint": {"teacher": "a"}}'
    >>> _ = (folder / "shelf.json").write_text(text)
    >>> read_header(folder)
    ({'teacher': 'a'}, dtype('int16'))
    """
    header = folder / "shelf.json"
    if not header.is_file():
        raise FileNotFoundError(
            f"{folder} is no shelf: there is no {header}; run what writes it "
            "(extract_targets.py for targets) first, or do without it"
        )
    found = read_json(header)
    found = found if isinstance(found, dict) else {}
    fingerprint, dtype = found.get("fingerprint"), found.get("dtype")
    if not (isinstance(dtype, str) and dtype in DTYPES):
        raise ValueError(
            f"{header}: damaged, its dtype is {dtype!r}, not one of {sorted(DTYPES)}"
        )
    if not isinstance(fingerprint, dict):
        raise ValueError(f"{header}: damaged, there is no fingerprint")
    return fingerprint, np.dtype(dtype)
