"""A disk of few kilobytes, which fills up while something writes to it.

A tmpfs: mounting takes root's rights; where there are none, tests that ask for one are
skipped with that reason.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import os
import shutil
import subprocess

import pytest

FILLER = "filler"
PAGE = 4096


class SmallDisk:
    """A mounted tmpfs.

    Arguments
    ---------
    path : pathlib.Path
        Where it is mounted.
    """

    def __init__(self, path):
        self.path = path

    @property
    def free(self):
        """Bytes that are left."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def leave(self, room):
        """Take all but so many bytes, in whole pages; more if there is no more.

        Arguments
        ---------
        room : int
            Bytes to be left.
        """
        self.widen()
        with open(self.path / FILLER, "wb", buffering=0) as file:
            for _ in range((self.free - room) // PAGE):
                file.write(bytes(PAGE))

    def widen(self):
        """Make room again."""
        (self.path / FILLER).unlink(missing_ok=True)

    def clear(self):
        """Remove all that is on it."""
        for path in self.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def small_disk(path, size):
    """Mount a disk, and unmount it.

    Arguments
    ---------
    path : pathlib.Path
        Where; made.
    size : int
        Bytes.

    Yields
    ------
    SmallDisk
        Empty.
    """
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    try:
        made = subprocess.run(mount, capture_output=True, text=True)
        reason = made.stderr.strip() if made.returncode else None
    except FileNotFoundError as error:
        reason = str(error)
    if reason:
        pytest.skip(f"a small disk cannot be mounted here: {reason}")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily: a log may still be open in this process.
        subprocess.run(["umount", "-l", str(path)], check=True)
