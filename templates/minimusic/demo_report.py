"""The demo's page: what a student has learned, its rivals, and each task's figures.

Authors
 * The mert_sb developers 2026
"""

import json

from few_labels import read_table as read_few
from mert_sb.inference.report.grid import build_grid
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.pretraining import build_run_page
from mert_sb.inference.report.task import add_run, describe
from mert_sb.inference.report.task_files import read_run
from probes import DATA, markdown, read_table as read_probes

BEATS = {
    "f_measure": "F-measure",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "downbeat_f_measure": "F-measure of downbeats",
}
PER_CENT = (
    "Test, in per cent: mean ± standard deviation over three seeds of the head"
)


def read_beats(asked):
    """Header and rows of the beats."""
    found = {}
    for upstream in ("pretrained", "log-mel"):
        path = asked.output / "beats" / upstream / "results.json"
        found[upstream] = json.loads(path.read_text(encoding="utf-8"))["test"]
    rows = [
        [name, *(f"{100 * test[metric]:.1f}" for test in found.values())]
        for metric, name in BEATS.items()
    ]
    return ["beats of minimusic", *found], rows


def tables(asked):
    """All tables of scores: title, header, rows, and what they are of."""
    few = asked.few_options()
    return (
        (
            "Probes",
            *read_probes(asked.output),
            f"{PER_CENT} (state chosen in validation). The untrained student has the "
            "same sizes and inputs; log-mel is mean and deviation of 128 bands.",
        ),
        (
            "Few labels",
            *read_few(few),
            f"{PER_CENT}; the whole student is trained on so many notes.",
        ),
        (
            "Beats",
            *read_beats(asked),
            "Test, in per cent: a head on each frame, a dynamic Bayesian network "
            "decodes.",
        ),
    )


def tell(asked):
    """Print the tables."""
    for title, heads, rows, caption in tables(asked):
        print(f"\n{title}\n\n{markdown(heads, rows)}\n\n{caption}")


def write_page(asked, pretraining, folder):
    """Write the page.

    Arguments
    ---------
    asked : asking.Asked
        Where the answers are.
    pretraining : pathlib.Path
        The run's folder.
    folder : pathlib.Path
        Where the page goes.

    Returns
    -------
    pathlib.Path
        The HTML file.
    """
    page = Page("What the demo's student has learned")
    for title, heads, rows, caption in tables(asked):
        page.section(title)
        page.table(heads, rows, caption)
    page.include(build_run_page([pretraining]))
    for task in DATA:
        part = build_grid([asked.output / task / "pretrained"], f"{task}-")
        part.title = f"Probe of the pretrained student: {task}"
        page.include(part)
    run = read_run(asked.output / "beats" / "pretrained")
    part = Page("Beats by the pretrained student")
    part.text(describe(run))
    add_run(part, run, "beats-")
    page.include(part)
    return page.write(folder)
