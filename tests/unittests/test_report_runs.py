"""Runs compared: the papers' rows, the benchmark's average, what belongs together.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import pytest

from mert_sb.downstream.families import SingleLabel
from mert_sb.downstream.key import Key
from mert_sb.inference.commands.main import main
from mert_sb.inference.report.benchmark import COLUMNS, average, missing
from mert_sb.inference.report.collecting import find_results, make_rows
from mert_sb.inference.report.kinds import build_page
from mert_sb.inference.report.pictures import Picture
from mert_sb.inference.report.published import MARBLE, MERT, published
from mert_sb.inference.report.runs import mean_of
from mert_sb.inference.report.tables import Table
from tests.utils.report_folders import (
    UPSTREAM,
    some_classes,
    write_grid,
    write_results,
    write_run,
)

ROOT = Path(__file__).parents[2]
OTHER = UPSTREAM | {"weights": "fedcba9876543210"}
TEXT = (
    "# Generated 2026-01-01 from:\n# /a/{}/hparams/x.yaml\nbase:\n  task: {}\n"
)


def tables(page):
    return [block for block in page.blocks if isinstance(block, Table)]


def lines(table):
    return {row[0]: row for row in table.rows}


def texts(page):
    return "\n".join(
        block.text for block in page.blocks if type(block).__name__ == "Text"
    )


def write_task(folder, place, value, **setup):
    """A run of one of the fourteen tasks, whose metrics all have one value."""
    column = COLUMNS[place]
    test = dict.fromkeys(column.metrics, value / column.unit)
    write_results(folder, SingleLabel(3), test, **setup)
    text = TEXT.format(column.recipe, column.tasks[0])
    (folder / "hyperparams.yaml").write_text(text)


@pytest.mark.parametrize(
    ("model", "stated"),
    [
        ("Music2Vec", 59.9),
        ("MERT-95M K-means (v0)", 62.3),
        ("MERT-95M public (v0-public)", 63.0),
        ("MERT-95M RVQ (v1-95M)", 63.3),
        ("MERT-330M RVQ (v1-330M)", 64.2),
        ("best before MERT, each its own", 64.5),
    ],
)
def test_averages_are_those_that_the_paper_states(model, stated):
    (row,) = [
        row for row in published() if (row.model, row.source) == (model, MARBLE)
    ]
    assert round(average(row.cells), 1) == stated


def test_the_average_is_over_metrics_first():
    cells = [(80.0, 40.0), *[(50.0,)] * 12, (4.0, 6.0, 8.0, 10.0)]
    assert average(cells) == pytest.approx((60 + 12 * 50 + 7) / 14)
    assert mean_of(cells) == "47.6"
    assert mean_of([*cells[:-1], None]) == "–"
    assert missing([*cells[:-1], None]) == ["MUSDB18 separation"]


def test_published_cells_have_as_many_numbers_as_their_tasks_metrics():
    assert len(published()) == 13
    for row in published():
        assert len(row.cells) == len(COLUMNS) == 14
        for cell, column in zip(row.cells, COLUMNS, strict=True):
            assert cell is None or len(cell) == len(column.metrics)


def test_only_confirmed_cells_of_the_mert_paper_are_there():
    known = {
        row.model: {
            column.head: cell
            for column, cell in zip(COLUMNS, row.cells, strict=True)
            if cell is not None
        }
        for row in published()
        if row.source == MERT
    }
    assert known["MERT-95M K-means (v0)"] == {
        "GS key": (65.0,),
        "GTZAN beat": (88.3,),
    }
    large = known["MERT-330M RVQ (v1-330M)"]
    assert large["GTZAN genre"] == (79.3,)
    assert large["EMO emotion"] == (61.2, 74.7)
    assert "MTG genre" not in large


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.head)
def test_columns_are_recipes_that_there_are(column):
    folder = ROOT / "recipes" / "downstream" / column.recipe / "hparams"
    text = "\n".join(path.read_text() for path in folder.glob("*.yaml"))
    assert all(f"task: {task}\n" in text for task in column.tasks)


@pytest.mark.parametrize(
    ("recipe", "place"),
    [("GTZAN", 2), ("EMO", 4), ("MTT", 0), ("MTG", 9), ("NSynth", 5)],
)
def test_published_numbers_are_those_of_the_readmes(recipe, place):
    text = (ROOT / "recipes" / "downstream" / recipe / "README.md").read_text()
    for row in published():
        cell = row.cells[place]
        if cell is not None and row.model.startswith("MERT"):
            assert " / ".join(map(str, cell)) in text


def test_a_whole_row_has_its_average_and_the_papers_are_above(tmp_path):
    for place in range(14):
        write_task(tmp_path / f"task{place}", place, 10.0 + place)
    page = build_page([tmp_path])
    first, second = tables(page)[:2]
    name = first.rows[-1][0]
    assert first.rows[-1][:4] == (name, "here", "10.0 / 10.0", "11.0")
    assert second.rows[-1][-2:] == ("23.0 / 23.0 / 23.0 / 23.0", "16.5")
    assert [row[1] for row in first.rows] == [MARBLE] * 10 + [MERT] * 3 + [
        "here"
    ]
    known = {row[:2]: row for row in second.rows}
    assert known["MERT-330M RVQ (v1-330M)", MARBLE][-1] == "64.2"
    assert known["MERT-330M RVQ (v1-330M)", MERT][-1] == "–"
    assert known["MERT-330M RVQ (v1-330M)", MERT][2] is None
    assert "no average" not in texts(page)


def test_a_row_with_a_gap_has_no_average_and_says_why(tmp_path):
    for place in range(13):
        write_task(tmp_path / f"task{place}", place, 50.0)
    page = build_page([tmp_path])
    assert tables(page)[1].rows[-1][-1] == "–"
    assert "no average, for want of MUSDB18 separation" in texts(page)


def test_another_test_set_than_the_benchmarks_is_pointed_out(tmp_path):
    write_run(tmp_path / "a", SingleLabel(3), *some_classes(), cached=False)
    said = texts(build_page([tmp_path]))
    assert "GTZAN genre was tested on 12 tracks" in said
    assert "the benchmark's test has 290" in said
    assert "trained too" in said


def test_results_of_one_upstream_stand_in_one_row(tmp_path):
    for name, upstream in (("a", UPSTREAM), ("b", OTHER)):
        for place in (1, 2):
            folder = tmp_path / f"recipe{place}" / name
            write_task(folder, place, 50.0, upstream=upstream)
    folders = [tmp_path / "recipe1", tmp_path / "recipe2"]
    rows = make_rows(find_results(folders))
    assert [len(row.results) for row in rows] == [2, 2]
    # No folder is a row's own, so rows have their upstream's names.
    assert "01234567" in rows[0].name
    assert "fedcba98" in rows[1].name
    assert all(row.cells[1][0].mean == pytest.approx(50) for row in rows)


def test_rows_are_named_by_their_own_folders(tmp_path):
    for name, upstream in (("a", UPSTREAM), ("b", OTHER)):
        for place in (1, 2):
            folder = tmp_path / name / "probes" / str(place)
            write_task(folder, place, 50.0, upstream=upstream)
    rows = make_rows(find_results([tmp_path / "a", tmp_path / "b"]))
    assert [row.name for row in rows] == ["a/probes", "b/probes"]


def test_two_runs_of_one_task_are_two_rows(tmp_path):
    for number, value in enumerate((40.0, 60.0)):
        write_task(tmp_path / f"run{number}", 2, value, seed=number)
    rows = make_rows(find_results([tmp_path]))
    assert [row.name for row in rows] == ["run0", "run1"]
    means = [row.cells[2][0].mean for row in rows]
    assert means == pytest.approx([40.0, 60.0])


def test_a_folder_given_twice_counts_once(tmp_path):
    write_task(tmp_path / "a", 2, 50.0)
    assert len(find_results([tmp_path, tmp_path / "a"])) == 1


def test_tasks_that_are_none_of_the_fourteen_have_a_table(tmp_path):
    options = {"recipe": "minimusic", "task": "key"}
    for name, upstream in (("a", UPSTREAM), ("b", OTHER)):
        folder = tmp_path / name
        write_grid(
            folder, Key(), (0, 1), (0.001,), upstream=upstream, **options
        )
    page = build_page([tmp_path / "a", tmp_path / "b"])
    table = next(t for t in tables(page) if t.header[0] == "model")
    assert table.header == ("model", "minimusic key, key score, %")
    rows = make_rows(find_results([tmp_path]))
    for row in rows:
        score = row.results[0].test["key_score"]
        shown = lines(table)[row.name][1]
        assert shown == f"{100 * score.mean:.2f} ± {100 * score.std:.2f}"
        assert row.results[0].seeds == 2
    assert "None of the benchmark's fourteen" in texts(page)
    (picture,) = [b for b in page.blocks if isinstance(b, Picture)]
    panel = picture.figure.axes[0]
    names = [text.get_text() for text in panel.get_yticklabels()]
    assert names == ["a", "b"]


def test_each_number_has_its_file(tmp_path):
    write_grid(tmp_path / "grid", SingleLabel(3), (0,), (0.001,))
    page = build_page([tmp_path])
    origins = tables(page)[-1]
    assert origins.rows[0][-1] == str(tmp_path / "grid" / "grid.json")
    assert origins.rows[0][1] == "GTZAN genre"


def test_the_command_compares_folders(tmp_path, capsys):
    for name, upstream in (("a", UPSTREAM), ("b", OTHER)):
        write_task(tmp_path / name, 2, 50.0, upstream=upstream)
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    output = tmp_path / "page"
    assert main(["report", *folders, "--output", str(output)]) == 0
    text = (output / "report.md").read_text()
    assert "| **a** | **here** |" in text
