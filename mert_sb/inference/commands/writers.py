"""Where features are kept, whole or absent: ``.npy``, ``.npz`` or HDF5.

A complete temporary ``.npy`` (see ``staged``) is renamed, or packed together with the
frames' times and then renamed.

Authors
 * The mert_sb developers 2026
"""

import importlib
import shutil
import zipfile

import numpy as np

# A temporary folder inside of the output folder.
WORKSPACE = ".part"


class NpyFolder:
    """Outputs ``<name>.npy``: states alone.

    Arguments
    ---------
    folder : pathlib.Path
        Of all outputs.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> np.save(folder / "staged.npy", np.zeros(2))
    >>> store = NpyFolder(folder)
    >>> store.keep(folder / "staged.npy", "b/a", None)
    >>> store.names()
    {'b/a'}
    """

    SUFFIX = ".npy"

    def __init__(self, folder):
        self.folder = folder

    def names(self):
        """List the outputs that are there.

        Returns
        -------
        set of str
            Their names.
        """
        return {
            path.relative_to(self.folder).as_posix().removesuffix(self.SUFFIX)
            for path in self.folder.rglob(f"*{self.SUFFIX}")
            if WORKSPACE not in path.relative_to(self.folder).parts
        }

    def remove(self, names):
        """Remove outputs.

        Arguments
        ---------
        names : iterable of str
            Of outputs; those that are absent are passed over.
        """
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def keep(self, staged, name, times):
        """Make a complete temporary file the output.

        Arguments
        ---------
        staged : pathlib.Path
            The temporary ``.npy``; gone afterwards.
        name : str
            Of the output.
        times : numpy.ndarray or None
            ``(T,)`` seconds; not stored here, ``encode.json`` has their rule.
        """
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(path)

    def path(self, name):
        """Where an output is, or will be.

        Arguments
        ---------
        name : str
            Of the output.

        Returns
        -------
        pathlib.Path
            Its file.
        """
        return self.folder / f"{name}{self.SUFFIX}"


class NpzFolder(NpyFolder):
    """Outputs ``<name>.npz``: ``states`` and, if not pooled, ``times``.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> np.save(folder / "staged.npy", np.zeros((2, 8)))
    >>> NpzFolder(folder).keep(folder / "staged.npy", "a", np.arange(2.0))
    >>> with np.load(folder / "a.npz") as features:
    ...     sorted(features)
    ['states', 'times']
    """

    SUFFIX = ".npz"

    def keep(self, staged, name, times):
        """Pack a complete temporary file and make it the output.

        Arguments
        ---------
        staged : pathlib.Path
            The temporary ``.npy``; gone afterwards.
        name : str
            Of the output.
        times : numpy.ndarray or None
            ``(T,)`` seconds.
        """
        packed = staged.with_suffix(self.SUFFIX)
        with zipfile.ZipFile(packed, "w") as archive:
            # Not archive.write: the same features are to be the same bytes, whenever.
            with (
                archive.open("states.npy", "w", force_zip64=True) as member,
                open(staged, "rb") as file,
            ):
                shutil.copyfileobj(file, member)
            if times is not None:
                with archive.open("times.npy", "w") as member:
                    np.save(member, times)
        super().keep(packed, name, times)
        staged.unlink()


class Hdf5Folder(NpyFolder):
    """Outputs ``<name>.h5``: data sets ``states`` and, if not pooled, ``times``.

    A file for each output, as HDF5 does not survive a kill while it is changed.

    Arguments
    ---------
    folder : pathlib.Path
        Of all outputs.

    Raises
    ------
    ImportError
        If h5py is absent.

    Example
    -------
    >>> import pytest
    >>> h5py = pytest.importorskip("h5py")
    >>> folder = getfixture("tmp_path")
    >>> np.save(folder / "staged.npy", np.zeros((2, 8)))
    >>> Hdf5Folder(folder).keep(folder / "staged.npy", "a", None)
    >>> with h5py.File(folder / "a.h5") as features:
    ...     features["states"].shape
    (2, 8)
    """

    SUFFIX = ".h5"

    def __init__(self, folder):
        super().__init__(folder)
        try:
            self.h5py = importlib.import_module("h5py")
        except ImportError as error:
            raise ImportError(
                f"--format hdf5 needs h5py ({error}): pip install "
                "'mert_sb[hdf5]', or choose npy or npz"
            ) from error

    def keep(self, staged, name, times):
        """Pack a complete temporary file and make it the output.

        Arguments
        ---------
        staged : pathlib.Path
            The temporary ``.npy``; gone afterwards.
        name : str
            Of the output.
        times : numpy.ndarray or None
            ``(T,)`` seconds.
        """
        packed = staged.with_suffix(self.SUFFIX)
        with open(packed, "w+b") as raw:
            guarded = _Guarded(raw)
            with guarded, self.h5py.File(guarded, "w") as file:
                states = np.load(staged, mmap_mode="r")
                file.create_dataset("states", data=states)
                if times is not None:
                    file.create_dataset("times", data=times)
        super().keep(packed, name, times)
        staged.unlink()


class _Guarded:
    """A file whose errors HDF5 does not see: a full disk ends its process."""

    def __init__(self, file):
        self.file, self.error = file, None
        self.seek, self.tell = file.seek, file.tell
        self.read, self.readinto = file.read, file.readinto

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.error is not None:
            raise self.error

    def write(self, block):
        """Write, or pretend to."""
        self._try(self.file.write, block)
        return len(block)

    def truncate(self, size=None):
        """Cut or lengthen, or pretend to."""
        self._try(self.file.truncate, size)
        return size

    def flush(self):
        """Bring to the disk, or pretend to."""
        self._try(self.file.flush)

    def _try(self, call, *arguments):
        if self.error is None:
            try:
                call(*arguments)
            except OSError as error:
                self.error = error


STORES = {"npy": NpyFolder, "npz": NpzFolder, "hdf5": Hdf5Folder}
