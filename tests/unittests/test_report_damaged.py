"""Reports of folders that others made: damaged files, and texts that would do harm.

Authors
 * The mert_sb developers 2026
"""

import json

import pytest

from mert_sb.downstream.families import SingleLabel
from mert_sb.inference.commands.main import main
from mert_sb.inference.report.collecting import find_results
from mert_sb.inference.report.grid_files import read_grid
from mert_sb.inference.report.guess import newest_checkpoint
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.run import Run
from tests.utils.attacks import merges
from tests.utils.report_folders import some_classes, write_run
from tests.utils.report_pages import read_html


@pytest.fixture
def run(tmp_path):
    """A run of three classes."""
    write_run(tmp_path / "run", SingleLabel(3), *some_classes())
    return tmp_path / "run"


def change(run, **changes):
    """Other values in ``results.json``."""
    path = run / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"test": {"accuracy": {"a": 1}, "loss": []}},
        {"test": None},
        {"weights_of_states": [0.5, None, {"a": 1}]},
        {"labels": 3},
    ],
)
def test_values_that_no_run_writes(run, changes, capsys):
    change(run, **changes)
    assert main(["report", str(run)]) == 2
    told = capsys.readouterr().err
    assert str(run) in told and "Traceback" not in told
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("text", [merges(), "[", "- 1", "a: 1", "unixtime: x"])
def test_a_checkpoint_that_tells_no_time(tmp_path, text):
    """Merged keys of merged keys would take hours to write out."""
    path = tmp_path / "save" / "CKPT+a" / "CKPT.yaml"
    path.parent.mkdir(parents=True)
    (path.parent / "COMPLETE").touch()
    path.write_text(text)
    with pytest.raises(ValueError, match="CKPT.yaml: damaged"):
        newest_checkpoint(Run(tmp_path))


@pytest.mark.parametrize("cell", [b"a" * 200_000, b"\xff"])
def test_predictions_that_are_no_table(run, cell):
    (run / "predictions.csv").write_bytes(cell)
    (result,) = find_results([run])
    with pytest.raises(ValueError, match="predictions.csv: damaged"):
        assert result.n_test


@pytest.mark.parametrize("seed", ["..", "../..", "/etc", "a/b", "a\0b"])
def test_a_seed_of_a_grid_that_is_no_name(tmp_path, seed):
    best = {"layer": "mix", "lr": 0.001}
    grid = {"monitor": "accuracy", "seeds": [seed], "best": best}
    (tmp_path / "grid.json").write_text(json.dumps(grid))
    (tmp_path / "grid.csv").write_text("layer,lr,seeds\n")
    with pytest.raises(
        ValueError, match="elsewhere|not in the subpath"
    ) as caught:
        read_grid(tmp_path)
    assert str(tmp_path) in str(caught.value)


MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def test_markup_stays_text(tmp_path):
    """In names of folders, labels, metrics and settings."""
    folder = tmp_path / "<script>alert(2)<"
    write_run(folder, SingleLabel(3), *some_classes(), task="'<script>'")
    found = json.loads((folder / "results.json").read_text())
    found["setup"]["upstream"]["upstream"] = MARKUP
    found["setup"]["lr"] = MARKUP
    found["test"][MARKUP] = 0.5
    change(folder, labels=[MARKUP, "b", "c"], **found)
    assert main(["report", str(folder), "--output", str(tmp_path)]) == 0
    text = (tmp_path / "report.html").read_text()
    assert "&lt;script&gt;alert(1)" in text and "<script" not in text
    kinds = {tag for tag, _, _ in read_html(tmp_path / "report.html").found}
    assert "script" not in kinds
    told = (tmp_path / "report.md").read_text()
    assert "\\<script\\>alert(1)" in told
    assert "<script" not in told.replace("\\<", "")


def test_names_that_are_not_utf_8(tmp_path):
    page = Page("caf\udce9")
    page.text("\ud800")
    page.write(tmp_path)
    assert "<h1>caf\\udce9</h1>" in (tmp_path / "report.html").read_text()
    assert "\\ud800" in (tmp_path / "report.md").read_text()
