"""The page that compares runs: rows of upstreams, columns of tasks.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.report.benchmark import (
    COLUMNS,
    FIRST_TABLE,
    average,
    missing,
)
from mert_sb.inference.report.collecting import find_results, make_rows
from mert_sb.inference.report.compare_figures import draw_rows
from mert_sb.inference.report.grid import with_spread
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.published import SOURCES, published
from mert_sb.inference.report.tables import Strong
from mert_sb.inference.report.task import training_of, upstream_name
from mert_sb.inference.report.units import factor_of, unit

HERE = "here"
DASH = "–"
RULE = (
    "Average: the mean of a task's metrics, then the mean over the fourteen tasks, as "
    f"MARBLE computes it; {DASH} where a task is missing."
)


def recognise_runs(folders):
    """Whether these folders hold results of downstream tasks.

    Arguments
    ---------
    folders : list of pathlib.Path
        One or several.

    Returns
    -------
    bool
        True if each has some in it or below it.

    Example
    -------
    >>> recognise_runs([getfixture("tmp_path")])
    False
    """
    return all(find_results([folder]) for folder in folders)


def build_runs(folders):
    """Make the page.

    Arguments
    ---------
    folders : list of pathlib.Path
        One or several.

    Returns
    -------
    mert_sb.inference.report.page.Page
        Not written yet.

    Example
    -------
    >>> build_runs([getfixture("tmp_path")]).title
    'Runs compared: 0 rows'
    """
    rows = make_rows(find_results(folders))
    page = Page(f"Runs compared: {len(rows)} row{'s' * (len(rows) != 1)}")
    page.text(
        "A row is an upstream. Of a grid the setting that validation chose counts, "
        "mean ± standard deviation of the test over seeds; of a run its test."
    )
    own = [row for row in rows if any(row.cells)]
    if own:
        _add_benchmark(page, own)
    else:
        page.text("None of the benchmark's fourteen tasks is among them.")
    _add_others(page, rows)
    _add_figure(page, rows)
    _add_origins(page, rows)
    return page


def written(cell, spread=True):
    """A cell of the benchmark's tables.

    Arguments
    ---------
    cell : tuple or None
        Scores, or published numbers.
    spread : bool
        Whether standard deviations are written.

    Returns
    -------
    str or None
        One decimal; None for an empty cell.

    Example
    -------
    >>> from mert_sb.inference.report.grid_files import Score
    >>> written((91.0, 39.3)), written((Score(50.0, 1.25),)), written(None)
    ('91.0 / 39.3', '50.0 ± 1.2', None)
    """
    if cell is None:
        return None
    means = " / ".join(f"{_mean(number):.1f}" for number in cell)
    spreads = [getattr(number, "std", None) for number in cell]
    if not spread or None in spreads:
        return means
    return f"{means} ± {' / '.join(f'{std:.1f}' for std in spreads)}"


def _mean(number):
    return getattr(number, "mean", number)


def mean_of(cells):
    """The benchmark's average of a row, as text.

    Arguments
    ---------
    cells : sequence
        Scores or published numbers of the fourteen tasks.

    Returns
    -------
    str
        One decimal, or a dash.

    Example
    -------
    >>> mean_of([(50.0,)] * 14), mean_of([None, *[(50.0,)] * 13])
    ('50.0', '–')
    """
    plain = [cell and tuple(map(_mean, cell)) for cell in cells]
    value = average(plain)
    return DASH if value is None else f"{value:.1f}"


def _add_benchmark(page, rows):
    """Two tables as in the papers, and what is missing in them."""
    page.section("The benchmark's fourteen tasks")
    lines = [(p.model, p.source, p.cells) for p in published()]
    lines += [(row.name, HERE, row.cells) for row in rows]
    for start, stop in ((0, FIRST_TABLE), (FIRST_TABLE, len(COLUMNS))):
        last = stop == len(COLUMNS)
        part = COLUMNS[start:stop]
        head = ["model", "source", *(f"{c.head}, {c.names}" for c in part)]
        table = []
        for model, source, cells in lines:
            line = [model, source, *map(written, cells[start:stop])]
            line += [mean_of(cells)] if last else []
            table.append(_stand_out(line) if source == HERE else line)
        page.table(
            [*head, "average"] if last else head,
            table,
            "Test, in per cent, separation in dB. Rows in bold are those compared."
            + (f" {RULE}" if last else ""),
        )
    for source, text in SOURCES.items():
        page.text(f"{source}: {text}. Cells that no source states are empty.")
    for row in rows:
        _add_notes(page, row)


def _stand_out(line):
    return [cell if cell is None else Strong(cell) for cell in line]


def _add_notes(page, row):
    """What keeps a row from being compared with the published ones."""
    notes = []
    lacking = missing(row.cells)
    if lacking:
        notes.append(f"no average, for want of {', '.join(lacking)}")
    for result in row.results:
        if result.column is None:
            continue
        column = COLUMNS[result.column]
        if column.n_test and result.n_test not in (None, column.n_test):
            notes.append(
                f"{column.head} was tested on {result.n_test:,} tracks, the "
                f"benchmark's test has {column.n_test:,}"
            )
        if result.run.task == "beat_shift":
            notes.append(
                f"{column.head} is of beat_shift, whose loss and decoder are not the "
                "benchmark's"
            )
        if not result.run.setup.get("cached"):
            notes.append(
                f"in {column.head} the upstream was {training_of(result.run)}"
            )
    if notes:
        page.text(f"{row.name}: {'; '.join(notes)}.")


def _add_others(page, rows):
    """A table of tasks that are none of the fourteen."""
    tasks = {}
    for row in rows:
        for result in row.results:
            if result.column is None:
                tasks.setdefault(result.key, result)
    if not tasks:
        return
    page.section("Other tasks")
    head = ["model"]
    for result in tasks.values():
        head.append(f"{result.run.name}, {unit(result.run.monitor)}")
    table = []
    for row in rows:
        found = {result.key: result for result in row.results}
        cells = [
            with_spread(r.run.monitor, r.test[r.run.monitor]) if r else None
            for r in map(found.get, tasks)
        ]
        if any(cells):
            table.append([row.name, *cells])
    page.table(head, table, "Test; the metric that decided in validation.")


def _add_figure(page, rows):
    """Scores of tasks that at least two rows have."""
    tasks = {}
    for row in rows:
        for result in row.results:
            name = result.run.monitor
            score = result.test[name]
            factor = factor_of(name)
            std = None if score.std is None else factor * score.std
            title = result.run.name, unit(name)
            tasks.setdefault(title, {})[row.name] = (factor * score.mean, std)
    tasks = {title: part for title, part in tasks.items() if len(part) > 1}
    if tasks:
        page.section("Side by side")
        page.figure(
            draw_rows(tasks),
            "rows",
            "Test by task and row: mean, and standard deviation over seeds where "
            "there are several.",
        )


def _add_origins(page, rows):
    """Where each number is from."""
    page.section("Where the numbers are from")
    page.table(
        ("row", "task", "upstream", "layer", "learning rate", "seeds", "file"),
        [
            (
                row.name,
                result.run.name,
                f"{upstream_name(result.run)}, {training_of(result.run)}",
                str(result.run.setup.get("layer")),
                f"{result.run.setup.get('lr')}",
                result.seeds,
                str(result.path),
            )
            for row in rows
            for result in row.results
        ],
    )
