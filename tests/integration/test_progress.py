"""Every long job says how far it is, in lines that a machine reads.

Authors
 * The mert_sb developers 2026
"""

import importlib.util
import json
import os
import re
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from mert_sb.audio.songs import examined_songs
from mert_sb.inference import export_student
from mert_sb.inference.commands.main import main
from mert_sb.progress import VARIABLE
from mert_sb.teachers import LogMelFrames
from mert_sb.teachers.kmeans_fit import fit_kmeans
from tests.integration.launch import RECIPE, command
from tests.samples.make_samples import make_samples
from tests.utils import separators, task_folders, unit_folders
from tests.utils.finetune_runs import no_trace
from tests.utils.originals import tiny_student
from tests.utils.progress_lines import last_lines, read_lines
from tests.utils.source_tree import ROOT
from tests.utils.task_folders import DOWNSTREAM, make_sample, own_modules


@pytest.fixture(autouse=True)
def _process():
    with no_trace():
        yield


def start(script, music, output, *, loud=True, **flags):
    """Run the AudioFolder recipe, its stderr a pipe; what is written there."""
    arguments = command(script, music, output, **flags)
    if loud:
        arguments.remove("--noprogressbar")
    paths = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        arguments,
        cwd=RECIPE,
        env=os.environ | paths,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return run.stderr


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """A short pretraining: its music, its folder, what it wrote to stderr."""
    music = tmp_path_factory.mktemp("samples")
    make_samples(music)
    output = tmp_path_factory.mktemp("pretrained") / "run"
    said = start("train.py", music / "audio", output)
    return SimpleNamespace(music=music / "audio", output=output, said=said)


def test_pretraining_says_how_far_it_is(pretrained):
    last = last_lines(pretrained.said)
    assert list(last) == ["prepare", "mel_rvq-frames", "mel_rvq", "train"]
    assert last["prepare"]["done"] == last["prepare"]["total"] > 3
    assert last["prepare"]["times_real_time"] > 0
    assert last["mel_rvq"]["total"] == 2
    train = last["train"]
    assert train["done"] == train["total"] and train["unit"] == "step"
    assert (train["epoch"], train["stage"]) == (3, "valid")


def test_the_log_line_has_the_time_left(pretrained):
    log = (pretrained.output / "train_log.txt").read_text()
    steps = [int(n) for n in re.findall(r"step: (\d+) - train", log)]
    left = [float(n) for n in re.findall(r"hours_left: ([\d.e+-]+)", log)]
    rates = [
        float(n) for n in re.findall(r"steps_per_second: ([\d.e+-]+)", log)
    ]
    # Once a step, then with the validation.
    assert len(left) == len(rates) == log.count("train loss")
    assert left[-1] == 0
    total = last_lines(pretrained.said)["train"]["total"]
    for step, hours, rate in zip(steps, left, rates, strict=True):
        assert hours * 3600 * rate == pytest.approx(total - step, rel=0.02)


def test_a_run_that_goes_on_counts_what_was_done(pretrained):
    total = last_lines(pretrained.said)["train"]["total"]
    flags = {"number_of_epochs": 9, "optimizer_step_limit": int(total + 2)}
    said = start("train.py", pretrained.music, pretrained.output, **flags)
    last = last_lines(said)
    # A file that cannot be read is tried again.
    assert list(last) == ["prepare", "train"] and last["prepare"]["done"] == 1
    assert last["train"]["done"] == last["train"]["total"] == total + 2


def test_extracting_says_how_far_it_is(pretrained, tmp_path):
    flags = {"stored": f"{{mel_rvq: {tmp_path / 'shelf'}}}", "crop_step": 37}
    said = start(
        "extract_targets.py", pretrained.music, pretrained.output, **flags
    )
    lines = [line for line in read_lines(said) if line["job"] == "extract"]
    rows = [
        len(json.loads((pretrained.output / f"save/{name}.json").read_text()))
        for name in ("train", "valid")
    ]
    assert [line["total"] for line in lines] == rows
    for line in lines:
        assert line["done"] == line["total"] and line["unit"] == "row"
        assert line["times_real_time"] > 0


def test_noprogressbar_is_obeyed_by_all_of_it(pretrained, tmp_path):
    flags = {"number_of_epochs": 1}
    said = start(
        "train.py", pretrained.music, tmp_path / "run", loud=False, **flags
    )
    assert read_lines(said) == []


