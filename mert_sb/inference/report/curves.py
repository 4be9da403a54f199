"""Curves of a pretraining run: losses, accuracies, gradients, codes.

Each is drawn against steps; above the first panel are the hours of audio heard.

Authors
 * The mert_sb developers 2026
"""

import re

from mert_sb.inference.report.drawing import curve
from mert_sb.inference.report.figures import label, legend, open_panels


def stacked(run, n, *, height=2.2):
    """Panels below one another, with steps below and hours above.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        Whose hours.
    n : int
        Panels.
    height : float
        Of one, in inches.

    Returns
    -------
    tuple of (matplotlib.figure.Figure, list of matplotlib.axes.Axes)
        From top to bottom.

    Example
    -------
    >>> from mert_sb.inference.report.log import Log
    >>> from mert_sb.inference.report.run import Run
    >>> run = Run("absent")
    >>> run.__dict__["log"] = Log([], [])
    >>> run.__dict__["_heard"] = [0.0, 100.0], [0.0, 2.0]
    >>> len(stacked(run, 2)[1])
    2
    """
    figure, axes = open_panels(n, 1, height=height, sharex=True)
    axes = list(axes[:, 0])
    label(axes[-1], x="step")
    axes[-1].set_xlim(0, 1.03 * max(1, run.log.steps))
    if run.hours(0) is not None:
        above = axes[0].secondary_xaxis("top", functions=(run.hours, run.steps))
        above.set_xlabel("audio heard, hours", fontsize=9)
        above.tick_params(labelsize=9)
    return figure, axes


def draw_losses(run):
    """Losses and accuracies by teacher, in training and on held-out files.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if the log has none.

    Example
    -------
    >>> from mert_sb.inference.report.log import Log
    >>> from mert_sb.inference.report.run import Run
    >>> run = Run("absent")
    >>> run.__dict__ |= {"log": Log([], []), "settings": {"teachers": {}}}
    >>> draw_losses(run) is None
    True
    """
    names = {f"{name}_loss": f"{name}\nloss" for name in run.teachers}
    names |= {f"{n}_accuracy": f"{n}\naccuracy, %" for n in run.teachers}
    drawn = {
        key: name
        for key, name in names.items()
        if any(run.log.series(stage, key)[0] for stage in ("train", "valid"))
    }
    if not drawn:
        return None
    figure, axes = stacked(run, len(drawn), height=1.9)
    for panel, (key, name) in zip(axes, drawn.items(), strict=True):
        for place, stage in enumerate(("train", "valid")):
            steps, values = run.log.series(stage, key)
            if key.endswith("accuracy"):
                values = [100 * value for value in values]
            said = {"train": "training", "valid": "held-out files"}
            curve(panel, steps, values, name=said[stage], place=place)
        panel.set_ylabel(name)
    figure.align_ylabels(axes)
    legend(figure, axes)
    return figure


def draw_course(run):
    """The gradient's norm, by module too, and the learning rate.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if the log has none.

    Example
    -------
    >>> from mert_sb.inference.report.log import Log
    >>> from mert_sb.inference.report.run import Run
    >>> run = Run("absent")
    >>> run.__dict__["log"] = Log([], [])
    >>> draw_course(run) is None
    True
    """
    keys = {key for entry in run.log.train for key in entry.stats}
    parts = sorted(key for key in keys if key.startswith("grad_norm_"))
    if "grad_norm" not in keys:
        return None
    figure, axes = stacked(run, 2, height=2.0)
    for place, key in enumerate(["grad_norm", *parts]):
        whole = {"color": "#000000", "linestyle": "-", "linewidth": 2.4}
        curve(
            axes[0],
            *run.log.series("train", key),
            name=_part(key),
            place=place - 1,
            **({} if place else whole),
        )
    axes[0].set_yscale("log")
    axes[0].set_ylabel("norm of the\ngradient")
    curve(axes[1], *run.log.series("train", "lr"), name="", place=0)
    axes[1].set_ylabel("learning\nrate")
    figure.align_ylabels(axes)
    legend(figure, axes[:1], columns=4)
    return figure


def _part(key):
    """What a norm is of: ``grad_norm_layers_2_3`` is of the layers 2 to 3."""
    name = key.removeprefix("grad_norm").removeprefix("_")
    layers = re.fullmatch(r"layers_(\d+)_(\d+)", name)
    if layers and layers[1] == layers[2]:
        return f"layer {layers[1]}"
    return f"layers {layers[1]} to {layers[2]}" if layers else name or "all"


def draw_codes(run, name):
    """How many codes are used, by the targets and by the student's guesses.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.
    name : str
        Of a teacher of codes.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if the log does not say.

    Example
    -------
    >>> from mert_sb.inference.report.log import Log
    >>> from mert_sb.inference.report.run import Run
    >>> run = Run("absent")
    >>> run.__dict__["log"] = Log([], [])
    >>> draw_codes(run, "mel_rvq") is None
    True
    """
    if not run.log.series("valid", f"{name}_target_perplexity")[0]:
        return None
    figure, axes = stacked(run, 2, height=1.9)
    whose = {"target": "the teacher's codes", "predicted": "the student's"}
    for place, (kind, said) in enumerate(whose.items()):
        steps, used = run.log.series("valid", f"{name}_{kind}_usage")
        shares = [100 * share for share in used]
        curve(axes[0], steps, shares, name=said, place=place)
        steps, hard = run.log.series("valid", f"{name}_{kind}_perplexity")
        curve(axes[1], steps, hard, name=said, place=place)
    axes[0].set_ylabel("codes used, %")
    axes[1].set_ylabel("perplexity")
    for panel in axes:
        panel.set_ylim(bottom=0)
    figure.align_ylabels(axes)
    legend(figure, axes)
    return figure
