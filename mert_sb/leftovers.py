"""Temporary folders, and the removal of those that killed processes left.

A folder is locked as long as the process that made it lives, in whatever container or,
where the file system's locks reach so far, on whatever machine. The next that makes one
in the same place removes those that nobody has locked.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# Digits behind the prefix.
DIGITS = 8


@contextlib.contextmanager
def temporary_folder(folder, prefix):
    """Make a folder of one's own within another; gone afterwards, unless moved.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where to make it.
    prefix : str
        Of its name; what killed processes left under such names is removed.

    Yields
    ------
    pathlib.Path
        An empty folder.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / ".part01234567").mkdir()
    >>> with temporary_folder(folder, ".part") as temporary:
    ...     len(list(folder.iterdir()))
    1
    """
    remove_leftovers(folder, prefix)
    path, lock = _make(Path(folder), prefix)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def remove_leftovers(folder, prefix):
    """Remove temporary folders whose processes were killed.

    Where there are no locks they stay.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where they are.
    prefix : str
        Of their names.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / ".part01234567").mkdir()
    >>> remove_leftovers(folder, ".part")
    >>> list(folder.iterdir())
    []
    """
    for path in Path(folder).glob(f"{prefix}{'[0-9a-f]' * DIGITS}"):
        # Another process may remove it just now, or live.
        with contextlib.suppress(OSError):
            lock = _lock(path)
            if lock is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def _make(folder, prefix):
    """A new folder, and the open lock of it if there are locks."""
    while True:
        path = folder / f"{prefix}{secrets.token_hex(DIGITS // 2)}"
        path.mkdir()
        # Until it is locked, another process may take it for left.
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            lock = _lock(path)
            if lock is None or path.exists():
                return path, lock
            os.close(lock)


def _lock(path):
    """Lock a folder; None where there are no locks.

    Raises
    ------
    BlockingIOError
        If another process has locked it.
    FileNotFoundError
        If it is gone.
    """
    if fcntl is None:
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    return handle
