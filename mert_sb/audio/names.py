"""Names: audio files of a folder, and ids made from their paths.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from pathlib import Path

SUFFIXES = {
    ".aif",
    ".aiff",
    ".flac",
    ".mp3",
    ".oga",
    ".ogg",
    ".opus",
    ".wav",
}
LONGEST_ID = 120


def find_audio(folder):
    """Find the audio files below a folder.

    Linked folders are followed, each real folder once. Names that begin with a
    dot are skipped, among them the ``._`` files that macOS leaves.

    Arguments
    ---------
    folder : str or Path
        Where to look.

    Returns
    -------
    list of str
        Paths relative to the folder with forward slashes, sorted.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it holds no audio files.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.OGG").touch()
    >>> find_audio(folder)
    ['a.OGG']
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"data_folder {folder} is not a folder")
    files = [path for path in _walk(folder) if not path.name.startswith(".")]
    suffixes = Counter(path.suffix.lower() for path in files)
    if not suffixes.keys() & SUFFIXES:
        raise ValueError(
            f"no audio below {folder}: saw {len(files)} other files, looked "
            f"for {', '.join(sorted(SUFFIXES))}"
        )
    audio = (path for path in files if path.suffix.lower() in SUFFIXES)
    return sorted(path.relative_to(folder).as_posix() for path in audio)


def file_id(path):
    """An id for a file, readable and safe as a file name.

    Slashes become ``--``. Names with other than ASCII letters, digits, dots,
    underscores and single hyphens, and long ones, are simplified and get a hash
    of the path, so that ids stay unique.

    Arguments
    ---------
    path : str
        Path relative to the data folder.

    Returns
    -------
    str
        At most ``LONGEST_ID`` characters; depends on the path alone.

    Example
    -------
    >>> file_id("Nina/Sinnerman.ogg")
    'Nina--Sinnerman.ogg'
    >>> file_id("Björk/It's Oh So Quiet.ogg")
    'Bjork--It_s_Oh_So_Quiet.ogg-5c70f29a47'
    """
    part = r"\w[\w.]*(-[\w.]+)*"
    plain = re.fullmatch(rf"{part}(/{part})*", path, re.ASCII)
    if plain and len(path) + path.count("/") <= LONGEST_ID:
        return path.replace("/", "--")
    digest = hashlib.blake2b(os.fsencode(path), digest_size=5).hexdigest()
    ascii_path = unicodedata.normalize("NFKD", path).encode("ascii", "ignore")
    parts = ascii_path.decode().split("/")
    simple = "--".join(re.sub(r"[^\w.]+", "_", part) for part in parts)
    kept = simple[-(LONGEST_ID - len(digest) - 1) :].lstrip(".-")
    return f"{kept}-{digest}"


def segment_id(path, index, n_segments):
    """An id for a segment of a file.

    Arguments
    ---------
    path : str
        Path relative to the data folder.
    index : int
        Which segment.
    n_segments : int
        Into how many the file is cut.

    Returns
    -------
    str
        The file's id, with the segment's number if there are several.

    Example
    -------
    >>> segment_id("a.ogg", 0, 1), segment_id("a.ogg", 2, 3)
    ('a.ogg', 'a.ogg--0002')
    """
    if n_segments == 1:
        return file_id(path)
    return f"{file_id(path)}--{index:04d}"


def _walk(folder):
    """All files below a folder; hidden folders are left out."""
    seen = set()
    for root, names, files in os.walk(
        folder, onerror=_complain, followlinks=True
    ):
        identity = os.stat(root)
        if (identity.st_dev, identity.st_ino) in seen:
            names.clear()
            continue
        seen.add((identity.st_dev, identity.st_ino))
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(root, name) for name in files)


def _complain(error):
    raise error