@pytest.fixture
def run_grid(tmp_path):
    """Runs a small grid of probes of log-mel statistics."""
    data = make_sample("gtzan", tmp_path / "gtzan", seconds=1.0)
    path = DOWNSTREAM / "search.py"
    spec = importlib.util.spec_from_file_location("search", path)
    search = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(search)
    flags = {
        "output_folder": tmp_path / "grid",
        "layers": 0,
        "lrs": "1e-3,1e-2",
        "seeds": 1,
        "data_folder": data,
        "upstream": DOWNSTREAM / "upstreams" / "mel.yaml",
        "batch_size": 5,
        "number_of_epochs": 2,
        "device": "cpu",
        "prepare": '{"n_workers": 1, "allow_missing": True}',
        "cache": '{"num_workers": 0}',
    }

    def run_grid(*more):
        recipe = [DOWNSTREAM / "GTZAN" / n for n in GENRE]
        given = [part for k, v in flags.items() for part in (f"--{k}", v)]
        with own_modules(DOWNSTREAM / "GTZAN"):
            search.main([*map(str, [*recipe, *given]), *more])

    return run_grid


GENRE = ("train.py", "hparams/genre.yaml")


def test_a_grid_says_how_far_it_is_and_of_its_parts_what_lasts(
    run_grid, capfd, monkeypatch
):
    run_grid()
    (line,) = read_lines(capfd.readouterr().err)
    assert (line["job"], line["unit"]) == ("grid", "run")
    assert line["done"] == line["total"] == 2
    run_grid()
    assert read_lines(capfd.readouterr().err) == []  # all is there


def test_parts_of_a_grid_that_last_are_told(run_grid, capfd, monkeypatch):
    monkeypatch.setenv(VARIABLE, "0")
    run_grid()
    last = last_lines(capfd.readouterr().err)
    assert set(last) == {"grid", "prepare", "cache", "train", "evaluate"}
    assert all(line["done"] == line["total"] for line in last.values())
    assert last["cache"]["times_real_time"] > 0
    assert last["evaluate"]["unit"] == "batch"


def test_a_grid_may_be_quiet(run_grid, capfd, monkeypatch):
    monkeypatch.setenv(VARIABLE, "0")
    run_grid("--noprogressbar")
    assert read_lines(capfd.readouterr().err) == []


@pytest.fixture
def music(tmp_path):
    """Two files of noise, four seconds in all."""
    folder = tmp_path / "music"
    folder.mkdir()
    for name, seconds in (("a", 2.5), ("b", 1.5)):
        task_folders.noise(folder / f"{name}.wav", seconds)
    return folder


def write_model(name, folder):
    """What a command opens."""
    if name == "encode":
        return export_student(tiny_student(normalize_wavs=True), folder)
    makers = {"units": unit_folders.write_folder, "separate": separators.write}
    return makers.get(name, task_folders.write)(folder)


@pytest.mark.parametrize("name", ["encode", "units", "predict", "separate"])
def test_commands_say_how_far_they_are(name, music, tmp_path, capsys):
    model = write_model(name, tmp_path / "model")
    arguments = [name, str(model), str(music), "--device", "cpu"]
    if name != "predict":
        arguments += ["--output", str(tmp_path / "out")]
    if name == "encode":
        arguments += ["--workers", "0"]
    (music / "bad.wav").write_bytes(b"no audio")
    assert main(arguments) == 1
    printed = capsys.readouterr()
    line = last_lines(printed.err)[name]
    assert line["done"] == line["total"] == 3
    assert line["audio_hours"] == pytest.approx(4.0 / 3600, rel=0.02)
    assert "progress" not in printed.out
    again = [*arguments, "--quiet"]
    again += ["--overwrite"] if name == "encode" else []
    assert main(again) == 1
    assert read_lines(capsys.readouterr().err) == []


def test_adding_up_stems_says_how_far_it_is(tmp_path, capsys):
    wav = np.full(8_000, 0.1)
    for name, scale in (("a", 1), ("b", 1), ("mixture", 2)):
        soundfile.write(tmp_path / f"{name}.wav", scale * wav, 8_000)
    names = ["a.wav", "b.wav", "mixture.wav"]
    options = {"sample_rate": 24_000, "n_workers": 1, "verify": True}
    files = {".": names}
    examined_songs(tmp_path, tmp_path, files, with_mixture=True, **options)
    last = last_lines(capsys.readouterr().err)
    assert last["prepare"]["done"] == 3
    assert last["add-stems"]["done"] == last["add-stems"]["total"] == 1


def test_fitting_k_means_says_how_far_it_is(tmp_path, capsys):
    features = LogMelFrames(24_000, n_mels=64)
    clips = [torch.rand(4, 24_080)] * 3
    plan = {"n_codes": 8, "max_frames": 800, "restarts": 1, "n_passes": 2}
    fit_kmeans(clips, tmp_path / "a.safetensors", features=features, **plan)
    last = last_lines(capsys.readouterr().err)
    assert list(last) == ["kmeans-frames", "k-means-steps", "k-means"]
    assert (
        last["kmeans-frames"]["done"] == last["kmeans-frames"]["total"] == 800
    )
    assert last["k-means"]["done"] >= 3
