"""What ``compare.py`` shows: a table and a figure of runs and their rivals.

Authors
 * The mert_sb developers 2026
"""

import math
from dataclasses import dataclass, field

from mert_sb.inference.report.figures import open_figure

# Okabe and Ito's, told apart with any kind of colour vision; lines differ in
# their dashes too.
DOT = "#0072B2"
# Three and four: twelve pairs before one comes again.
COLOURS = ("#D55E00", "#000000", "#009E73")
DASHES = ("--", ":", "-.", "-")


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric of the test set, over seeds of the probe.

    Arguments
    ---------
    metric : str
        Its name.
    mean, std : float
        From 0 to 1; ``std`` is None of one seed.
    state : str
        Chosen in validation; empty if there is but one.

    Example
    -------
    >>> str(Score(metric="accuracy", mean=0.5, std=0.01, state="mix"))
    '50.0 ± 1.0 (mix)'
    """

    metric: str
    mean: float
    std: float | None
    state: str = ""

    def __str__(self):
        """As a cell of the table, in per cent."""
        spread = "" if self.std is None else f" ± {100 * self.std:.1f}"
        state = f" ({self.state})" if self.state else ""
        return f"{100 * self.mean:.1f}{spread}{state}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A run, or a rival that was not pretrained.

    Arguments
    ---------
    name : str
        Of the run.
    scores : dict of str to Score
        By task.
    minutes : float
        Of pretraining; None of a rival.
    losses : dict of str to float
        By teacher, on held-out files.
    """

    name: str
    scores: dict
    minutes: float | None = None
    losses: dict = field(default_factory=dict)

    @property
    def rival(self):
        """Whether nothing was pretrained."""
        return self.minutes is None


def markdown(rows):
    """The table of the rows.

    Arguments
    ---------
    rows : list of Row
        With the same tasks.

    Returns
    -------
    str
        Lines of a Markdown table; the best of a task is bold.

    Example
    -------
    >>> score = Score(metric="accuracy", mean=0.5, std=None, state="2")
    >>> row = Row(
    ...     name="a", scores={"pitch": score}, minutes=2, losses={"cqt": 0.25}
    ... )
    >>> print(markdown([row]))
    | run | pitch, accuracy | minutes | held-out loss |
    | --- | --- | --- | --- |
    | a | **50.0** (2) | 2.0 | cqt 0.25 |
    """
    tasks = list(rows[0].scores)
    heads = [f"{task}, {metric_of(rows, task)}" for task in tasks]
    lines = [["run", *heads, "minutes", "held-out loss"]]
    lines.append(["---"] * len(lines[0]))
    best = {t: max(row.scores[t].mean for row in rows) for t in tasks}
    for row in rows:
        cells = [str(row.scores[task]) for task in tasks]
        for place, task in enumerate(tasks):
            if row.scores[task].mean == best[task]:
                number, *rest = cells[place].split(" ")
                cells[place] = " ".join([f"**{number}**", *rest])
        minutes = "" if row.rival else f"{row.minutes:.1f}"
        losses = ", ".join(f"{k} {v:.3g}" for k, v in row.losses.items())
        lines.append([row.name, *cells, minutes, losses])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def metric_of(rows, task):
    """The name of a task's metric, in words.

    Arguments
    ---------
    rows : list of Row
        Of which the first tells.
    task : str
        One of its tasks.

    Returns
    -------
    str
        Such as ``key score``.
    """
    return rows[0].scores[task].metric.replace("_", " ")


def draw(rows, path):
    """Draw runs as dots with error bars, a panel a task, rivals as lines.

    Arguments
    ---------
    rows : list of Row
        With the same tasks.
    path : str or pathlib.Path
        PNG to write.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    tasks = list(rows[0].scores)
    runs = [row for row in rows if not row.rival]
    rivals = [row for row in rows if row.rival]
    size = (2 + 2.6 * len(tasks), 1.7 + 0.32 * len(runs))
    figure = open_figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for axes, task in zip(panels, tasks, strict=True):
        _panel(axes, task, runs, rivals)
        axes.set_xlabel(f"{metric_of(rows, task)}, %")
    # The first run on top, as in the table.
    panels[0].set_yticks(range(len(runs)), [run.name for run in runs])
    panels[0].set_ylim(len(runs) - 0.5, -0.5)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    figure.savefig(path, format="png", dpi=150)


def _panel(axes, task, runs, rivals):
    """One task."""
    for place, rival in enumerate(rivals):
        colour = COLOURS[place % len(COLOURS)]
        dashes = DASHES[place % len(DASHES)]
        mean = 100 * rival.scores[task].mean
        axes.axvline(mean, color=colour, linestyle=dashes, label=rival.name)
    scores = [run.scores[task] for run in runs]
    axes.errorbar(
        [100 * score.mean for score in scores],
        range(len(runs)),
        # A spread that is not known has no bar.
        xerr=[
            math.nan if score.std is None else 100 * score.std
            for score in scores
        ],
        fmt="o",
        color=DOT,
        capsize=3,
        label="pretrained",
    )
    axes.set_title(task)
    axes.grid(axis="y", alpha=0.3)
