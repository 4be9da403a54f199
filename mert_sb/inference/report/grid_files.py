"""What ``recipes/downstream/search.py`` left: ``grid.csv`` and ``grid.json``.

Authors
 * The mert_sb developers 2026
"""

import csv
from pathlib import Path
from typing import NamedTuple

from mert_sb.audio.rows import leads_out
from mert_sb.downstream.grid import Setting
from mert_sb.inference.report.task_files import read_json
from mert_sb.texts import opened_text

GRID, TABLE = "grid.json", "grid.csv"


class Score(NamedTuple):
    """A metric over seeds.

    Arguments
    ---------
    mean : float
        As in the results.
    std : float or None
        Of a sample; None of one seed.

    Example
    -------
    >>> Score(0.5, None).std is None
    True
    """

    mean: float
    std: float | None


class Point(NamedTuple):
    """A setting of the grid.

    Arguments
    ---------
    layer : str
        An index, ``mix`` or ``mix0``.
    lr : float
        Learning rate.
    seeds : int
        How many runs.
    valid, test : Score
        Of the metric that decides.

    Example
    -------
    >>> Point("7", 0.001, 1, Score(0.5, None), Score(0.25, None)).layer
    '7'
    """

    layer: str
    lr: float
    seeds: int
    valid: Score
    test: Score


class SearchedGrid(NamedTuple):
    """A grid.

    Arguments
    ---------
    folder : pathlib.Path
        Its output folder.
    monitor : str
        The metric that decides.
    seeds : list of int
        Of each setting.
    best : dict
        The chosen setting, as ``grid_table.summarize`` gives it.
    points : list of Point
        All settings.

    Example
    -------
    >>> best = {"layer": 7, "lr": 0.001}
    >>> grid = SearchedGrid(Path("a"), "accuracy", [1, 2], best, [])
    >>> grid.chosen_runs
    [PosixPath('a/7-0.001/1'), PosixPath('a/7-0.001/2')]
    """

    folder: Path
    monitor: str
    seeds: list
    best: dict
    points: list

    @property
    def chosen_runs(self):
        """Folders of the chosen setting's runs."""
        name = Setting(self.best["layer"], self.best["lr"]).name
        return [self.folder / name / str(seed) for seed in self.seeds]


def is_grid(folder):
    """Whether a folder is a finished grid's.

    Arguments
    ---------
    folder : str or pathlib.Path
        Any.

    Returns
    -------
    bool
        True with ``grid.json`` and ``grid.csv`` in it.

    Example
    -------
    >>> is_grid(getfixture("tmp_path"))
    False
    """
    return all((Path(folder) / name).is_file() for name in (GRID, TABLE))


def read_grid(folder):
    """Read a grid.

    Arguments
    ---------
    folder : str or pathlib.Path
        Its output folder.

    Returns
    -------
    SearchedGrid
        All of it.

    Raises
    ------
    ValueError
        If a file is not as the search writes it.

    Example
    -------
    >>> read_grid(getfixture("tmp_path"))
    Traceback (most recent call last):
        ...
    FileNotFoundError: ...
    """
    folder = Path(folder)
    report = read_json(folder / GRID)
    try:
        monitor = report["monitor"]
        with opened_text(folder / TABLE, newline="") as file:
            points = [_point(row, monitor) for row in csv.DictReader(file)]
        grid = SearchedGrid(
            folder, monitor, report["seeds"], report["best"], points
        )
        if not all(below(folder, run) for run in grid.chosen_runs):
            raise ValueError("its runs are elsewhere")
        return grid
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{folder}: {GRID} and {TABLE} are not as search.py writes them "
            f"({error}); run the search again"
        ) from error


def below(folder, run):
    """Whether a run of a grid lies in the grid's folder.

    Arguments
    ---------
    folder, run : pathlib.Path
        The grid's and the run's.

    Returns
    -------
    bool
        False for names that lead out of it, or are none.

    Example
    -------
    >>> (
    ...     below(Path("a"), Path("a/7-0.001/1")),
    ...     below(Path("a"), Path("a/../b/1")),
    ... )
    (True, False)
    """
    inside = run.relative_to(folder)
    return len(inside.parts) == 2 and not leads_out(inside.as_posix())


def _point(row, monitor):
    """A row of the table."""
    scores = []
    for part in ("valid", "test"):
        std = row[f"{part}_{monitor}_std"]
        mean = float(row[f"{part}_{monitor}_mean"])
        scores.append(Score(mean, float(std) if std else None))
    return Point(row["layer"], float(row["lr"]), int(row["seeds"]), *scores)


def layer_order(layers):
    """Layers as they are shown: mixes, then the states by their index.

    Arguments
    ---------
    layers : iterable of str
        Any order, any number of times.

    Returns
    -------
    list of str
        Each once.

    Example
    -------
    >>> layer_order(["10", "mix", "2", "2"])
    ['mix', '2', '10']
    """
    return sorted(
        set(layers),
        key=lambda layer: (
            layer.isdigit(),
            int(layer) if layer.isdigit() else 0,
            layer,
        ),
    )
