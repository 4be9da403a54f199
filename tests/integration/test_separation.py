"""Separation from audio to stems: the recipe, its numbers, its inference folder.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import shutil
from types import SimpleNamespace

import pytest
import soundfile
import torch
from safetensors.torch import load_file

from mert_sb.audio.channels import read_channels
from mert_sb.downstream.separation.brain import SeparationBrain
from mert_sb.downstream.separation.metrics import global_sdr
from mert_sb.inference import Separator, export_student
from tests.samples.make_musdb18 import STEMS, make_musdb18
from tests.utils.finetune_runs import logged, no_trace
from tests.utils.originals import tiny_student
from tests.utils.task_folders import run_recipe

CPU = {"device": "cpu"}
RATE = 24_000
FLAGS = {
    "layer": "mix",
    "hidden_dim": 16,
    "n_layers": 1,
    "samples_per_song": 4,
    "crop_seconds": 1.0,
    "window_seconds": 2,
    "overlap_seconds": 1,
    "wiener": "null",
    "train_dataloader_opts": {"num_workers": 0},
}


@pytest.fixture(scope="module", autouse=True)
def _process():
    with no_trace():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Songs and an encoder."""
    folder = tmp_path_factory.mktemp("made")
    make_musdb18(folder / "songs", seconds=2.6)
    # Silent, so without SDR; and the mixture is not the sum any more.
    path = folder / "songs" / "test" / "PR - Oh No" / "vocals.wav"
    wav, rate = soundfile.read(path)
    soundfile.write(path, 0 * wav, rate, "FLOAT")
    student = tiny_student(conv_norm="layer", normalize_wavs=True)
    encoder = export_student(student, folder / "encoder")
    return SimpleNamespace(songs=folder / "songs", encoder=encoder)


@pytest.fixture(scope="module")
def run(made):
    def run(output, upstream="mert", **changed):
        flags = FLAGS | {"data_folder": made.songs} | changed
        if upstream.startswith("mert"):
            flags["upstream_overrides"] = {"source": str(made.encoder)}
        return run_recipe(
            "MUSDB18", "separation.yaml", upstream, output, **flags
        )

    return run


@pytest.fixture(scope="module")
def probed(run, tmp_path_factory):
    output = tmp_path_factory.mktemp("probed") / "out"
    return SimpleNamespace(brain=run(output), output=output)


