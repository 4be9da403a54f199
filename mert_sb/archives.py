"""Archives that hold no more than they seem to.

Authors
 * The mert_sb developers 2026
"""

import os
import zipfile


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
