"""Several ranks fit what one process would, and fail together.

Authors
 * The mert_sb developers 2026
"""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from mert_sb.teachers import fit_statistics
from tests.utils.recipe_tests import ROOT
from tests.utils.teacher_frames import Given, clips_of, clusters, fit

RANK = """
import json, sys
from datetime import timedelta
from torch import distributed as dist
from mert_sb.teachers import fit_statistics
from tests.unittests.test_teacher_kmeans_ranks import CASES, rows_of
from tests.utils.teacher_frames import Given, clips_of, fit

folder, rank = sys.argv[1], int(sys.argv[2])
dist.init_process_group(
    "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2,
    timeout=timedelta(seconds=60),
)
said = {}
for name, settings in CASES.items():
    try:
        said[name] = fit(
            f"{folder}/{settings.get('file', name)}",
            rows_of(name, rank), distributed=True, **settings["plan"],
        )
    except ValueError as error:
        said[name] = str(error)
clips = clips_of(rows_of("clusters", rank).view(-1, 10, 4))
said["statistics"] = fit_statistics(
    [clips], f"{folder}/statistics", features=Given(4), distributed=True
)
with open(f"{folder}/{rank}.json", "w") as file:
    json.dump(said, file)
dist.destroy_process_group()
"""

CASES = {
    "clusters": {"plan": {"n_codes": 12}},
    "cloud": {"plan": {"n_codes": 9, "standardize": True}},
    "alike": {"plan": {"n_codes": 4}},
    "again": {"file": "clusters", "plan": {"n_codes": 12}},
    "otherwise": {"file": "clusters", "plan": {"n_codes": 11}},
    "too_few": {"plan": {"n_codes": 601}},
    "sklearn": {"plan": {"n_codes": 9, "method": "sklearn"}},
    "most": {"plan": {"n_codes": 9, "max_frames": 60}},
}


def rows_of(name, rank=None):
    """All frames, or those of one rank: the first has 400, the second 200."""
    if name == "alike":
        rows = torch.ones(600, 4)
    elif name == "cloud":
        dice = torch.Generator().manual_seed(0)
        rows = torch.randn(600, 4, generator=dice)
    else:
        rows = clusters(12, 50)[1]
    return rows if rank is None else rows.split(400)[rank]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two ranks fitted and said."""
    folder = tmp_path_factory.mktemp("ranks")
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, str(folder), str(rank)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for process in ranks:
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
    finally:
        for process in ranks:
            process.kill()
    return folder


@pytest.fixture(scope="module")
def said(folder):
    """Reports or errors, of each rank."""
    return [json.loads((folder / f"{r}.json").read_text()) for r in range(2)]


@pytest.mark.parametrize("name", ["clusters", "cloud"])
def test_two_ranks_find_what_one_process_does(folder, said, tmp_path, name):
    alone = fit(tmp_path / "alone", rows_of(name), **CASES[name]["plan"])
    first, second = (ranks[name] for ranks in said)
    assert first == second
    assert first["usage"] == alone["usage"] and first["steps"] == alone["steps"]
    assert first["inertia"] == pytest.approx(alone["inertia"], rel=1e-5)
    found, expected = load_file(folder / name), load_file(tmp_path / "alone")
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-5)


def test_statistics_are_those_of_all_frames(folder, said):
    assert said[0]["statistics"] == {"frames": 600, "kept": False}
    rows = rows_of("clusters")
    found = load_file(folder / "statistics")
    torch.testing.assert_close(found["mean"], rows.mean(0))
    torch.testing.assert_close(found["scale"], rows.std(0, correction=0))


def test_frames_that_are_all_alike_keep_no_rank_waiting(said):
    assert [ranks["alike"]["empty"] for ranks in said] == [3, 3]


def test_a_file_that_is_there_is_kept_by_all(said):
    for ranks in said:
        assert ranks["again"] == {**ranks["clusters"], "kept": True}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("otherwise", "n_codes is 12, not 11"),
        ("too_few", "600 frames are too few for 601 codes"),
        ("sklearn", "sklearn fits in one process"),
    ],
)
def test_refusals_reach_all_ranks(said, name, message):
    assert all(message in ranks[name] for ranks in said)


def test_ranks_share_the_frames_asked_for(said):
    assert [ranks["most"]["frames"] for ranks in said] == [60, 60]


def test_statistics_of_one_process_are_the_same(tmp_path):
    clips = clips_of(rows_of("clusters").view(-1, 10, 4)).split(7)
    path = tmp_path / "alone"
    report = fit_statistics(clips, path, features=Given(4))
    assert report["frames"] == 600
    torch.testing.assert_close(
        load_file(path)["mean"], rows_of("clusters").mean(0)
    )
