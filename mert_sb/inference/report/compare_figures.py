"""Figures of several runs: layers of a grid, and rows of a comparison.

Authors
 * The mert_sb developers 2026
"""

import math

from mert_sb.inference.report.figures import (
    DASHES,
    PALETTE,
    label,
    legend,
    open_panels,
)
from mert_sb.inference.report.grid_files import layer_order
from mert_sb.inference.report.units import factor_of, unit

# Of a row, beside which there is room for two panels.
LONGEST_NAME = 14


def draw_layers(points, monitor, chosen=None):
    """A metric by layer, one line for each learning rate.

    Arguments
    ---------
    points : list of mert_sb.inference.report.grid_files.Point
        Settings.
    monitor : str
        The metric.
    chosen : mert_sb.inference.report.grid_files.Point, optional
        Marked.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for validation, and below one for the test.

    Example
    -------
    >>> from mert_sb.inference.report.grid_files import Point, Score
    >>> score = Score(0.5, 0.01)
    >>> points = [Point("0", 0.001, 2, score, score)]
    >>> figure = draw_layers(points, "accuracy", points[0])
    >>> figure.axes[0].get_ylabel()
    'validation accuracy, %'
    """
    figure, axes = open_panels(2, 1, height=2.5, sharex=True)
    layers = layer_order(point.layer for point in points)
    factor = factor_of(monitor)
    for panel, part in zip(axes[:, 0], ("valid", "test"), strict=True):
        for place, lr in enumerate(sorted({point.lr for point in points})):
            own = {p.layer: p for p in points if p.lr == lr}
            _line(panel, own, layers, part, factor, place)
        if chosen is not None:
            panel.plot(
                layers.index(chosen.layer),
                factor * getattr(chosen, part).mean,
                "o",
                color="none",
                markeredgecolor="#000000",
                markeredgewidth=1.4,
                markersize=11,
                label="chosen in validation",
            )
        stage = "validation" if part == "valid" else "test"
        label(panel, y=f"{stage} {unit(monitor)}")
    below = axes[1, 0]
    below.set_xticks(range(len(layers)), layers)
    below.set_xlim(-0.5, len(layers) - 0.5)
    label(below, x="layer", y=below.get_ylabel())
    legend(figure, axes[:, 0])
    return figure


def _line(panel, own, layers, part, factor, place):
    """One learning rate; mixes stand apart from the line of states."""
    look = {
        "color": PALETTE[place % len(PALETTE)],
        "capsize": 2,
        "marker": "o",
        "markersize": 4,
    }
    name = f"rate {next(iter(own.values())).lr:g}"
    for mixes in (True, False):
        kept = [x for x in layers if x in own and x.isdigit() != mixes]
        if not kept:
            continue
        scores = [getattr(own[layer], part) for layer in kept]
        panel.errorbar(
            [layers.index(layer) for layer in kept],
            [factor * score.mean for score in scores],
            yerr=[factor * (score.std or 0.0) for score in scores],
            linestyle="" if mixes else DASHES[place % len(DASHES)],
            label=name,
            **look,
        )


def draw_rows(tasks):
    """Scores of several rows, a panel for each task.

    Arguments
    ---------
    tasks : dict of (str, str) to dict
        By task and its metric with its unit, each row's mean and spread (None: not
        known).

    Returns
    -------
    matplotlib.figure.Figure
        Panels side by side, two in a row where names are short.

    Example
    -------
    >>> scores = {"a": (50.0, 1.0), "b": (60.0, None)}
    >>> figure = draw_rows({("key", "accuracy, %"): scores})
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['a', 'b']
    """
    names = list(dict.fromkeys(name for row in tasks.values() for name in row))
    short = max(map(len, names)) <= LONGEST_NAME
    columns = min(len(tasks), 2 if short else 1)
    rows = -(-len(tasks) // columns)
    height = 1.0 + 0.26 * len(names)
    figure, axes = open_panels(rows, columns, height=height, sharey=True)
    panels = list(axes.flat)
    for panel, ((task, metric), scores) in zip(
        panels, tasks.items(), strict=False
    ):
        places = [names.index(name) for name in scores]
        means, spreads = zip(*scores.values(), strict=True)
        panel.errorbar(
            means,
            places,
            xerr=[math.nan if std is None else std for std in spreads],
            fmt="o",
            color=PALETTE[0],
            capsize=3,
        )
        panel.set_yticks(range(len(names)), names)
        panel.set_ylim(len(names) - 0.5, -0.5)
        label(panel, x=metric, title=task)
    for panel in panels[len(tasks) :]:
        panel.set_visible(False)
    return figure
