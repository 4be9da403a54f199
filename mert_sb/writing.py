"""Writing: errors that name the file, and files that are whole or absent.

What has no room left is an ``OSError`` without a name to Python, a ``RuntimeError`` about
streams to torch and to libsndfile, and something else again to NumPy and safetensors. In
here it is one error, which says which file, and what to do.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import errno
import os
import re
import tempfile
from pathlib import Path

from safetensors import SafetensorError

ROOM = "make room, then give the same command again"
SHORTAGES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "raise the limit on sizes of files, then give the same command again",
}
# Libraries that keep the system's error to themselves: safetensors and HDF5 in text.
NUMBER = re.compile(r"os error (\d+)|errno = (\d+)")
# What is written to see whether there is room, where nothing else tells.
PROBE = 2**16


class NoRoomError(OSError):
    """No room for a file: it names the file, and says what to do."""


@contextlib.contextmanager
def writing(path, at=None):
    """Let errors of what is written in here name the file.

    Arguments
    ---------
    path : str or pathlib.Path
        The file as its owner knows it.
    at : str or pathlib.Path, optional
        Where its bytes go to, if elsewhere: a file or a folder.

    Returns
    -------
    context manager
        Around the writing.

    Raises
    ------
    NoRoomError
        If there is no room left, whatever a library called it.
    OSError
        With the file's name, if it is another error of the system.

    Example
    -------
    >>> with writing("a.npy"):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
        ...
    mert_sb.writing.NoRoomError: [Errno 28] No space left on device; make room, ...
    """
    try:
        yield
    except NoRoomError:
        raise
    except (OSError, RuntimeError, SafetensorError) as error:
        number = _number(error, Path(at or path))
        if number is None:
            raise
        name, reason = _name(error, path, at), os.strerror(number)
        if number in SHORTAGES:
            reason = f"{reason}; {SHORTAGES[number]}"
            raise NoRoomError(number, reason, name) from error
        raise OSError(number, reason, name) from error


@contextlib.contextmanager
def whole(path):
    """Write a file aside; it takes its name once it is whole, or is gone.

    Arguments
    ---------
    path : str or pathlib.Path
        Of the file, which one process writes; its folder is there.

    Yields
    ------
    pathlib.Path
        Where to write it.

    Raises
    ------
    OSError
        With the file's name, if it cannot be written.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a"
    >>> with whole(path) as aside:
    ...     _ = aside.write_text("b")
    >>> [path.name for path in path.parent.iterdir()]
    ['a']
    """
    path = Path(path)
    aside = path.with_name(f"{path.name}.tmp")
    try:
        with writing(path, at=aside):
            yield aside
            os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def appending(path):
    """Append to a file in here; what could not be written whole is taken back.

    Arguments
    ---------
    path : str or pathlib.Path
        Of the file, perhaps not there yet.

    Returns
    -------
    context manager
        Around the writing.

    Raises
    ------
    OSError
        With the file's name, if it cannot be written.

    Example
    -------
    >>> path = getfixture("tmp_path") / "log.txt"
    >>> _ = path.write_text("a\\n")
    >>> with (
    ...     contextlib.suppress(OSError),
    ...     appending(path),
    ...     open(path, "a") as file,
    ... ):
    ...     _ = file.write("half a li")
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    >>> path.read_text()
    'a\\n'
    """
    path = Path(path)
    size = path.stat().st_size if path.exists() else 0
    try:
        with writing(path):
            yield
    except OSError:
        with contextlib.suppress(OSError):
            os.truncate(path, size)
        raise


def _number(error, place):
    """The system's number for an error about to be named; None: leave it alone."""
    number = getattr(error, "errno", None)
    if number is not None:
        named = error.filename is not None and number not in SHORTAGES
        return None if named else number
    told = NUMBER.search(str(error))
    if told:
        return int(told[1] or told[2])
    return _shortage(place if place.is_dir() else place.parent)


def _name(error, path, at):
    """Of the file, as exactly as is known; a copy's is the second."""
    found = getattr(error, "filename2", None) or getattr(
        error, "filename", None
    )
    return str(path if found in (None, str(at)) else found)


def _shortage(folder):
    """The number of what keeps a folder from taking a little more, or None."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            left = PROBE
            while left:
                left -= file.write(bytes(left))
    except OSError as error:
        return error.errno if error.errno in SHORTAGES else None
    return None
