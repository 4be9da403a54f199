"""Figures of a task's run: curves, confusion, layers, tags, ratings, stems.

C classes, N states, K tracks.

Authors
 * The mert_sb developers 2026
"""

import numpy as np

from mert_sb.inference.report.drawing import bars, curve, image
from mert_sb.inference.report.figures import (
    GREY,
    PALETTE,
    label,
    legend,
    open_panels,
)
from mert_sb.inference.report.units import factor_of, unit

# More classes than this and not each has its name at the axis.
MOST_NAMES = 30
# So many tags are shown from either end.
TAGS_SHOWN = 12


def draw_epochs(epochs, monitor, chosen=None):
    """Loss and the metric that decides, by epoch.

    Arguments
    ---------
    epochs : dict of int to dict
        From ``read_epochs``.
    monitor : str
        The metric.
    chosen : int, optional
        The epoch that was tested.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels.

    Example
    -------
    >>> row = {"train loss": 2.0, "valid loss": 1.5, "valid accuracy": 0.5}
    >>> len(draw_epochs({1: row, 2: row}, "accuracy", 2).axes)
    2
    """
    figure, axes = open_panels(1, 2, height=2.9)
    for panel, name in zip(axes[0], ("loss", monitor), strict=True):
        factor = factor_of(name)
        for place, stage in enumerate(("train", "valid")):
            points = {
                epoch: factor * row[f"{stage} {name}"]
                for epoch, row in epochs.items()
                if f"{stage} {name}" in row
            }
            if points:
                said = "training" if stage == "train" else "validation"
                values = [*points.values()]
                curve(panel, [*points], values, name=said, place=place)
        if chosen is not None:
            panel.axvline(
                chosen, color=GREY, linestyle=":", label="epoch tested"
            )
        label(panel, x="epoch", y=unit(name))
    legend(figure, axes[0, :1])
    return figure


