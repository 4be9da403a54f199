"""Beats of GTZAN in miniature: trained, exported, tracked in files of any length.

Authors
 * The mert_sb developers 2026
"""

import csv
import importlib.util
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from mert_sb.downstream.beats.targets import read_beats
from mert_sb.inference import BeatTracker, MusicEncoder, export_student
from mert_sb.inference.commands.main import main
from tests.utils.finetune_runs import logged, no_trace
from tests.utils.originals import tiny_student
from tests.utils.task_folders import (
    DOWNSTREAM,
    make_sample,
    own_modules,
    run_script,
    test_files,
)

CPU = {"device": "cpu"}
RECIPE = DOWNSTREAM / "GTZAN"
# YAML, upstream, what else is changed.
RUNS = {
    "frozen": ("beat", "mert", {"layer": "mix"}),
    "fine-tuned": ("beat_shift", "mert_full", {"encoder_lr": 1e-3}),
    "log-mel": ("beat", "mel", {"layer": 0, "hidden_dim": "null"}),
}


@pytest.fixture(scope="module", autouse=True)
def _process():
    with no_trace():
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music") / "gtzan"
    return make_sample("gtzan", folder, seconds=2.0)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "encoder"
    return export_student(tiny_student(normalize_wavs=True), folder)


@pytest.fixture(scope="module")
def fit(data, encoder):
    """Runs the recipe as the command line does."""

    def fit(hparams, upstream, output, **changed):
        flags = {
            "data_folder": data,
            "annotations_folder": data,
            "output_folder": output,
            "upstream": DOWNSTREAM / "upstreams" / f"{upstream}.yaml",
            "batch_size": 5,
            "crop_seconds": 1.0,
            "number_of_epochs": 1,
            "device": "cpu",
            "prepare": {"n_workers": 1, "allow_missing": True},
        } | changed
        if upstream.startswith("mert"):
            flags["upstream_overrides"] = {"source": str(encoder)}
        arguments = [
            str(RECIPE / "hparams" / f"{hparams}.yaml"),
            "--noprogressbar",
        ]
        for key, value in flags.items():
            text = json.dumps(value) if isinstance(value, dict) else str(value)
            arguments += [f"--{key}"] if value is True else [f"--{key}", text]
        return run_script(RECIPE / "train_beats.py", arguments)

    return fit


@pytest.fixture(scope="module", params=RUNS)
def trained(request, fit, data, tmp_path_factory):
    hparams, upstream, changed = RUNS[request.param]
    output = tmp_path_factory.mktemp(request.param) / "out"
    brain = fit(hparams, upstream, output, **changed)
    return SimpleNamespace(brain=brain, output=output, data=data)


def test_tracked_beats_are_the_recipes_own(trained):
    tracker = BeatTracker.from_folder(
        trained.output / "inference", run_opts=CPU
    )
    files = test_files(trained.output, trained.data)
    assert len(files) == 10
    assert {path.stem for path in (trained.output / "beats").iterdir()} == set(
        files
    )
    some = 0
    for track, (path, _) in files.items():
        tracked = tracker.track_file(path)
        times, places = read_beats(trained.output / "beats" / f"{track}.beats")
        assert tracked.beats == pytest.approx(times, abs=6e-4)
        assert tracked.positions.tolist() == places.tolist()
        some += len(times)
    kept = {track: (e, r) for track, e, r in trained.brain.outputs}
    assert kept.keys() == files.keys()
    assert some == sum(len(e[0]) for e, _ in kept.values())


def test_results_are_of_all_files_and_of_each(trained):
    results = json.loads((trained.output / "results.json").read_text())
    assert results == trained.brain.results
    with open(trained.output / "predictions.csv", newline="") as file:
        rows = {row["track"]: row for row in csv.DictReader(file)}
    assert len(rows) == 10
    each = [float(row["f_measure"]) for row in rows.values()]
    mean = results["test"]["f_measure_per_file"]
    assert np.mean(each) == pytest.approx(mean)


def test_the_folder_can_be_moved_and_says_what_it_is(trained, tmp_path):
    folder = trained.output / "inference"
    tracker = BeatTracker.from_folder(
        shutil.copytree(folder, tmp_path / "moved"), run_opts=CPU
    )
    assert not any(module.training for module in tracker.mods.modules())
    assert not any(p.requires_grad for p in tracker.parameters())
    mix, head = tracker.mods["mix"], tracker.mods["head"]
    assert mix.weights.tolist() == pytest.approx(
        trained.brain.results["weights_of_states"]
    )
    own = trained.brain.modules.head.state_dict()
    assert all(torch.equal(own[k], v) for k, v in head.state_dict().items())
    decoder = trained.brain.hparams.family.decoder
    assert vars(tracker.hparams.decoder) == vars(decoder)
    card = (folder / "README.md").read_text()
    for name, value in trained.brain.results["test"].items():
        assert f"| test | {name} | {value:.4g} |" in card
    kind = json.loads((folder / "task.json").read_text())["upstream"]["kind"]
    assert f"decoder | kind {tracker.task.decoder['kind']}" in card
    names = {path.name for path in folder.iterdir()}
    assert ("student.safetensors" in names) == (kind == "mert")


