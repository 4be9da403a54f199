"""A clip-level task on two processes.

Authors
 * The mert_sb developers 2026
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from mert_sb.inference import export_student
from tests.samples.make_gtzan import make_gtzan
from tests.utils.finetune_runs import logged
from tests.utils.originals import tiny_student
from tests.utils.source_tree import ROOT

RECIPE = ROOT / "recipes" / "downstream" / "GTZAN"

# Runs a script and tells, at the very end, which of gloo's threads are left.
WATCHED = """
import atexit, pathlib, runpy, sys
def left():
    names = map(pathlib.Path.read_text, pathlib.Path("/proc/self").glob("task/*/comm"))
    print("left:", [name for name in names if "gloo" in name])
atexit.register(left)
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_two_processes_fine_tune(tmp_path):
    music = tmp_path / "music"
    make_gtzan(music, seconds=1.0)
    student = tiny_student(normalize_wavs=True)
    encoder = export_student(student, tmp_path / "encoder")
    script, yaml = RECIPE / "train.py", RECIPE / "hparams" / "genre.yaml"
    flags = {
        "data_folder": music,
        "output_folder": tmp_path / "run",
        "upstream": "../upstreams/mert_full.yaml",
        "upstream_overrides": f"{{source: {encoder}}}",
        "layer": 1,
        "batch_size": 4,
        "number_of_epochs": 2,
        "prepare": "{n_workers: 1, allow_missing: True}",
        "distributed_backend": "gloo",
        "device": "cpu",
    }
    program = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    watched = tmp_path / "watched.py"
    watched.write_text(WATCHED)
    program += ["--nproc-per-node=2", str(watched), str(script), str(yaml)]
    program += [f"--{key}={value}" for key, value in flags.items()]
    done = subprocess.run(
        program,
        cwd=RECIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    # A thread that outlives the interpreter may abort a finished run.
    if Path("/proc/self/task").exists():
        assert done.stdout.count("left: []") == 2
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert len(logged(tmp_path / "run", "valid", "loss")) == 2
    assert results["weights_of_states"] == [0.0, 1.0, 0.0]
