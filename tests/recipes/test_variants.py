"""Ablations, contexts and teachers: each YAML trains two steps in small.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import pytest

from tests.utils.finetune_runs import no_trace
from tests.utils.recipe_tests import (
    ROOT,
    command_line,
    failed_checks,
    read_tables,
)
from tests.utils.task_folders import run_script

ROWS = read_tables()
CLUSTERED = ("logmel", "chroma", "mfcc", "units")
ABLATION_FOLDER = ROOT / "recipes/pretrain/Music4ALL/ablations"
# Flags in small, for clips longer than their windows.
CONTEXTS = {
    "context-10s": {"--crop_frames": "148", "--batch_size": "2"},
    "context-30s": {"--crop_frames": "440", "--batch_size": "2"},
    "context-song": {},
}
ABLATIONS = [
    path
    for path in sorted(ABLATION_FOLDER.glob("*.yaml"))
    if path.stem not in CONTEXTS
]


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
    sizes |= dict.fromkeys([f"n_{name}" for name in CLUSTERED], 6)
    flags = {k: v for k, v in sizes.items() if f"\n{k}:" in text}
    fits = {}
    for name in CLUSTERED:
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
    if "student_source" in text:
        student = {"source": samples / "student", "layer": 1}
        for key, value in student.items():
            arguments += [f"--student_{key}", str(value)]
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


@pytest.mark.parametrize("name", CONTEXTS)
def test_context(name, samples, tmp_path):
    """Two steps of each, of clips longer than the 95M's row has."""
    (row,) = [r for r in ROWS if r["Hparam_file"].endswith("MERT-95M.yaml")]
    _, script, _, *arguments = command_line(row, samples, tmp_path / "out")
    path = ABLATION_FOLDER / f"{name}.yaml"
    arguments.remove("--noprogressbar")
    flags = dict(zip(arguments[::2], arguments[1::2], strict=True))
    del flags["--batch_size"]
    flags["--prepare"] = "{min_seconds: 1.0, segment_seconds: null}"
    flags |= {"--optimizer_step_limit": "2", **CONTEXTS[name]}
    windowed = "attention_window" in path.read_text()
    if windowed:
        small = flags["--student"]
        flags["--student"] = small.replace("{", "{attention_window: 37, ")
    given = [part for pair in flags.items() for part in pair]
    with no_trace():
        brain = run_script(Path(script), [str(path), "--noprogressbar", *given])
    assert brain.optimizer_step == 2
    assert brain.hparams.name == name
    settings = brain.hparams.student.settings
    assert settings["checkpoint_layers"] == windowed
    assert settings["global_frames"] == 4 * windowed


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
