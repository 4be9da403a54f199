"""The inference folder of a task: what it refuses and what it gives.

Authors
 * The mert_sb developers 2026
"""

import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

from mert_sb.downstream.probe import ProbeHead, StateMix
from mert_sb.inference import (
    CheckpointError,
    KeyEstimator,
    MusicClassifier,
    MusicTagger,
    open_task,
)
from mert_sb.inference.commands.main import main
from mert_sb.inference.task_export import export_task
from tests.utils import hub_server
from tests.utils.hub_server import Repository
from tests.utils.task_folders import CPU, MEL, RATE, noise, write


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "genre")


def edit(folder, **changed):
    """Change settings; None takes a key out."""
    path = folder / "task.json"
    settings = json.loads(path.read_text()) | changed
    kept = {k: v for k, v in settings.items() if v is not None}
    path.write_text(json.dumps(kept))


@pytest.mark.parametrize(
    "name",
    ["task.json", "probe.safetensors", "hyperparams.yaml"],
)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        open_task(folder)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"family": "genre"}, "family is 'genre', not one of single_label"),
        ({"labels": ["a", "a", "b"]}, "labels .* not a list of different"),
        ({"labels": []}, "labels"),
        ({"labels": ["a", "b"]}, "does not fit.*size mismatch for head.3"),
        ({"layer": 1}, "does not fit.*mix.logits"),
        ({"layer": 9}, "does not fit.*9 is neither"),
        ({"layer": True}, "layer is True, not an index"),
        ({"hidden_dim": None}, "does not fit.*head"),
        ({"hidden_dim": 2**31 - 1}, "does not fit.*size mismatch"),
        ({"sample_rate": 16_000}, "sample_rate is 16000, the student's is"),
        ({"clip_seconds": 0}, "clip_seconds is 0, not a number above 0"),
        ({"min_tail_seconds": 0.6}, "min_tail_seconds is above"),
        ({"aggregation": "median"}, "aggregation is 'median'"),
        ({"states_dtype": "load"}, "states_dtype is 'load'"),
        ({"scale": {"mean": [1.0]}}, "scale.mean has 1 numbers for 3"),
        ({"scale": {"mean": [1.0, 2.0, 3.0]}}, "no scale.std"),
        ({"upstream": {}}, "no upstream.kind"),
        ({"upstream": {"kind": "eval"}}, "upstream.kind is 'eval'"),
        (
            {"upstream": {"kind": "mel_statistics", "n_mels": 10**9}},
            "n_mels is 1000000000, not a whole number of 1 to 4096",
        ),
        (
            {"upstream": {"kind": "mel_statistics", "device": 1}},
            "mel_statistics has no device",
        ),
        ({"colour": "red"}, "nothing is known of colour"),
        ({"results": None}, "there is no results"),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder, changed, reason):
    edit(folder, **changed)
    with pytest.raises(CheckpointError, match=f"(?s){reason}"):
        MusicClassifier.from_folder(folder)


def test_a_damaged_probe_is_refused(folder):
    path = folder / "probe.safetensors"
    tensors = load_file(path)
    tensors["head.4.weight"] = tensors.pop("head.3.weight")
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r"(?s)head\.3\.weight.*head\.4"):
        open_task(folder)
    path.write_bytes(pickle.dumps({"head.0.weight": 1}))
    with pytest.raises(CheckpointError, match="no safetensors file"):
        open_task(folder)


def test_another_familys_class_is_refused(folder):
    with pytest.raises(ValueError, match="open it with MusicClassifier"):
        MusicTagger.from_folder(folder)
    with pytest.raises(ValueError, match="KeyEstimator is for key; open"):
        KeyEstimator.from_folder(folder)
    edit(folder, family="key")
    assert isinstance(MusicClassifier.from_hparams(folder), MusicClassifier)
    assert type(open_task(folder)) is KeyEstimator


def test_nothing_is_random_and_no_dice_are_thrown(folder):
    before = torch.get_rng_state()
    one = open_task(folder, run_opts=CPU)
    assert torch.equal(torch.get_rng_state(), before)
    two = open_task(folder, run_opts=CPU)
    for name, tensor in one.mods.state_dict().items():
        assert torch.equal(tensor, two.mods.state_dict()[name])