def test_fine_tuning_moves_the_student_and_probing_does_not(trained, encoder):
    folder = trained.output / "inference"
    if trained.brain.hparams.upstream.endswith("mel.yaml"):
        return
    before, after = (
        MusicEncoder.from_original(place, run_opts=CPU).student.state_dict()
        for place in (encoder, folder)
    )
    kept = {name for name in before if torch.equal(before[name], after[name])}
    tuned = trained.brain.hparams.upstream.endswith("full.yaml")
    assert kept == ({"mask_embedding"} if tuned else set(before))


def test_a_restart_draws_the_same_crops(fit, tmp_path):
    options = {"layer": 0, "hidden_dim": "null"}
    fit("beat", "mel", tmp_path / "a", number_of_epochs=3, **options)
    for epochs in (2, 3):
        fit("beat", "mel", tmp_path / "b", number_of_epochs=epochs, **options)
    whole, resumed = (
        logged(tmp_path / name, "train", "loss") for name in ("a", "b")
    )
    assert len(set(whole)) == 3
    assert resumed == whole


def test_debug_leaves_nothing(fit, tmp_path):
    fit("beat", "mel", tmp_path, layer=0, debug=True)
    for name in ("inference", "beats", "results.json"):
        assert not (tmp_path / name).exists()


def test_a_probe_of_bands_learns_the_beats(fit, tmp_path):
    options = {"layer": 0, "lr": 0.01, "number_of_epochs": 12}
    brain = fit("beat_shift", "mel", tmp_path, **options)
    assert brain.results["test"]["f_measure"] >= 0.8
    assert brain.results["test"]["tempo_accuracy"] >= 0.8


def test_the_command_writes_beats_and_clicks(trained, tmp_path, capsys):
    folder = trained.output / "inference"
    files = [
        path for path, _ in test_files(trained.output, trained.data).values()
    ]
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no audio")
    out = tmp_path / "out"
    command = ["beats", str(folder), str(files[0]), str(bad), str(files[1])]
    command += ["--device", "cpu", "--output", str(out)]
    assert main([*command, "--click"]) == 1
    printed = capsys.readouterr()
    header, *lines = printed.out.splitlines()
    assert header.split() == ["file", "bpm", "beats", "downbeats"]
    assert len(lines) == 2
    assert f"1 skipped\n  {bad}: unreadable" in printed.err
    tracker = BeatTracker.from_folder(folder, run_opts=CPU)
    for path, line in zip(files, lines, strict=False):
        tracked = tracker.track_file(path)
        name, *cells = line.split()
        assert name == str(path)
        counts = [len(tracked.beats), len(tracked.downbeats)]
        assert cells == [f"{tracked.tempo:.1f}", *map(str, counts)]
        times, places = read_beats(out / f"{path.name}.beats")
        assert times == pytest.approx(tracked.beats, abs=6e-4)
        assert places.tolist() == tracked.positions.tolist()
        clicks = soundfile.info(out / f"{path.name}.clicks.wav")
        song = soundfile.info(path)
        assert (clicks.frames, clicks.samplerate) == (
            song.frames,
            song.samplerate,
        )


def test_the_grid_runs_on_beats_too(data, tmp_path):
    path = DOWNSTREAM / "search.py"
    spec = importlib.util.spec_from_file_location("search", path)
    search = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(search)
    flags = {
        "data_folder": data,
        "annotations_folder": data,
        "upstream": DOWNSTREAM / "upstreams" / "mel.yaml",
        "output_folder": tmp_path,
        "number_of_epochs": 1,
        "batch_size": 5,
        "crop_seconds": 1.0,
        "device": "cpu",
        "prepare": "{n_workers: 1, allow_missing: True}",
        "layers": "0",
        "lrs": "1e-3,1e-2",
        "seeds": "1",
    }
    given = [part for k, v in flags.items() for part in (f"--{k}", str(v))]
    recipe = [RECIPE / "train_beats.py", RECIPE / "hparams" / "beat.yaml"]
    with own_modules(RECIPE):
        search.main([*map(str, recipe), "--noprogressbar", *given])
    report = json.loads((tmp_path / "grid.json").read_text())
    assert (report["monitor"], report["settings"]) == ("f_measure", 2)
