"""What runs and grids leave behind, damaged, as reports read it.

Authors
 * The mert_sb developers 2026
"""

import shutil

import pytest

from tests.faults.fuzzing import Reader, assert_none_lost
from tests.faults.test_fuzz_checkpoints import damaged
from tests.utils import report_folders

N_RUNS = 700
N_GRIDS = 500
# Drawn, which takes longer.
N_PAGES = 150
MEGABYTES = 1000


def spoiler(source, kinds):
    """A spoiler of one of a folder's files of some kinds."""

    def spoil(rng, place):
        copy = shutil.copytree(source, place / "run")
        files = sorted(p for p in copy.rglob("*") if p.suffix in kinds)
        path = files[rng.integers(len(files))]
        path.write_bytes(damaged(path, rng))
        return copy

    return spoil


def run_reader(folder):
    """Reads a run: results, settings, curves, predictions."""
    from mert_sb.downstream.families import SingleLabel
    from mert_sb.inference.report.predictions import (
        FILE,
        confusion,
        read_predictions,
    )
    from mert_sb.inference.report.task_files import read_epochs, read_run

    source = folder / "whole"
    report_folders.write_run(
        source, SingleLabel(3), *report_folders.some_classes()
    )

    def read(place):
        run = read_run(place)
        assert isinstance(run.family, str)
        read_epochs(place / "train_log.txt")
        confusion(read_predictions(place / FILE, "SingleLabel"))

    kinds = (".json", ".yaml", ".txt", ".csv")
    documented = (OSError, ValueError)
    return Reader("runs for reports", spoiler(source, kinds), read, documented)


def test_runs(tmp_path):
    assert_none_lost(run_reader(tmp_path), N_RUNS, tmp_path)


def grid_reader(folder):
    """Reads a grid's tables."""
    from mert_sb.downstream.families import SingleLabel
    from mert_sb.inference.report.grid_files import read_grid

    report_folders.write_grid(folder / "made", SingleLabel(3))
    source = folder / "whole"
    source.mkdir()
    for name in ("grid.json", "grid.csv"):
        shutil.copy(folder / "made" / name, source)

    def read(place):
        for run in read_grid(place).chosen_runs:
            assert run.resolve().is_relative_to(place)

    documented = (OSError, ValueError)
    return Reader("grids", spoiler(source, (".json", ".csv")), read, documented)


def test_grids(tmp_path):
    assert_none_lost(grid_reader(tmp_path), N_GRIDS, tmp_path)


def page_reader(folder):
    """Draws a run, as ``mert-sb report`` does."""
    from mert_sb.downstream.families import SingleLabel
    from mert_sb.inference.report.kinds import build_page

    source = folder / "whole"
    report_folders.write_run(
        source, SingleLabel(3), *report_folders.some_classes(), labels="abc"
    )

    def read(place):
        build_page([place]).markdown()

    spoil = spoiler(source, (".json", ".yaml", ".txt", ".csv"))
    documented = (OSError, ValueError)
    return Reader("pages of runs", spoil, read, documented, MEGABYTES)


def test_pages(tmp_path):
    pytest.importorskip("matplotlib")
    assert_none_lost(page_reader(tmp_path), N_PAGES, tmp_path)
