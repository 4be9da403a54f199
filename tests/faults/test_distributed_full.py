"""Two processes save a checkpoint, and the one that writes finds no room.

Authors
 * The mert_sb developers 2026
"""

import os
import subprocess
import sys

import pytest

from tests.faults.report import note
from tests.utils.source_tree import ROOT

# Of a process that waits for what never comes.
LIMIT = 30
RANK = f"""
import errno, sys
from datetime import timedelta
import torch
from mert_sb import checkpoints

folder, rank, place = sys.argv[1:]
torch.distributed.init_process_group(
    "gloo", init_method=f"file://{{folder}}/meet", rank=int(rank), world_size=2,
    timeout=timedelta(seconds={LIMIT}),
)
saved = {{name: torch.nn.Linear(2, 2) for name in ("a", "b")}}
checkpointer = checkpoints.CompleteCheckpointer(f"{{folder}}/save", saved)
checkpointer.save_checkpoint()

def full(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")

if place == "marker":
    checkpoints._mark = full
elif place == "part":
    torch.save = full
else:
    checkpoints.Checkpointer._save_checkpoint_metafile = full
checkpointer.save_checkpoint()
"""


@pytest.mark.parametrize("place", ["meta file", "part", "marker"])
def test_one_names_the_file_and_the_other_ends_with_it(tmp_path, place):
    (tmp_path / "save").mkdir()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, str(tmp_path), rank, place],
            env={**env, "RANK": rank},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in "01"
    ]
    try:
        first, second = (run.communicate(timeout=4 * LIMIT)[0] for run in runs)
    finally:
        for run in runs:
            run.kill()
    assert "mert_sb.writing.NoRoomError: " in first.splitlines()[-1], first
    # It hears of the other's end, and takes nothing else for an answer.
    assert "Connection" in second.splitlines()[-1], second
    assert len(list((tmp_path / "save").iterdir())) == 1
    note(f"2 processes, no room for the {place}", 1, 0)
