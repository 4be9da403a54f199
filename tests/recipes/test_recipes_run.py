"""Every recipe runs in small on generated samples and does what its row says.

Authors
 * The mert_sb developers 2026
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

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


ABLATIONS = sorted(
    (ROOT / "recipes/pretrain/Music4ALL/ablations").glob("*.yaml")
)


def without(arguments, flags):
    """A command line without some flags and their values."""
    places = [i for i, part in enumerate(arguments) if part in flags]
    return [
        part
        for i, part in enumerate(arguments)
        if i not in places and i - 1 not in places
    ]


def few(text):
    """Flags for two steps of a YAML with few codes, fitted to few frames."""
    sizes = {"n_codebooks": 2, "codebook_size": 6, "n_cqt_bins": 84}
    sizes |= dict.fromkeys(("n_logmel", "n_chroma", "n_mfcc"), 6)
    flags = {k: v for k, v in sizes.items() if f"\n{k}:" in text}
    fits = {}
    for name in ("logmel", "chroma", "mfcc"):
        if f"n_{name}" in flags:
            fits[name] = "{max_frames: 2000, restarts: 1, n_iterations: 5}"
    if "fit_mel_rvq" in text:
        fits["mel_rvq"] = "{n_mels: 32, n_iterations: 3}"
    if fits:
        inner = ", ".join(f"{name}: {fit}" for name, fit in fits.items())
        flags["fits"] = f"{{{inner}}}"
    flags["optimizer_step_limit"] = 2
    return [part for k, v in flags.items() for part in (f"--{k}", str(v))]


@pytest.mark.parametrize("path", ABLATIONS, ids=[p.stem for p in ABLATIONS])
def test_ablation(path, samples, tmp_path):
    """Two steps of each, as small as the 95M's row."""
    (row,) = [r for r in ROWS if r["Hparam_file"].endswith("MERT-95M.yaml")]
    _, script, _, *arguments = command_line(row, samples, tmp_path / "out")
    text = path.read_text()
    if "MERT-95M.yaml" in text:
        arguments += ["--optimizer_step_limit", "2"]
    else:
        own = {"--n_cqt_bins", "--teachers", "--encodec_head"}
        arguments = without(arguments, own) + few(text)
    with no_trace():
        brain = run_script(Path(script), [str(path), *arguments])
    assert brain.optimizer_step == 2
    assert brain.hparams.name == path.stem
    assert (
        failed_checks(
            "file_exists=[encoder/student.safetensors]", tmp_path / "out"
        )
        == []
    )


def test_an_ablation_takes_any_folder(samples, tmp_path):
    """Both recipes prepare with the same keywords and fit alike."""
    (row,) = [r for r in ROWS if r["Hparam_file"].endswith("cpu.yaml")]
    _, script, _, *arguments = command_line(row, samples, tmp_path / "out")
    arguments = without(arguments, {"--fits", "--codebook_size", *OF_CPU})
    path = ABLATIONS[0].with_name("teachers-mel-chroma-cqt.yaml")
    arguments += [*few(path.read_text()), "--precision", "fp32"]
    with no_trace():
        brain = run_script(Path(script), [str(path), *arguments])
    assert brain.optimizer_step == 2
    assert set(brain.hparams.teachers) == {"logmel", "chroma", "cqt"}
    checks = "file_exists=[encoder/student.safetensors,save/chroma.safetensors]"
    assert failed_checks(checks, tmp_path / "out") == []


TEACHERS = sorted(
    (ROOT / "recipes/pretrain/AudioFolder/teachers").glob("*.yaml")
)
# What of the row of cpu.yaml is of its teachers.
OF_CPU = {"--n_codebooks", "--n_cqt_bins", "--teachers"}


@pytest.mark.parametrize("path", TEACHERS, ids=[p.stem for p in TEACHERS])
def test_teachers(path, samples, tmp_path):
    """Two steps of each combination, as small as the row of cpu.yaml."""
    (row,) = [r for r in ROWS if r["Hparam_file"].endswith("cpu.yaml")]
    _, script, _, *arguments = command_line(row, samples, tmp_path / "out")
    arguments = without(arguments, {"--fits", "--codebook_size", *OF_CPU})
    arguments += few(path.read_text())
    with no_trace():
        brain = run_script(Path(script), [str(path), *arguments])
    assert brain.optimizer_step == 2
    assert brain.hparams.name == path.stem
    assert set(brain.modules) == {"student", *brain.hparams.teachers}
    fits = brain.hparams.fits.values()
    assert all(Path(fit.keywords["path"]).is_file() for fit in fits)
    assert (
        failed_checks(
            "file_exists=[encoder/student.safetensors]", tmp_path / "out"
        )
        == []
    )


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


def test_targets_of_k_means_are_stored_from_a_clean_start(samples, tmp_path):
    """What extracts fits first, as training does."""
    (row,) = [r for r in ROWS if r["Hparam_file"].endswith("MERT-v0.yaml")]
    _, script, yaml, *arguments = command_line(row, samples, tmp_path / "out")
    shelf = tmp_path / "shelf"
    arguments += ["--stored", f"{{logmel: {shelf}}}", "--crop_step", "20"]
    done = subprocess.run(
        [sys.executable, "extract_targets.py", yaml, *arguments],
        cwd=Path(script).parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(Shelf(shelf)) > 0
