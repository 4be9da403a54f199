"""Two processes of which one alone has a number that is none: both step over it.

Authors
 * The mert_sb developers 2026
"""

import json
import os
import subprocess
import sys

import pytest

from tests.utils.recipe_tests import ROOT

RANK = """
import json, logging, sys
from datetime import timedelta
import torch
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel
from mert_sb import skips
from tests.utils.poison import adam_brain, changed, poisoned, snapshot
from tests.utils.pretraining_brain import batch, clips, step

folder, rank = sys.argv[1], int(sys.argv[2])
dist.init_process_group(
    "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2,
    timeout=timedelta(seconds=60),
)
brain = adam_brain(f"{folder}/save")
for name, module in list(brain.modules.items()):
    brain.modules[name] = DistributedDataParallel(
        module, find_unused_parameters=True
    )
said = []
skips.logger.warning = lambda text, *parts: said.append(text % parts)
own = [batch(clips(10 * rank + number)) for number in range(9)]
step(brain, own[0])
found = {}
# The last ones are without a masked frame.
for number, (place, value) in enumerate(
    [
        ("gradient level.module.projection.weight", float("nan")),
        ("plus loss", float("inf")),
        ("times loss", float("nan")),
    ]
):
    before = snapshot(brain)
    if rank == 1:
        with poisoned(brain, place, value):
            step(brain, own[1 + number])
    else:
        step(brain, own[1 + number])
    harmed = changed(before, snapshot(brain))
    moved = float(step(brain, own[5]).abs().sum())
    found[place] = {"harmed": harmed, "moved": moved, "said": said[-1:]}
    found[place]["in_row"] = brain.skips.in_row
own[7].mask.data.zero_()
if rank == 1:
    own[8].mask.data.zero_()
before = snapshot(brain)
step(brain, own[7])
found["unmasked"] = changed(before, snapshot(brain))
found["half"] = float(step(brain, own[8]).abs().sum())
found["weights"] = {
    name: value.double().sum().item() for name, value in snapshot(brain).items()
}
found["skipped"] = brain.skips.read()
with open(f"{folder}/{rank}.json", "w") as file:
    json.dump(found, file)
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("ranks")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, str(folder), str(rank)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in (0, 1)
    ]
    try:
        printed = [run.communicate(timeout=120)[0] for run in runs]
    finally:
        for run in runs:
            run.kill()
    assert [run.returncode for run in runs] == [0, 0], "\n".join(printed)
    return [
        json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)
    ]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (
            "gradient level.module.projection.weight",
            "the gradient is not finite; clips: 1-0, 1-1, 1-2, 11-0, 11-1, 11-2",
        ),
        ("plus loss", "the loss is not finite; clips: 12-0, 12-1, 12-2"),
        ("times loss", "the loss is not finite; clips: 13-0, 13-1, 13-2"),
    ],
)
def test_both_skip_what_one_has_and_name_its_clips(ranks, place, text):
    for found in ranks:
        assert found[place]["harmed"] == []
        assert found[place]["moved"] > 0 and found[place]["in_row"] == 0
        assert text in found[place]["said"][0]


def test_masked_frames_of_one_process_are_enough(ranks):
    for found in ranks:
        assert found["unmasked"] == [] and found["half"] > 0
        assert found["skipped"] == 4


def test_processes_stay_alike(ranks):
    assert ranks[0]["weights"] == ranks[1]["weights"]
