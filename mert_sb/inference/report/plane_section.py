"""The section that shows test tracks in the plane.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.report.clip_figures import draw_classes, draw_numbers
from mert_sb.inference.report.family_sections import output_names
from mert_sb.inference.report.predictions import FILE, read_predictions
from mert_sb.inference.report.projection import project_run


def add_plane(page, run, prefix=""):
    """Test tracks in the plane, where the run was on cached states.

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
    >>> add_plane(page, TaskRun(Path("absent"), results, {}, ""))
    >>> page.blocks
    []
    """
    path = run.folder / FILE
    if run.family in ("Beats", "Separation") or not path.is_file():
        return
    page.section("Test tracks in the plane")
    predictions = read_predictions(path, run.family)
    try:
        projection = project_run(run, predictions.tracks)
    except (FileNotFoundError, ValueError) as error:
        page.text(f"Not shown: {error}.")
        return
    caption = (
        f"{len(projection.tracks)} tracks: what the probe's layer or mix gives, "
        "mean over clips, along the two directions in which the tracks differ most. "
        "Labels had no part in it, they are the colours."
    )
    place = {track: row for row, track in enumerate(predictions.tracks)}
    rows = [place[track] for track in projection.tracks]
    figure, what = _draw_plane(run, projection, predictions, rows)
    page.figure(figure, f"{prefix}plane", caption + what)


def _draw_plane(run, projection, predictions, rows):
    """The figure, and what its colours are."""
    points, explained = projection.points, projection.explained
    targets = predictions.targets[rows]
    names, _ = output_names(run, predictions.outputs.shape[1])
    if run.family == "Regression":
        figure = draw_numbers(points, targets[:, 0], names[0], explained)
        return figure, f" Colours: true {names[0]}."
    if run.family == "MultiLabel":
        tag = int(predictions.targets.sum(0).argmax())
        figure = draw_classes(
            points,
            targets[:, tag].astype(int),
            [f"without {names[tag]}", names[tag]],
            explained,
        )
        return figure, f" Colours: the test's commonest tag, {names[tag]}."
    figure = draw_classes(points, targets, names, explained, family=run.family)
    if run.family == "Key":
        return figure, " Keys that are near in the circle of fifths look alike."
    return figure, ""
