"""Every recipe runs in small on generated samples and does what its row says.

Authors
 * The mert_sb developers 2026
"""

import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mert_sb import frames
from mert_sb.inference import MusicEncoder
from mert_sb.store import Shelf
from tests.utils.finetune_runs import no_trace
from tests.utils.recipe_tests import (
    ROOT,
    command_line,
    failed_checks,
    read_tables,
    run_recipe,
)
from tests.utils.task_folders import run_script
from tests.utils.warm import start_script

ROWS = read_tables()
# Rows that are run as a user runs them, a Python for each: one of each task.
FRESH = {row["Task"]: row for row in ROWS}.values()
PROBED = [
    row for row in ROWS if "--upstream_overrides" in row["test_debug_flags"]
]
FINE_TUNED = (
    "file_exists=[results.json,predictions.csv,save/CKPT*/encoder.ckpt,"
    "inference/task.json] "
    "performance_check=[train_log.txt, train lr_encoder_00, >0, Epoch: 1]"
)


@pytest.mark.parametrize("row", ROWS, ids=[row["Hparam_file"] for row in ROWS])
def test_recipe(row, samples, tmp_path):
    output = tmp_path / "output"
    run_recipe(row, samples, output, fresh=row in FRESH)
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


def test_other_students_are_flags(samples, tmp_path):
    (row,) = [r for r in ROWS if r["Hparam_file"].endswith("MERT-95M.yaml")]
    _, script, yaml, *arguments = command_line(row, samples, tmp_path / "out")
    place = arguments.index("--student") + 1
    other = (
        "{frontend: mel, conv_channels: null, conv_norm: null, conv_bias: null, "
        "n_mels: 32, layer_type: conformer, depthwise_kernel: 3, norm: pre, "
        "attention_window: 8, "
    )
    arguments[place] = other + "ffn_dim: 64, num_heads: 2, num_layers: 2, "
    arguments[place] += "position_kernel: 8, position_groups: 4}"
    arguments += ["--optimizer_step_limit", "2"]
    with no_trace():
        brain = run_script(Path(script), [yaml, *arguments])
    assert brain.hparams.student.settings["frontend"] == "mel"
    assert brain.optimizer_step == 2


def audio_folder(samples, output, student, *, crop_frames=74, **flags):
    """Script, YAML and flags of two steps of a student on a folder of music."""
    (row,) = [r for r in ROWS if r["Hparam_file"].endswith("/cpu.yaml")]
    _, script, yaml, *arguments = command_line(row, samples, output)
    small = "ffn_dim: 64, num_heads: 2, num_layers: 2, position_kernel: 8, "
    small += f"position_groups: 4, {student}"
    arguments[arguments.index("--student") + 1] = f"{{{small}}}"
    arguments[arguments.index("--crop_frames") + 1] = str(crop_frames)
    arguments += ["--optimizer_step_limit", "2"]
    for flag, value in flags.items():
        arguments += [f"--{flag}", str(value)]
    return Path(script), [yaml, *arguments]


MEL = "frontend: mel, conv_channels: null, conv_norm: null, conv_bias: null, "
MEL += "n_mels: 32, "


@pytest.mark.parametrize(
    ("sample_rate", "subsample", "frame_rate"),
    [(24_000, 1, 75), (16_000, 1, 50), (24_000, 3, 25), (16_000, 2, 25)],
)
def test_log_mels_at_every_frame_rate(
    samples, tmp_path, sample_rate, subsample, frame_rate
):
    script, arguments = audio_folder(
        samples,
        tmp_path / "out",
        f"{MEL} feature_extractor_cqt: 0, subsample: {subsample}",
        sample_rate=sample_rate,
        # Rows of a second at either rate are long enough.
        crop_frames=48,
    )
    with no_trace():
        brain = run_script(script, arguments)
    assert brain.optimizer_step == 2
    assert brain.held_out()["mel_rvq_nearest"] >= 0
    encoder = MusicEncoder.from_hparams(tmp_path / "out" / "encoder")
    assert encoder.frame_rate == frame_rate
    states = encoder.encode_batch(torch.rand(1, 2 * sample_rate), layers=-1)
    wanted = frames.n_frames(2 * sample_rate) // subsample
    assert states.shape == (1, wanted, 32)


def test_a_shelf_serves_students_of_every_frame_rate(samples, tmp_path):
    """Stored targets are of the crop; each student thins what it reads."""
    shelf, losses = tmp_path / "shelf", {}
    slow, plain = "conv_channels: 16, subsample: 3", "conv_channels: 16"
    stored = {"crop_step": 37, "stored": f"{{mel_rvq: {shelf}}}"}
    for name, student, flags in (
        ("live", slow, {"crop_step": 37}),
        ("stored", slow, stored),
        ("plain", plain, stored),
    ):
        output = tmp_path / name
        if name != "live":
            # The fitted file is the same wherever it lies.
            (output / "save").mkdir(parents=True)
            file = tmp_path / "live" / "save" / "mel_rvq.safetensors"
            shutil.copy(file, output / "save")
        script, arguments = audio_folder(samples, output, student, **flags)
        if name == "stored":
            extract_targets(script, arguments)
        with no_trace():
            brain = run_script(script, arguments)
        assert ("mel_rvq" in brain.teachers) == (name == "live")
        losses[name] = brain.held_out()["mel_rvq_loss"]
    assert losses["stored"] == losses["live"] != losses["plain"]


def test_targets_of_k_means_are_stored_from_a_clean_start(samples, tmp_path):
    """What extracts fits first, as training does."""
    (row,) = [r for r in ROWS if r["Hparam_file"].endswith("MERT-v0.yaml")]
    _, script, yaml, *arguments = command_line(row, samples, tmp_path / "out")
    shelf = tmp_path / "shelf"
    arguments += ["--stored", f"{{logmel: {shelf}}}", "--crop_step", "20"]
    extract_targets(Path(script), [yaml, *arguments])
    assert len(Shelf(shelf)) > 0


def extract_targets(script, arguments):
    """Run the script beside a recipe's own."""
    run = start_script(
        [
            sys.executable,
            str(script.with_name("extract_targets.py")),
            *arguments,
        ],
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    printed, _ = run.communicate()
    assert run.returncode == 0, printed
