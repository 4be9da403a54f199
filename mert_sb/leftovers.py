"""Temporary folders, and the removal of those that killed processes left.

A folder is locked as long as the process that made it lives. The next that makes one in
the same place removes those that nobody has locked. On some shared file systems a lock
holds on its own machine alone (BeeGFS's default, Lustre's localflock): what was made under
another host name goes only when it is a day old, too.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import os
import platform
import secrets
import shutil
import time
import zlib
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# Digits behind the prefix: four of the host's name, four by chance.
DIGITS = 8
MACHINE = f"{zlib.crc32(platform.node().encode()) % 16**4:04x}"
DAY = 86_400  # seconds


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
    >>> (folder / f".part{MACHINE}4567").mkdir()
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

    Where there are no locks they stay; those of other host names, for a day.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where they are.
    prefix : str
        Of their names.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / f".part{MACHINE}4567").mkdir()
    >>> remove_leftovers(folder, ".part")
    >>> list(folder.iterdir())
    []
    """
    for path in Path(folder).glob(f"{prefix}{'[0-9a-f]' * DIGITS}"):
        # Another process may remove it just now, or live.
        with contextlib.suppress(OSError):
            lock = _lock(path)
            if lock is not None:
                if _may_go(path, prefix):
                    shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def _may_go(path, prefix):
    """Whether its lock, which was free, tells that its process is gone."""
    ours = path.name.startswith(f"{prefix}{MACHINE}")
    return ours or time.time() - path.stat().st_mtime > DAY


def _make(folder, prefix):
    """A new folder, and the open lock of it if there are locks."""
    while True:
        path = folder / f"{prefix}{MACHINE}{secrets.token_hex(2)}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
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
