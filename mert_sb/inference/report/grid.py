"""The page of a grid: how well each layer does, and the setting that was chosen.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.report.compare_figures import draw_layers
from mert_sb.inference.report.grid_files import (
    TABLE,
    is_grid,
    layer_order,
    read_grid,
)
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.tables import Strong
from mert_sb.inference.report.task import add_run, training_of, upstream_name
from mert_sb.inference.report.task_files import is_task_run, read_run
from mert_sb.inference.report.units import shown, unit


def recognise_grid(folders):
    """Whether these are the output folder of one finished grid.

    Arguments
    ---------
    folders : list of pathlib.Path
        As given.

    Returns
    -------
    bool
        True for one folder with ``grid.json`` and ``grid.csv``.

    Example
    -------
    >>> recognise_grid([getfixture("tmp_path")])
    False
    """
    return len(folders) == 1 and is_grid(folders[0])


def build_grid(folders, prefix=""):
    """Make the page.

    Arguments
    ---------
    folders : list of pathlib.Path
        One.
    prefix : str
        Of the figures' names.

    Returns
    -------
    mert_sb.inference.report.page.Page
        Not written yet.

    Example
    -------
    >>> build_grid([getfixture("tmp_path")])
    Traceback (most recent call last):
        ...
    FileNotFoundError: ...
    """
    grid = read_grid(folders[0])
    runs = [read_run(path) for path in grid.chosen_runs if is_task_run(path)]
    page = Page(f"{runs[0].name if runs else 'A task'}: a grid of settings")
    if runs:
        page.text(
            f"Upstream: {upstream_name(runs[0])}, {training_of(runs[0])}. Folder: "
            f"{grid.folder}."
        )
    _add_chosen(page, grid)
    _add_layers(page, grid, prefix)
    if not runs:
        folder = grid.chosen_runs[0]
        page.text(f"No more is shown: {folder} has no results.json any more.")
        return page
    page.section("A run of the chosen setting")
    page.text(f"What follows is of its seed {runs[0].setup.get('seed')}.")
    add_run(page, runs[0], prefix)
    return page


def with_spread(name, score):
    """Mean and spread as text.

    Arguments
    ---------
    name : str
        Of the metric.
    score : mert_sb.inference.report.grid_files.Score
        Its mean and standard deviation.

    Returns
    -------
    str
        Units as of ``shown``.

    Example
    -------
    >>> from mert_sb.inference.report.grid_files import Score
    >>> with_spread("accuracy", Score(0.5, 0.125))
    '50.00 ± 12.50'
    """
    spread = "" if score.std is None else f" ± {shown(name, score.std)}"
    return f"{shown(name, score.mean)}{spread}"


def _chosen(grid):
    """The point of the grid that validation chose."""
    layer, lr = str(grid.best["layer"]), float(grid.best["lr"])
    return next(
        point for point in grid.points if (point.layer, point.lr) == (layer, lr)
    )


def _add_chosen(page, grid):
    """The setting that validation chose, and all its numbers in the test."""
    page.section("The chosen setting")
    best, seeds = grid.best, len(grid.seeds)
    page.text(
        f"Layer {best['layer']}, learning rate {best['lr']:g}: of "
        f"{len(grid.points)} settings it has the best mean validation "
        f"{grid.monitor.replace('_', ' ')}. Test numbers had no part in the choice."
    )
    names = sorted(best["test"], key=lambda name: name != grid.monitor)
    rows = [
        (
            unit(name),
            *(
                _from_best(name, best[part].get(name))
                for part in ("valid", "test")
            ),
        )
        for name in names
    ]
    spread = f"mean ± standard deviation over {seeds} seeds"
    caption = f"{spread[0].upper()}{spread[1:]}." if seeds > 1 else "One seed."
    page.table(("metric", "validation", "test"), rows, caption)


def _from_best(name, numbers):
    """A cell of the chosen setting's table."""
    if numbers is None:
        return "–"
    spread = (
        "" if numbers["std"] is None else f" ± {shown(name, numbers['std'])}"
    )
    return f"{shown(name, numbers['mean'])}{spread}"


def _add_layers(page, grid, prefix):
    """Scores by layer, as a figure and of each layer's best rate as a table."""
    page.section("Layer by layer")
    best, chosen = {}, _chosen(grid)
    for point in grid.points:
        known = best.get(point.layer)
        if known is None or point.valid.mean > known.valid.mean:
            best[point.layer] = point
    n_rates = len({point.lr for point in grid.points})
    page.figure(
        draw_layers(grid.points, grid.monitor, chosen),
        f"{prefix}grid",
        f"{grid.monitor.replace('_', ' ')} by layer: mean over seeds, bars their "
        f"standard deviation, {n_rates} learning rate{'s' * (n_rates > 1)}. The "
        "ring is the chosen setting.",
    )
    rows = []
    for layer in layer_order(best):
        point = best[layer]
        cells = (
            layer,
            f"{point.lr:g}",
            with_spread(grid.monitor, point.valid),
            with_spread(grid.monitor, point.test),
        )
        rows.append([Strong(c) for c in cells] if point is chosen else cells)
    page.table(
        ("layer", "learning rate", "validation", "test"),
        rows,
        f"{unit(grid.monitor)}, of each layer at the rate that is best for it in "
        f"validation. All settings: {TABLE}.",
    )
