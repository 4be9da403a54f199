"""Archives that hold no more than they seem to.

Authors
 * The mert_sb developers 2026
"""

import io
import os
import zipfile


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
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    most = os.path.getsize(path) if most is None else most
    if unpacked > most:
        raise ValueError(f"{path} would unpack to {unpacked} bytes, not {most}")
