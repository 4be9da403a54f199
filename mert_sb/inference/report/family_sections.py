"""The section on the test, by the task's family.

Authors
 * The mert_sb developers 2026
"""

import numpy as np

from mert_sb.inference.report.clip_figures import draw_excerpt
from mert_sb.inference.report.keys import short_key
from mert_sb.inference.report.predictions import (
    FILE,
    class_order,
    confusion,
    read_predictions,
    shares,
)
from mert_sb.inference.report.task_figures import (
    draw_confusion,
    draw_ratings,
    draw_stems,
    draw_tags,
)

EXCERPT = "excerpt.npz"
AGAIN = "start its train.py again with the same command, which tests it anew"


def add_test(page, run, prefix=""):
    """What the test shows, by the task's family.

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
    >>> page, results = Page("a"), {"setup": {"family": "Beats(1)"}}
    >>> add_test(page, TaskRun(Path("absent"), results, {}, ""))
    >>> page.blocks[1].text
    'Not shown: absent/excerpt.npz is not there. Runs before it was written have none; start its train.py again with the same command, which tests it anew.'
    """
    name, add = {
        "SingleLabel": (FILE, _add_confusion),
        "Key": (FILE, _add_confusion),
        "MultiLabel": (FILE, _add_tags),
        "Regression": (FILE, _add_ratings),
        "Beats": (EXCERPT, _add_beats),
        "Separation": (FILE, _add_stems),
    }.get(run.family, (None, None))
    if add is None:
        return
    page.section("The test")
    path = run.folder / name
    if not path.is_file():
        page.text(
            f"Not shown: {path} is not there. Runs before it was written have "
            f"none; {AGAIN}."
        )
        return
    add(page, run, path, prefix)


def output_names(run, count):
    """Names of the outputs.

    Arguments
    ---------
    run : mert_sb.inference.report.task_files.TaskRun
        The run.
    count : int
        How many outputs there are.

    Returns
    -------
    tuple of (list of str, bool)
        The names, and whether they are known; else they are numbers.

    Example
    -------
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> results = {"setup": {"family": "SingleLabel(2)"}, "labels": ["a", "b"]}
    >>> output_names(TaskRun(None, results, {}, ""), 2)
    (['a', 'b'], True)
    """
    labels = run.labels
    if labels is None or len(labels) != count:
        return [str(number) for number in range(count)], False
    return labels, True


def _add_confusion(page, run, path, prefix):
    predictions = read_predictions(path, run.family)
    counts = confusion(predictions)
    names, known = output_names(run, len(counts))
    order = class_order(run.family, len(counts))
    totals = counts.sum(1)
    right, total = int(np.trace(counts)), int(totals.sum())
    some = totals[totals > 0]
    caption = (
        f"Test: {total} tracks, {some.min()} to {some.max()} of a class; {right} "
        f"right, an accuracy of {100 * right / total:.2f} %. A row is a true "
        "class and adds up to 100 %."
    )
    if run.family == "Key":
        names = [short_key(name) for name in names]
        caption += (
            " Keys go by the circle of fifths, each major beside its relative "
            "minor. Outputs of a track are the mean over its clips, whichever way "
            "the key score took."
        )
    if len(some) < len(counts):
        caption += f" Grey: {len(counts) - len(some)} classes without tracks."
    if not known:
        caption += (
            " Classes are numbered, since the run did not keep their names; "
            f"{AGAIN}."
        )
    matrix = shares(counts)[np.ix_(order, order)]
    figure = draw_confusion(matrix, [names[index] for index in order])
    page.figure(figure, f"{prefix}confusion", caption)


def _add_tags(page, run, path, prefix):
    # Takes the libraries of the metrics.
    from mert_sb.inference.report.tags import tag_scores

    predictions = read_predictions(path, run.family)
    count = predictions.outputs.shape[1]
    scores, (names, known) = tag_scores(predictions), output_names(run, count)
    if not scores:
        page.text(f"Not shown: {path} has no tag that only some tracks have.")
        return
    mean = sum(score.roc_auc for score in scores) / len(scores)
    caption = (
        f"ROC-AUC of single tags on {len(predictions.tracks)} tracks; the mean of "
        f"{len(scores)} tags is {100 * mean:.2f} %."
    )
    if len(scores) < count:
        caption += (
            f" Left out: {count - len(scores)} that all tracks have or none."
        )
    if not known:
        caption += (
            f" Tags are numbered, since the run did not keep names; {AGAIN}."
        )
    page.figure(draw_tags(scores, names), f"{prefix}tags", caption)
    page.table(
        ("tag", "tracks", "ROC-AUC, %", "average precision, %"),
        [
            (
                names[score.index],
                score.positives,
                f"{100 * score.roc_auc:.1f}",
                f"{100 * score.average_precision:.1f}",
            )
            for score in scores
        ],
    )


def _add_ratings(page, run, path, prefix):
    from mert_sb.inference.report.tags import rating_scores

    predictions = read_predictions(path, run.family)
    names, _ = output_names(run, predictions.outputs.shape[1])
    page.figure(
        draw_ratings(predictions, names, rating_scores(predictions)),
        f"{prefix}ratings",
        f"{len(predictions.tracks)} tracks of the test, in the units that were "
        "learned (standard deviations of the ratings); on the dotted line a "
        "prediction is right.",
    )


def _add_beats(page, run, path, prefix):
    from mert_sb.downstream.beats.excerpt import read_excerpt

    excerpt = read_excerpt(path)
    counts = len(excerpt["true_beats"]), len(excerpt["beats"])
    page.figure(
        draw_excerpt(excerpt),
        f"{prefix}beats",
        f"The test's first file, {excerpt['track']}, its first "
        f"{float(excerpt['seconds']):.0f} s: {counts[0]} true beats above, "
        f"{counts[1]} found below, downbeats thick. It was chosen by its place in "
        "the list, not by its score.",
    )


def _add_stems(page, run, path, prefix):
    test = run.results["test"]
    stems = [n[4:] for n in test if n.startswith("sdr_")]
    stems = [stem for stem in stems if f"mixture_sdr_{stem}" in test]
    page.figure(
        draw_stems(test, stems),
        f"{prefix}stems",
        "SDR of the separated stems, mean over the test's songs, and what the "
        "mixture itself would score. Songs one by one: " + path.name + ".",
    )
