"""Sections of a page about a task's run: scores, curves, layers.

What is lacking is no error: the section says what to run.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.report.log import TRAIN_LOG
from mert_sb.inference.report.task_figures import draw_epochs, draw_weights
from mert_sb.inference.report.task_files import read_epochs
from mert_sb.inference.report.units import shown, unit


def add_scores(page, run):
    """A table of all metrics, that which decided first.

    Arguments
    ---------
    page : mert_sb.inference.report.page.Page
        To be added to.
    run : mert_sb.inference.report.task_files.TaskRun
        The run.

    Example
    -------
    >>> from mert_sb.inference.report.page import Page
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> results = {
    ...     "test": {"accuracy": 0.5},
    ...     "setup": {"family": "SingleLabel(2)"},
    ... }
    >>> page = Page("a")
    >>> add_scores(page, TaskRun(None, results, {}, ""))
    >>> page.blocks[1].rows
    (('accuracy, %', '–', '50.00'),)
    """
    valid, test = run.results.get("valid", {}), run.results["test"]
    names = sorted(test, key=lambda name: name != run.monitor)
    page.section("Scores")
    page.table(
        ("metric", "validation", "test"),
        [(unit(n), shown(n, valid.get(n)), shown(n, test[n])) for n in names],
        f"{run.monitor.replace('_', ' ')} in validation chose the epoch.",
    )


def add_curves(page, run, prefix=""):
    """Learning curves.

    Arguments
    ---------
    page : mert_sb.inference.report.page.Page
        To be added to.
    run : mert_sb.inference.report.task_files.TaskRun
        The run.
    prefix : str
        Of the figure's name.

    Example
    -------
    >>> from pathlib import Path
    >>> from mert_sb.inference.report.page import Page
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> page = Page("a")
    >>> add_curves(page, TaskRun(Path("absent"), {}, {}, ""))
    >>> page.blocks[1].text[:20]
    'Not shown: train_log'
    """
    page.section("How it learned")
    epochs = read_epochs(run.folder / TRAIN_LOG)
    if not epochs:
        page.text(f"Not shown: {TRAIN_LOG} is not there or has no epochs.")
        return
    chosen = run.results.get("epoch")
    figure = draw_epochs(epochs, run.monitor, chosen)
    caption = (
        f"{len(epochs)} epochs; the one with the best {run.monitor} in "
        f"validation, {chosen}, was tested."
    )
    page.figure(figure, f"{prefix}curves", caption.replace("_", " "))


def add_layers(page, run, prefix=""):
    """Weights of a learned mix of states; nothing where one was chosen.

    Arguments
    ---------
    page : mert_sb.inference.report.page.Page
        To be added to.
    run : mert_sb.inference.report.task_files.TaskRun
        The run.
    prefix : str
        Of the figure's name.

    Example
    -------
    >>> from mert_sb.inference.report.page import Page
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> page = Page("a")
    >>> results = {"weights_of_states": [0.0, 1.0], "setup": {"layer": 1}}
    >>> add_layers(page, TaskRun(None, results, {}, ""))
    >>> page.blocks
    []
    """
    weights = run.results.get("weights_of_states")
    if not weights or run.setup.get("layer") not in ("mix", "mix0"):
        return
    by_stem = isinstance(weights, dict)
    first = next(iter(weights.values())) if by_stem else weights
    if len(first) < 2:
        return
    page.section("Where it looked")
    equal = 1 / (len(first) - (run.setup["layer"] == "mix"))
    page.figure(
        draw_weights(weights),
        f"{prefix}layers",
        f"Weights of the states in the learned mix; equal ones would be {equal:.3f}"
        ", and they began so."
        + (
            " State 0 is not in this mix."
            if run.setup["layer"] == "mix"
            else ""
        ),
    )