def draw_confusion(shares, names):
    """Which class was taken for which, in shares of a row.

    Arguments
    ---------
    shares : numpy.ndarray
        ``(C, C)``, rows the true classes; NaN where a class has no tracks.
    names : sequence of str
        C.

    Returns
    -------
    matplotlib.figure.Figure
        One panel.

    Example
    -------
    >>> axes = draw_confusion(np.eye(2), ["a", "b"]).axes[0]
    >>> [text.get_text() for text in axes.get_yticklabels()]
    ['a', 'b']
    """
    figure, axes = open_panels(1, 1, height=5.2)
    panel = axes[0, 0]
    image(
        panel,
        100 * shares,
        name="of a true class's tracks, %",
        limits=(0, 100),
        origin="upper",
        aspect="equal",
        # White where nothing is.
        cmap="Blues",
    )
    panel.set_facecolor(GREY)
    step = -(-len(names) // MOST_NAMES)
    ticks = range(0, len(names), step)
    size = 9 if len(names) <= 16 else 8
    shown = [names[tick] for tick in ticks]
    wide = len(names) > 3 and max(map(len, shown)) > 2
    panel.set_xticks(ticks, shown, rotation=90 if wide else 0, fontsize=size)
    panel.set_yticks(ticks, shown, fontsize=size)
    label(panel, x="predicted", y="true")
    return figure


def draw_weights(weights):
    """How much of each state a learned mix takes.

    Arguments
    ---------
    weights : sequence of float or dict of str to sequence of float
        N, of sum one; or such by stem.

    Returns
    -------
    matplotlib.figure.Figure
        One panel.

    Example
    -------
    >>> draw_weights([0.0, 0.75, 0.25]).axes[0].get_xlabel()
    'state (0: input of the first layer)'
    """
    figure, axes = open_panels(height=2.6)
    panel = axes[0, 0]
    if isinstance(weights, dict):
        for place, (stem, values) in enumerate(weights.items()):
            curve(panel, range(len(values)), values, name=stem, place=place)
        legend(figure, axes.flat, columns=4)
        count = len(next(iter(weights.values())))
    else:
        count = len(weights)
        panel.bar(range(count), weights, color=PALETTE[0], width=0.7)
        panel.grid(visible=False, axis="x")
    panel.set_xticks(range(0, count, -(-count // 13)))
    panel.set_ylim(bottom=0)
    label(panel, x="state (0: input of the first layer)", y="weight in the mix")
    return figure


def draw_tags(scores, names):
    """Tags by ROC-AUC: all, or the best and the worst.

    Arguments
    ---------
    scores : list of mert_sb.inference.report.tags.TagScore
        The best first.
    names : sequence of str
        Of all tags.

    Returns
    -------
    matplotlib.figure.Figure
        One panel, or two side by side.

    Example
    -------
    >>> from mert_sb.inference.report.tags import TagScore
    >>> axes = draw_tags([TagScore(1, 9, 0.75, 0.5)], ["a", "b"]).axes
    >>> axes[0].get_yticklabels()[0].get_text(), axes[0].texts[0].get_text()
    ('b', '75.0')
    """
    parts = {"": scores}
    if len(scores) > 2 * TAGS_SHOWN:
        best, worst = scores[:TAGS_SHOWN], scores[-TAGS_SHOWN:]
        parts = {f"best {len(best)}": best, f"worst {len(worst)}": worst}
    longest = max(map(len, parts.values()))
    figure, axes = open_panels(1, len(parts), height=1.0 + 0.24 * longest)
    for panel, (title, part) in zip(axes[0], parts.items(), strict=True):
        values = [100 * score.roc_auc for score in part]
        bars(panel, [names[s.index] for s in part], values, digits=1)
        panel.axvline(50, color=GREY, linestyle=":", label="chance")
        panel.set_xlim(0, 118)
        panel.set_xticks((0, 50, 100))
        label(panel, x="ROC-AUC, %", title=title)
    legend(figure, axes.flat)
    return figure


def draw_ratings(predictions, names, scores):
    """Predicted against true numbers of a regression.

    Arguments
    ---------
    predictions : mert_sb.inference.report.predictions.Predictions
        Of K tracks.
    names : sequence of str
        Of the numbers.
    scores : sequence of float
        R2 of each.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each number.

    Example
    -------
    >>> from mert_sb.inference.report.predictions import Predictions
    >>> one = Predictions(["a", "b"], np.eye(2), np.eye(2))
    >>> figure = draw_ratings(one, ["arousal", "valence"], [1.0, 0.5])
    >>> figure.axes[1].get_title(loc="left")
    'valence, R² 50.0 %'
    """
    columns = min(len(names), 2)
    rows = -(-len(names) // columns)
    figure, axes = open_panels(rows, columns, height=3.2)
    panels = axes.flat
    for index, (name, score) in enumerate(zip(names, scores, strict=True)):
        panel = panels[index]
        true = predictions.targets[:, index]
        guessed = predictions.outputs[:, index]
        low = min(true.min(), guessed.min())
        high = max(true.max(), guessed.max())
        panel.plot((low, high), (low, high), color=GREY, linestyle=":")
        panel.plot(
            true, guessed, "o", color=PALETTE[0], markersize=4, alpha=0.6
        )
        panel.set_aspect("equal")
        title = f"{name}, R² {100 * score:.1f} %"
        label(panel, x="true", y="predicted", title=title)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    return figure


def draw_stems(test, stems):
    """SDR by stem, beside that of the mixture taken for it.

    Arguments
    ---------
    test : dict of str to float
        Of ``results.json``.
    stems : sequence of str
        Their names.

    Returns
    -------
    matplotlib.figure.Figure
        One panel.

    Example
    -------
    >>> test = {"sdr_bass": 4.0, "mixture_sdr_bass": -6.0}
    >>> draw_stems(test, ["bass"]).axes[0].get_ylabel()
    'SDR, dB'
    """
    figure, axes = open_panels(height=2.8)
    panel, places = axes[0, 0], np.arange(len(stems))
    kinds = (("sdr", "separated"), ("mixture_sdr", "the mixture itself"))
    for place, (key, name) in enumerate(kinds):
        values = [test[f"{key}_{stem}"] for stem in stems]
        drawn = panel.bar(
            places + 0.38 * place - 0.19,
            values,
            width=0.36,
            color=PALETTE[place],
            label=name,
        )
        panel.bar_label(drawn, fmt="%.1f", fontsize=9, padding=2)
    panel.axhline(0, color="#000000", linewidth=0.8)
    panel.set_xticks(places, stems)
    panel.grid(visible=False, axis="x")
    panel.margins(y=0.15)
    label(panel, y="SDR, dB")
    legend(figure, axes.flat)
    return figure
