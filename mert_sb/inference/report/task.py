"""The page of a task's run.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.report.family_sections import add_test
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.plane_section import add_plane
from mert_sb.inference.report.task_files import is_task_run, read_run
from mert_sb.inference.report.task_sections import (
    add_curves,
    add_layers,
    add_scores,
)


def recognise_task(folders):
    """Whether these are the output folder of one downstream run.

    Arguments
    ---------
    folders : list of pathlib.Path
        As given.

    Returns
    -------
    bool
        True for one folder with such results.

    Example
    -------
    >>> recognise_task([getfixture("tmp_path")])
    False
    """
    return len(folders) == 1 and is_task_run(folders[0])


def build_task(folders):
    """Make the page.

    Arguments
    ---------
    folders : list of pathlib.Path
        One.

    Returns
    -------
    mert_sb.inference.report.page.Page
        Not written yet.

    Example
    -------
    >>> build_task([getfixture("tmp_path")])
    Traceback (most recent call last):
        ...
    FileNotFoundError: ...results.json is not there: the run has not been tested ...
    """
    run = read_run(folders[0])
    page = Page(f"{run.name}: a run and its test")
    page.text(describe(run))
    add_scores(page, run)
    add_run(page, run)
    return page


def add_run(page, run, prefix=""):
    """Add all figures of a run.

    Arguments
    ---------
    page : mert_sb.inference.report.page.Page
        To be added to.
    run : mert_sb.inference.report.task_files.TaskRun
        The run.
    prefix : str
        Of the figures' names.

    Example
    -------
    >>> from pathlib import Path
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> page, results = Page("a"), {"setup": {"family": "Other()"}, "test": {}}
    >>> add_run(page, TaskRun(Path("absent"), results, {}, ""))
    >>> page.blocks[0].text
    'How it learned'
    """
    add_curves(page, run, prefix)
    add_test(page, run, prefix)
    add_layers(page, run, prefix)
    add_plane(page, run, prefix)


def describe(run):
    """What was probed and how, in a sentence or two.

    Arguments
    ---------
    run : mert_sb.inference.report.task_files.TaskRun
        The run.

    Returns
    -------
    str
        For the page.

    Example
    -------
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> upstream = {"upstream": "MelStatistics", "weights": "0123456789"}
    >>> setup = {"family": "Key(24)", "upstream": upstream, "cached": True}
    >>> setup |= {"layer": 0, "lr": 0.001, "seed": 1}
    >>> describe(TaskRun("a", {"setup": setup, "epoch": 3}, {}, ""))
    'Upstream: MelStatistics (weights 01234567), frozen, its states cached. Layer 0, learning rate 0.001, seed 1; the test is of epoch 3. Folder: a.'
    """
    setup = run.setup
    layer = setup.get("layer")
    said = (
        f"layer {layer}"
        if isinstance(layer, int)
        else "a learned mix of layers"
    )
    said = said[0].upper() + said[1:]
    return (
        f"Upstream: {upstream_name(run)}, {training_of(run)}. {said}, learning rate "
        f"{setup.get('lr')}, seed {setup.get('seed')}; the test is of epoch "
        f"{run.results.get('epoch')}. Folder: {run.folder}."
    )


def upstream_name(run):
    """The upstream's class and the beginning of its checksum.

    Arguments
    ---------
    run : mert_sb.inference.report.task_files.TaskRun
        The run.

    Returns
    -------
    str
        Weights that differ have other names.

    Example
    -------
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> upstream = {"upstream": "MelStatistics", "weights": "0123456789"}
    >>> upstream_name(TaskRun(None, {"setup": {"upstream": upstream}}, {}, ""))
    'MelStatistics (weights 01234567)'
    """
    upstream = run.setup["upstream"]
    name = upstream.get("upstream", "an upstream")
    return f"{name} (weights {upstream.get('weights', '?')[:8]})"


def training_of(run):
    """Whether the upstream was trained.

    Arguments
    ---------
    run : mert_sb.inference.report.task_files.TaskRun
        The run.

    Returns
    -------
    str
        For a sentence.

    Example
    -------
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> setup = {"cached": True, "family": "Key(24)"}
    >>> training_of(TaskRun(None, {"setup": setup}, {}, ""))
    'frozen, its states cached'
    """
    if run.setup.get("cached") and run.family not in ("Beats", "Separation"):
        return "frozen, its states cached"
    # Tasks that look at frames run a frozen upstream in each step.
    return "frozen" if run.setup.get("cached") else "trained too, or run live"
