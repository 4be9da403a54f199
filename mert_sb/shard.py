"""One folder of a shelf, read when the first of its arrays is asked for.

It then takes 16 bytes a key and two mappings, of which Linux allows a process 65,530.

Authors
 * The mert_sb developers 2026
"""

import os

import numpy as np


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
        If the file of numbers has not the length that its table asks for.

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
            file.seek(-8, os.SEEK_END)
            n_values = int.from_bytes(file.read(8), "little")
        size = n_values * dtype.itemsize
        if (path / "data.bin").stat().st_size != size:
            raise ValueError(f"{path} is damaged; delete it, write it again")

    def read_hashes(self):
        """Hashes of the keys.

        Returns
        -------
        numpy.ndarray
            ``(rows,)`` uint64.
        """
        return np.load(self._path / "hashes.npy")

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
        return self._keys[row].decode()

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
        self._shapes = np.load(self._path / "shapes.npy").astype(np.int32)
        self._offsets = np.load(self._path / "offsets.npy")
        # As plain arrays: those that say they are mapped take long to slice.
        keys = np.load(self._path / "keys.npy", mmap_mode="r")
        self._keys = keys.view(np.ndarray)
        data = np.memmap(self._path / "data.bin", dtype=self._dtype, mode="r")
        self._data = data.view(np.ndarray)