def scores(output):
    """Rows of ``predictions.csv`` by song and stem."""
    with open(output / "predictions.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {(song, stem): numbers for song, stem, *numbers in rows}


def test_the_folder_separates_as_the_recipe_did(probed, made):
    model = Separator.from_folder(probed.output / "inference", run_opts=CPU)
    assert model.task.stems == list(STEMS)
    assert not any(module.training for module in model.mods.modules())
    found = scores(probed.output)
    for song in ("PR - Oh No", "Zeno - Signs"):
        folder = made.songs / "test" / song
        length = json.loads((probed.output / "save" / "test.json").read_text())[
            f"test/{song}"
        ]["length"]
        true = [
            read_channels(folder / f"{stem}.wav", 0, length, RATE)
            for stem in ("mixture", *STEMS)
        ]
        (stems,) = model.separate_batch(true[0][None], share_residual=False)
        for name, wav, estimate in zip(STEMS, true[1:], stems, strict=True):
            if (song, name) == ("PR - Oh No", "vocals"):
                assert found[song, name] == ["silent", "silent"]
                continue
            numbers = [float(number) for number in found[song, name]]
            wanted = [global_sdr(wav, other) for other in (estimate, true[0])]
            assert numbers == pytest.approx(wanted, abs=1e-3)


def test_results_are_means_over_songs_then_stems(probed):
    results = json.loads((probed.output / "results.json").read_text())
    found = scores(probed.output)
    means = []
    for stem in STEMS:
        numbers = [
            float(cells[0])
            for (_, name), cells in found.items()
            if name == stem and cells[0] != "silent"
        ]
        means.append(sum(numbers) / len(numbers))
        assert results["test"][f"sdr_{stem}"] == pytest.approx(
            means[-1], abs=1e-3
        )
    assert results["test"]["sdr"] == pytest.approx(sum(means) / 4, abs=1e-3)
    assert results["test"]["silent_stems"] == 1
    assert results["valid"]["silent_stems"] == 0
    weights = results["weights_of_states"]
    assert list(weights) == list(STEMS)
    assert all(sum(row) == pytest.approx(1) for row in weights.values())
    card = (probed.output / "inference" / "README.md").read_text()
    assert "# MUSDB18: separation into vocals, drums, bass, other" in card
    assert f"| test | sdr | {results['test']['sdr']:.4g} |" in card


def test_a_file_becomes_four_stems_that_add_up(probed, made, tmp_path):
    folder = shutil.copytree(probed.output / "inference", tmp_path / "moved")
    model = Separator.from_folder(folder, run_opts=CPU)
    path = made.songs / "test" / "Zeno - Signs" / "mixture.wav"
    paths = model.separate_file(path, tmp_path / "stems")
    assert list(paths) == list(STEMS)
    mixture, rate = soundfile.read(path, dtype="float32")
    total = 0
    for written in paths.values():
        stem, found = soundfile.read(written, dtype="float32")
        assert (stem.shape, found) == (mixture.shape, rate)
        total = total + stem
    assert abs(total - mixture).max() < 1e-5


def test_the_probe_learns_and_the_student_does_not(probed, made):
    losses = logged(probed.output, "train", "loss")
    assert len(losses) == 2
    before, after = (
        load_file(folder / "student.safetensors")
        for folder in (made.encoder, probed.output / "inference")
    )
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_it_learns_two_stems_of_an_own_collection(run, tmp_path):
    """Low and high tones without a mixture; from the bands they can be told apart."""
    songs = tmp_path / "songs"
    make_musdb18(songs, seconds=1.5)
    for folder in songs.glob("*/*"):
        (folder / "mixture.wav").unlink()
    brain = run(
        tmp_path / "out",
        "mel",
        data_folder=songs,
        stems="[bass, other]",
        mixture="null",
        split="own",
        layer=0,
        hidden_dim=32,
        lr=0.03,
        number_of_epochs=15,
        samples_per_song=8,
        prepare={"n_workers": 1, "valid_share": 0.3},
    )
    test = brain.results["test"]
    for stem in ("bass", "other"):
        assert test[f"sdr_{stem}"] > test[f"mixture_sdr_{stem}"] + 4
    model = Separator.from_folder(tmp_path / "out" / "inference", run_opts=CPU)
    assert model.task.stems == ["bass", "other"]
    card = (tmp_path / "out" / "inference" / "README.md").read_text()
    assert "# songs: separation into bass, other" in card
    assert model.task.upstream["kind"] == "mel_frames"


def test_mixes_change_with_epochs_and_not_with_restarts(run, tmp_path):
    """Two epochs in one go are two epochs with a restart between them."""
    whole = tmp_path / "whole"
    run(whole, "mel", layer=0, number_of_epochs=3)
    parts = tmp_path / "parts"
    for epochs in (1, 3):
        run(parts, "mel", layer=0, number_of_epochs=epochs)
    for kind in ("train", "valid"):
        losses = logged(whole, kind, "loss")
        assert len(set(losses)) == 3
        assert logged(parts, kind, "loss") == losses
    assert scores(parts) == scores(whole)


def test_fine_tuning_moves_the_student(run, made, tmp_path):
    brain = run(
        tmp_path / "out",
        "mert_full",
        number_of_epochs=1,
        samples_per_song=2,
        encoder_lr=1e-3,
    )
    assert "encoder" in brain.checkpointer.recoverables
    before, after = (
        load_file(folder / "student.safetensors")
        for folder in (made.encoder, tmp_path / "out" / "inference")
    )
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert kept == {"mask_embedding"}
    model = Separator.from_folder(tmp_path / "out" / "inference", run_opts=CPU)
    assert model.separate_batch(torch.rand(1, 2, 9_000)).shape[1] == 4


def test_other_stems_do_not_go_on_with_a_checkpoint(run, tmp_path):
    run(tmp_path / "out", "mel", layer=0, number_of_epochs=1)
    with pytest.raises(ValueError, match="made with"):
        run(
            tmp_path / "out",
            "mel",
            layer=0,
            stems="[drums, vocals, bass, other]",
        )


@pytest.mark.parametrize(
    ("changed", "error", "reason"),
    [
        ({"valid_dataloader_opts": {"batch_size": 2}}, ValueError, "must be 1"),
        ({"window_seconds": 2.5}, ValueError, "window_seconds"),
        ({"overlap_seconds": 2}, ValueError, "overlap_seconds"),
        ({"stems": "[vocals, ../drums]"}, ValueError, "a file's name"),
    ],
)
def test_impossible_settings_are_refused(run, tmp_path, changed, error, reason):
    with pytest.raises(error, match=reason):
        run(tmp_path / "out", "mel", **{"layer": 0} | changed)


def test_the_filter_and_bss_eval_are_used_where_asked_for(
    run, tmp_path, monkeypatch
):
    pytest.importorskip("openunmix.filtering")
    seen = []

    def medians(true, estimates, rate):
        seen.append((true.shape, estimates.shape, rate))
        numbers = {"sdr": 1.0, "isr": 2.0, "sir": 3.0, "sar": len(seen)}
        return [numbers, None, numbers, numbers]

    module = "mert_sb.downstream.separation.brain"
    monkeypatch.setattr(f"{module}.bss_library", lambda: None)
    monkeypatch.setattr(f"{module}.bss_medians", medians)
    wiener = {"iterations": 1, "block_frames": 100, "mono": False}
    brain = run(
        tmp_path / "out",
        "mel",
        layer=0,
        number_of_epochs=1,
        samples_per_song=2,
        wiener=wiener,
        museval="True",
    )
    assert isinstance(brain, SeparationBrain)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    bss = results["bss_eval"]
    assert bss["drums"] is None
    assert bss["vocals"] == {"sdr": 1.0, "isr": 2.0, "sir": 3.0, "sar": 1.5}
    # Of the test's two songs alone.
    assert len(seen) == 2 and seen[0][2] == RATE
    assert seen[0][0] == seen[0][1] and seen[0][0][:2] == (4, 2)
    model = Separator.from_folder(tmp_path / "out" / "inference", run_opts=CPU)
    assert model.task.wiener == wiener