def test_a_baseline_leaves_no_student_behind(folder):
    write(folder, **MEL)
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "probe.safetensors",
        "task.json",
    }
    assert open_task(folder).mods["upstream"].dim == 32


def test_states_are_rounded_as_the_cache_rounds_them(tmp_path):
    model = open_task(write(tmp_path / "a", **MEL), run_opts=CPU)
    exact = open_task(
        write(tmp_path / "b", **MEL, states_dtype="float32"), run_opts=CPU
    )
    wavs = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0))
    states = exact.mods["upstream"](wavs)
    rounded = states.half().float()
    assert not torch.equal(rounded, states)
    for other, seen in ((exact, states), (model, rounded)):
        wanted = other.mods["head"](seen[:, 0])
        assert torch.equal(other.outputs_batch(wavs), wanted)


def test_strategies_put_clips_together(tmp_path):
    outputs = torch.tensor([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    wanted = {
        "logits": outputs.mean(0).softmax(0),
        "vote": torch.tensor([1 / 3, 2 / 3, 0.0]),
        "max": torch.tensor([3.0, 1.0, 0.0]).softmax(0),
        "gmean": outputs.log_softmax(1).mean(0).softmax(0),
        "mean": outputs.softmax(1).mean(0),
    }
    for way, probabilities in wanted.items():
        folder = write(tmp_path / way, **MEL, aggregation=way)
        model = MusicClassifier.from_folder(folder, run_opts=CPU)
        torch.testing.assert_close(model.together(outputs), probabilities)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"head": torch.nn.Linear(2, 3)}, "a Linear cannot .* a ProbeHead can"),
        ({"mix": torch.nn.Identity()}, "a Identity cannot .* a StateMix can"),
        ({"head": ProbeHead(2, 4)}, "labels: 3 for 4 outputs"),
    ],
)
def test_modules_of_other_kinds_are_not_exported(changed, reason):
    modules = {"mix": StateMix(1, 0), "head": ProbeHead(2, 3)} | changed
    brain = SimpleNamespace(
        debug=False, checkpointer=SimpleNamespace(recoverables=modules)
    )
    with pytest.raises(ValueError, match=reason):
        export_task(brain, ["a", "b", "c"], Path("GTZAN"))


def test_a_task_loads_from_the_hub(folder, tmp_path, monkeypatch):
    path = noise(tmp_path / "a.wav", 1.3)
    wanted = open_task(folder, run_opts=CPU).predict_file(path)
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    with hub_server.serve() as server:
        server.repositories["me/genre"] = Repository(files)
        hub_server.point_client_at(server, tmp_path / "cache", monkeypatch)
        model = MusicClassifier.from_folder("me/genre", run_opts=CPU)
    assert model.predict_file(path) == wanted


def test_the_command_on_folders_and_what_is_not_there(folder, tmp_path, capsys):
    music = tmp_path / "music"
    music.mkdir()
    paths = [noise(music / name, 1.3) for name in ("a.wav", "b.flac")]
    command = ["predict", str(folder), "--device", "cpu", "--json"]
    assert main([*command, str(music), str(paths[0])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["file"] for line in lines] == [*map(str, paths)]
    assert main([*command, str(music), str(tmp_path / "none.wav")]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert "none.wav: no such file or folder" in printed.err
    assert main(["predict", str(music), str(paths[0])]) == 2
    assert "task.json" in capsys.readouterr().err


def test_a_model_without_numbers_is_no_prediction(folder, tmp_path, capsys):
    path = folder / "probe.safetensors"
    tensors = load_file(path)
    tensors["head.3.bias"].fill_(torch.nan)
    save_file(tensors, path)
    wav = str(noise(tmp_path / "a.wav", 1.0))
    assert main(["predict", str(folder), wav, "--device", "cpu"]) == 1
    assert "the model gives NaN or infinity" in capsys.readouterr().err
