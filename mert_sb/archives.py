"""Archives that hold no more than they seem to.

Authors
 * The mert_sb developers 2026
"""

import io
import os
import struct
import zipfile

# The records at an archive's end, of which the first two only large ones have: where
# all of it begins, where that record is, and the last.
_LARGE, _WHERE, _LAST = b"PK\x06\x06", b"PK\x06\x07", b"PK\x05\x06"


class BoundedFile(io.BufferedReader):
    """An open file that is never asked for more bytes than are left of it.

    Python makes room for all that is asked for before it reads.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a"
    >>> _ = path.write_bytes(b"abc")
    >>> with BoundedFile(path) as file:
    ...     file.read(2**62)
    b'abc'
    """

    def __init__(self, path):
        super().__init__(io.FileIO(path))
        self.length = os.path.getsize(path)

    def read(self, size=-1):
        """Read.

        Arguments
        ---------
        size : int
            Bytes; -1: all that are left.

        Returns
        -------
        bytes
            So many, or those that are left.
        """
        if size is None or size < 0:
            return super().read()
        left = max(self.length - self.tell(), 0)
        return super().read(min(size, left))


def refuse_packed(path, most=None):
    """Refuse a zip archive that unpacks to too much.

    A few kilobytes of it could fill any memory.

    Arguments
    ---------
    path : str or pathlib.Path
        A file; one that is no zip archive passes.
    most : int, optional
        Bytes. None: the archive's own size, as ``torch.save`` packs nothing.

    Raises
    ------
    ValueError
        If it is such an archive.
    zipfile.BadZipFile
        If it is a damaged one.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.zip"
    >>> with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    ...     archive.writestr("zeros", bytes(100_000))
    >>> refuse_packed(path)
    Traceback (most recent call last):
        ...
    ValueError: ...a.zip would unpack to 100000 bytes, not ...
    """
    with open(path, "rb") as file:
        # By these torch and numpy know one, whatever is at its end.
        if file.read(2) != b"PK":
            return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        begin = archive.start_dir
    if _directory(path) != begin:
        raise zipfile.BadZipFile(
            f"{path}: another reader could find another list of contents in it"
        )
    most = os.path.getsize(path) if most is None else most
    if unpacked > most:
        raise ValueError(f"{path} would unpack to {unpacked} bytes, not {most}")


def _directory(path):
    """Where a reader that trusts an archive's end looks for its list of contents.

    Python takes what lies before the end instead, torch does not.
    """
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 98, 0))
        tail = file.read().rjust(98, b"\0")
    large, where, last = tail[:56], tail[56:76], tail[76:]
    if not last.startswith(_LAST):
        return None  # a comment, in which another end could be
    if not where.startswith(_WHERE):
        return struct.unpack("<L", last[16:20])[0]
    large_at = struct.unpack("<Q", where[8:16])[0]
    if large_at != size - 98 or not large.startswith(_LARGE):
        return None
    return struct.unpack("<Q", large[48:56])[0]
