"""Outputs that are whole or absent: written apart, then moved into their place.

Authors
 * The mert_sb developers 2026
"""

import contextlib
from pathlib import Path

from mert_sb.leftovers import temporary_folder
from mert_sb.writing import writing


@contextlib.contextmanager
def staged_folder(folder, foreign=None):
    """Write files apart; they join the folder only if all could be written.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where the files are to be; made if absent. Files of other names that it
        has are left alone.
    foreign : str, optional
        A file that tells of a checkpoint in another layout, with which these files
        must not be mixed.

    Yields
    ------
    pathlib.Path
        An empty folder to write into.

    Raises
    ------
    FileExistsError
        If the foreign file is there.
    OSError
        If there is no room, with the folder's name or a file's.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "a"
    >>> with staged_folder(folder) as staging:
    ...     _ = (staging / "b").write_text("c")
    >>> [path.name for path in folder.iterdir()]
    ['b']
    """
    folder = Path(folder)
    if foreign and (folder / foreign).exists():
        raise FileExistsError(
            f"{folder / foreign}: the folder holds a checkpoint in another layout; "
            "give another folder"
        )
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            temporary_folder(folder, ".part") as staging,
            writing(folder, at=staging),
        ):
            yield staging
            _let_be_read(staging)
            for path in staging.iterdir():
                path.replace(folder / path.name)
        is_new = False
    finally:
        # What others have put there meanwhile stays, and hides no error.
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


@contextlib.contextmanager
def staged_file(path):
    """Write a file apart; it takes its name only if it is whole.

    Arguments
    ---------
    path : str or pathlib.Path
        Where the file is to be; the folder is made if absent.

    Yields
    ------
    pathlib.Path
        Where to write it.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a" / "b"
    >>> with staged_file(path) as staging:
    ...     _ = staging.write_text("c")
    >>> path.read_text()
    'c'
    """
    path = Path(path)
    with staged_folder(path.parent) as staging, writing(path, at=staging):
        yield staging / path.name


def _let_be_read(folder):
    """Give files the mode that new ones have; safetensors keeps its to itself."""
    probe = folder / ".mode"
    probe.touch()
    mode = probe.stat().st_mode
    probe.unlink()
    for path in folder.iterdir():
        path.chmod(mode)
