"""Every recipe runs in small on generated samples and does what its row says.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.utils.finetune_runs import no_trace
from tests.utils.recipe_tests import (
    ROOT,
    command_line,
    failed_checks,
    read_tables,
    run_recipe,
)
from tests.utils.task_folders import run_script

ROWS = read_tables()
PROBED = [
    row for row in ROWS if "--upstream_overrides" in row["test_debug_flags"]
]
FINE_TUNED = (
    "file_exists=[results.json,predictions.csv,save/CKPT*/encoder.ckpt,"
    "inference/task.json] "
    "performance_check=[train_log.txt, train lr_encoder_00, >0, Epoch: 1]"
)


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """Folder of samples, made once for all recipes."""
    folder = tmp_path_factory.mktemp("samples")
    if (ROOT / "tests" / "samples" / "make_samples.py").exists():
        from tests.samples.make_samples import make_samples

        make_samples(folder)
    return folder


@pytest.mark.parametrize("row", ROWS, ids=[row["Hparam_file"] for row in ROWS])
def test_recipe(row, samples, tmp_path):
    output = tmp_path / "output"
    run_recipe(row, samples, output)
    assert failed_checks(row["test_debug_checks"], output) == []


@pytest.mark.parametrize(
    "row", PROBED, ids=[row["Hparam_file"] for row in PROBED]
)
def test_fine_tuning(row, samples, tmp_path):
    """What a YAML probes it fine-tunes too; all of the upstream then learns."""
    output = tmp_path / "output"
    _, script, *arguments = command_line(row, samples, output)
    full = ROOT / "recipes" / "downstream" / "upstreams" / "mert_full.yaml"
    arguments[arguments.index("--layer") + 1] = "mix"
    arguments += ["--upstream", str(full)]
    with no_trace():
        run_script(Path(script), arguments)
    assert failed_checks(FINE_TUNED, output) == []
    before, after = (
        load_file(folder / "student.safetensors")
        for folder in (samples / "student", output / "inference")
    )
    kept = {key for key in before if torch.equal(before[key], after[key])}
    # Nothing is masked, all else moved.
    assert kept == {"mask_embedding"}
