"""What a grid needs of a recipe, and how many runs go at once.

Authors
 * The mert_sb developers 2026
"""

import sys

import pytest
import torch

from mert_sb.downstream.grid_runs import Task, jobs_of, open_recipe, run_tasks
from tests.utils.fake_runs import fake_run
from tests.utils.source_tree import ROOT

RECIPES = ("EMO", "GTZAN", "GiantSteps", "MTG", "MTT", "NSynth", "VocalSet")


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_can_be_opened(recipe, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = ROOT / "recipes" / "downstream" / recipe / "train.py"
    # Not the kept one: its path would be missing here.
    _, prepare, dataio_prep = open_recipe.__wrapped__(script)
    assert prepare.__name__ == f"prepare_{recipe.lower()}"
    assert dataio_prep.__name__ == "dataio_prep"
    sys.modules.pop(f"{recipe.lower()}_prepare", None)


def test_runs_go_at_once_where_each_wants_one_core(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert jobs_of("cpu", cached=True) == 3
    assert jobs_of("cpu", cached=False) == 1
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    assert jobs_of("cpu", cached=True) == 4
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert jobs_of("cuda:0", cached=True) == 1
    assert jobs_of("cpu", cached=True) == 4


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_an_error_no_more_runs_begin(tmp_path, monkeypatch, jobs):
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = ROOT / "recipes" / "downstream" / "GTZAN" / "train.py"
    tasks = [Task([tmp_path / str(i)], tmp_path / str(i)) for i in range(40)]
    found = run_tasks(fake_run, script, tasks, folder=tmp_path, jobs=jobs)
    assert [next(found), next(found)] == [{}, {}]
    # As an error of who asks for results does, or a signal.
    found.close()
    done = [task for task in tasks if task.is_done]
    # Those under way end, and what a pool holds ready.
    assert 2 <= len(done) < 12
    again = run_tasks(fake_run, script, done, folder=tmp_path, jobs=jobs)
    assert list(again) == [{}] * len(done)
    sys.modules.pop("gtzan_prepare", None)
