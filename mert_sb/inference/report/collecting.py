"""Results of several tasks, and which of them are of one upstream.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import os
from pathlib import Path
from typing import NamedTuple

from mert_sb.inference.report.benchmark import COLUMNS, find_column
from mert_sb.inference.report.grid_files import GRID, Score, is_grid, read_grid
from mert_sb.inference.report.predictions import FILE
from mert_sb.inference.report.task import upstream_name
from mert_sb.inference.report.task_files import (
    RESULTS,
    TaskRun,
    is_task_run,
    read_run,
)
from mert_sb.texts import opened_text


class Result(NamedTuple):
    """The test of one task: of a run, or of a grid's chosen setting.

    Arguments
    ---------
    run : mert_sb.inference.report.task_files.TaskRun
        The run, or the first of the chosen setting.
    path : pathlib.Path
        The file with the numbers.
    argument : pathlib.Path
        The folder in which it was found.
    seeds : int
        Runs that the numbers are a mean of.
    test : dict of str to mert_sb.inference.report.grid_files.Score
        By metric.

    Example
    -------
    >>> run = TaskRun(Path("a"), {}, {"task": "key"}, "minimusic")
    >>> Result(run, Path("a/grid.json"), Path("a"), 3, {}).key
    ('minimusic', 'key')
    """

    run: TaskRun
    path: Path
    argument: Path
    seeds: int
    test: dict

    @property
    def column(self):
        """Which of the fourteen tasks; None: another."""
        return find_column(self.run.recipe, self.run.task)

    @property
    def key(self):
        """The task, whatever its loss: a column's place, or recipe and task."""
        if self.column is not None:
            return self.column
        return self.run.recipe, self.run.task or self.run.family

    @property
    def n_test(self):
        """Tracks of the test, or None where that is not known."""
        path = self.run.folder / FILE
        if not path.is_file():
            return None
        with opened_text(path, newline="") as file:
            tracks = {row[0] for row in csv.reader(file) if row}
        # The head of those tables that have one.
        return len(tracks - {"track"})


class Row(NamedTuple):
    """Results that stand in one row.

    Arguments
    ---------
    name : str
        For the table.
    results : list of Result
        Each of another task.

    Example
    -------
    >>> Row("a", []).cells
    (None, None, None, None, None, None, None, None, None, None, None, None, None, None)
    """

    name: str
    results: list

    @property
    def cells(self):
        """Scores of the fourteen tasks, in their units; None where one lacks."""
        found = {r.column: r for r in self.results if r.column is not None}
        return tuple(
            _cell(found[place], column) if place in found else None
            for place, column in enumerate(COLUMNS)
        )


def _cell(result, column):
    """Scores of a column's metrics, or None if one lacks."""
    if any(name not in result.test for name in column.metrics):
        return None
    scores = [result.test[name] for name in column.metrics]
    return tuple(
        Score(
            column.unit * score.mean,
            None if score.std is None else column.unit * score.std,
        )
        for score in scores
    )


def find_results(folders):
    """All results in and below folders.

    Arguments
    ---------
    folders : list of pathlib.Path
        In a grid's folder its chosen setting counts, not each run.

    Returns
    -------
    list of Result
        In the folders' order, each file once.

    Example
    -------
    >>> find_results([getfixture("tmp_path")])
    []
    """
    found = {}
    for folder in folders:
        for path, below, _ in os.walk(folder):
            below.sort()
            path = Path(path)
            result = None
            if is_grid(path):
                result = _of_grid(path, folder)
            elif is_task_run(path):
                result = _of_run(path, folder)
            if result is not None:
                below.clear()
                found.setdefault(result.path.resolve(), result)
    return list(found.values())


def _of_run(path, argument):
    run = read_run(path)
    test = {n: Score(v, None) for n, v in run.results["test"].items()}
    return Result(run, path / RESULTS, argument, 1, test)


def _of_grid(path, argument):
    """The chosen setting, or None where its runs are gone."""
    grid = read_grid(path)
    runs = [folder for folder in grid.chosen_runs if is_task_run(folder)]
    if not runs:
        return None
    test = {
        name: Score(numbers["mean"], numbers["std"])
        for name, numbers in grid.best["test"].items()
    }
    return Result(
        read_run(runs[0]), path / GRID, argument, grid.best["seeds"], test
    )


def identity(result):
    """What tells upstreams apart: weights, settings, whether it was frozen.

    Arguments
    ---------
    result : Result
        Of any task.

    Returns
    -------
    str
        The same for tasks on clips and on frames.

    Example
    -------
    >>> upstream = {"upstream": "PooledStates", "weights": "ab"}
    >>> setup = {"upstream": upstream, "cached": True}
    >>> run = TaskRun(Path("a"), {"setup": setup}, {}, "")
    >>> identity(Result(run, Path("a"), Path("a"), 1, {}))
    '["ab", null, null, true]'
    """
    setup = result.run.setup
    upstream = setup["upstream"]
    parts = [upstream.get(k) for k in ("weights", "sample_rate", "settings")]
    return json.dumps([*parts, setup.get("cached")], sort_keys=True)


def make_rows(results):
    """One row for each upstream, as long as it has no task twice.

    Where it has, its results are told apart by the folders that were given, and if
    that does not do, each is a row.

    Arguments
    ---------
    results : list of Result
        From ``find_results``.

    Returns
    -------
    list of Row
        In the order of their first results; no two have one name.

    Example
    -------
    >>> make_rows([])
    []
    """
    groups = []
    for group in _split(results, identity):
        if _once(group):
            groups.append(group)
            continue
        for part in _split(group, lambda result: str(result.argument)):
            groups += [part] if _once(part) else [[one] for one in part]
    common = _common([r for group in groups for r in group])
    names = [_name(group, groups, common) for group in groups]
    return [
        Row(name if names.count(name) == 1 else f"{name}, {place + 1}", group)
        for place, (name, group) in enumerate(zip(names, groups, strict=True))
    ]


def _split(results, key):
    """Groups of equal keys."""
    groups = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return list(groups.values())


def _once(group):
    keys = [result.key for result in group]
    return len(set(keys)) == len(keys)


def _common(group):
    """The folder in which all are."""
    folders = [str(result.path.parent.resolve()) for result in group]
    return Path(os.path.commonpath(folders)) if folders else Path()


def _name(group, groups, common):
    """The group's own folder, or its upstream where it has none."""
    own = _common(group)
    for other in groups:
        if other is not group and any(
            result.path.resolve().is_relative_to(own) for result in other
        ):
            return upstream_name(group[0].run)
    if own == common:
        return own.name
    return own.relative_to(common).as_posix()
