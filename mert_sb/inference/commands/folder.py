"""The output folder of ``mert-sb encode``: one run at a time, one set of settings.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import os
import shutil

from speechbrain.utils.logger import get_logger

from mert_sb.inference.commands.settings import (
    SETTINGS_FILE,
    differences,
    read_settings,
    write_settings,
)
from mert_sb.inference.commands.writers import STORES, WORKSPACE

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

logger = get_logger(__name__)


@contextlib.contextmanager
def workspace(folder):
    """A place for temporary files, which one run at a time may have.

    Arguments
    ---------
    folder : pathlib.Path
        Output folder; made if absent.

    Yields
    ------
    pathlib.Path
        An empty folder in it; gone afterwards. What a killed run left in it is
        removed.

    Raises
    ------
    BlockingIOError
        If another run has it.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "features"
    >>> with workspace(folder) as place:
    ...     (place / "a").touch()
    >>> list(folder.iterdir())
    []
    """
    place = folder / WORKSPACE
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as lock:
        _take(lock, folder)
        for path in place.iterdir():
            if path.name != "lock":
                path.unlink()
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _take(lock, folder):
    if fcntl is None:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A run that ended just now may have removed the file.
        is_ours = os.path.exists(lock.name) and os.path.samestat(
            os.fstat(lock.fileno()), os.stat(lock.name)
        )
    except BlockingIOError:
        is_ours = False
    except OSError as error:
        logger.warning(f"{folder}: no locks here ({error}); run one at a time")
        return
    if not is_ours:
        raise BlockingIOError(
            f"{folder}: another run writes into it; wait for its end, or give "
            "another --output"
        )


def prepare(folder, settings, names, *, overwrite):
    """Make a folder ready for a run, or refuse it.

    Arguments
    ---------
    folder : pathlib.Path
        Output folder, ours alone (``workspace``).
    settings : dict
        Of the run, from ``describe``; written into the folder.
    names : set of str
        Of the run's outputs.
    overwrite : bool
        Remove those that are there. Outputs of other files stay, and must have
        been made with the same settings.

    Returns
    -------
    set of str
        Names of the outputs that are there already.

    Raises
    ------
    ValueError
        If what is there was made with other settings, or is not known to be.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> prepare(folder, {"format": "npy"}, {"a"}, overwrite=False)
    set()
    """
    former = read_settings(folder)
    store = STORES[settings["format"]](folder)
    changed = True if former is None else differences(former, settings)
    if former is None:
        if store.names() & names and not overwrite:
            raise ValueError(
                f"{folder}: has outputs of such names, but no {SETTINGS_FILE} to "
                "say how they were made; give --overwrite or another --output"
            )
    elif changed:
        _clear(folder, former, names, changed, overwrite)
    if overwrite:
        store.remove(names)
    if changed:
        write_settings(folder, settings)
    return store.names() & names


def _clear(folder, former, names, changed, overwrite):
    """Remove what was made with other settings, if that is wanted."""
    what = f"{folder}: its features were made with other settings: "
    what += "; ".join(changed)
    if not overwrite:
        raise ValueError(
            f"{what}. Give the former ones, or --overwrite, or another --output"
        )
    if former.get("format") not in STORES:
        raise ValueError(
            f"{folder / SETTINGS_FILE}: not written by mert-sb; give another "
            "--output"
        )
    store = STORES[former["format"]](folder)
    if others := store.names() - names:
        raise ValueError(
            f"{what}. {len(others)} of them are not of this run's inputs, such as "
            f"{min(others)!r}, and would stay: delete them, or give another --output"
        )
    store.remove(names)
