"""Kinds of reports: what a folder is, by the files in it, and who makes its page.

Authors
 * The mert_sb developers 2026
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mert_sb.inference.report import grid, pretraining, runs, task


class Kind(NamedTuple):
    """A kind of report.

    Arguments
    ---------
    name : str
        What it is about, such as ``a pretraining run``.
    needs : str
        The files by which it is recognised, for an error.
    recognise : callable
        Folders (a list of ``pathlib.Path``, one or several) to whether they are of
        this kind.
    build : callable
        The same folders to their ``Page``.

    Example
    -------
    >>> Kind("a list", "a.txt", lambda folders: True, len).name
    'a list'
    """

    name: str
    needs: str
    recognise: Callable
    build: Callable


# What comes of values of other kinds than a recipe writes.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# In the order in which they are asked.
KINDS = [
    Kind(
        "a pretraining run",
        pretraining.NEEDS,
        pretraining.recognise,
        pretraining.build_run_page,
    ),
    Kind(
        "a downstream task's run",
        "results.json",
        task.recognise_task,
        task.build_task,
    ),
    Kind(
        "a grid of search.py",
        "grid.json and grid.csv",
        grid.recognise_grid,
        grid.build_grid,
    ),
    Kind(
        "folders with such runs and grids, to be compared",
        "one or several, each with results in it or below it",
        runs.recognise_runs,
        runs.build_runs,
    ),
]


def build_page(folders, kinds=None):
    """The page of the first kind that knows the folders.

    Arguments
    ---------
    folders : list of (str or pathlib.Path)
        One, or several to be compared.
    kinds : list of Kind, optional
        None: ``KINDS``.

    Returns
    -------
    mert_sb.inference.report.page.Page
        Not written yet.

    Raises
    ------
    FileNotFoundError
        If one is no folder.
    ValueError
        If no kind knows them, or their files are damaged.

    Example
    -------
    >>> kind = Kind("a list", "a.txt", lambda folders: True, len)
    >>> build_page([getfixture("tmp_path")], [kind])
    1
    """
    folders = [Path(folder) for folder in folders]
    kinds = KINDS if kinds is None else kinds
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: there is no such folder")
    for kind in kinds:
        if kind.recognise(folders):
            return _built(kind, folders)
    known = "; ".join(f"{kind.name} ({kind.needs})" for kind in kinds)
    raise ValueError(
        f"{', '.join(map(str, folders))}: not known. A report can be made of "
        f"{known}; give an output folder of a recipe"
    )


def _built(kind, folders):
    """The page; whatever is wrong in the files names their folders."""
    try:
        return kind.build(folders)
    except _DAMAGE as error:
        if any(str(folder) in str(error) for folder in folders):
            raise  # one that says which file
        raise ValueError(
            f"{', '.join(map(str, folders))}: its files are damaged, or of another "
            f"version ({type(error).__name__}: {error}); run again what wrote them"
        ) from error
