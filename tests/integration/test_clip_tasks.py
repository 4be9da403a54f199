"""A clip-level task from audio to results: cached, live, fine-tuned.

Authors
 * The mert_sb developers 2026
"""

import csv
import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

from mert_sb.downstream import cache, task_brain
from mert_sb.inference import export_student
from mert_sb.store import Shelf
from tests.utils.finetune_runs import logged, no_trace
from tests.utils.originals import tiny_student
from tests.utils.source_tree import ROOT

RECIPE = ROOT / "recipes" / "downstream" / "GTZAN"


@pytest.fixture(scope="module", autouse=True)
def _process():
    with no_trace():
        yield


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    from tests.samples.make_gtzan import make_gtzan

    folder = tmp_path_factory.mktemp("music")
    make_gtzan(folder, seconds=1.0)
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "encoder"
    student = tiny_student(normalize_wavs=True)
    return export_student(student, folder)


@pytest.fixture(scope="module")
def train():
    """The recipe's script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(RECIPE))
        patch.delitem(sys.modules, "train", raising=False)
        yield importlib.import_module("train")
        for name in ("train", "gtzan_prepare"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def fit(train, music, encoder):
    def fit(output, upstream="mert", brain_class=None, **changed):
        flags = {
            "data_folder": music,
            "output_folder": output,
            "upstream": RECIPE.parent / "upstreams" / f"{upstream}.yaml",
            "upstream_overrides": {"source": str(encoder)},
            "layer": "mix",
            "batch_size": 5,
            "number_of_epochs": 3,
            "device": "cpu",
            "prepare": {"n_workers": 1, "allow_missing": True},
            "cache": {"num_workers": 0, "folder": str(output) + "/cache"},
        } | changed
        arguments = [str(RECIPE / "hparams" / "genre.yaml"), "--noprogressbar"]
        for key, value in flags.items():
            text = json.dumps(value) if isinstance(value, dict) else str(value)
            arguments += [f"--{key}"] if value is True else [f"--{key}", text]
        return train.run(
            brain_class or train.ClipBrain,
            train.prepare_gtzan,
            train.dataio_prep,
            arguments,
        )

    return fit


def test_a_probe_learns_and_says_how_well(fit, tmp_path, encoder):
    brain = fit(tmp_path, "mel", upstream_overrides={}, number_of_epochs=20)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results == brain.results
    assert results["test"]["accuracy"] >= 0.9
    best = max(logged(tmp_path, "valid", "accuracy"))
    assert results["valid"]["accuracy"] == pytest.approx(best, abs=1e-4)
    with open(tmp_path / "predictions.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 10
    right = [int(row[1]) == max(range(10), key=lambda i: float(row[i + 2]))
             for row in rows]  # fmt: skip
    assert sum(right) / 10 == pytest.approx(results["test"]["accuracy"])


def test_cached_frozen_and_live_give_one_loss(fit, tmp_path, monkeypatch):
    options = {
        "cache": {
            "num_workers": 0,
            "dtype": "float32",
            "folder": str(tmp_path / "cache"),
        }
    }
    cached = fit(tmp_path / "cached", **options)
    live = tmp_path / "live.yaml"
    text = (RECIPE.parent / "upstreams" / "mert.yaml").read_text()
    live.write_text(
        text.replace("cached: True", "cached: False").replace(
            "upstream: !apply", "mert: !apply"
        )
        + "upstream: !new:mert_sb.downstream.upstreams.FrozenUpstream\n"
        + "    upstream: !ref <mert>\n"
    )
    other = fit(tmp_path / "live", live.with_suffix(""), **options)
    assert "encoder" in other.modules
    assert "encoder" not in cached.modules
    for kind in ("train", "valid"):
        ours = logged(tmp_path / "cached", kind, "loss")
        assert len(ours) == 3
        assert logged(tmp_path / "live", kind, "loss") == pytest.approx(
            ours, rel=1e-3
        )


def test_a_second_run_reads_the_cache_alone(fit, tmp_path, monkeypatch):
    folder = str(tmp_path / "cache")
    options = {"cache": {"num_workers": 0, "folder": folder}}
    first = fit(tmp_path / "a", **options)
    monkeypatch.setattr(cache, "_encode", None)
    assert fit(tmp_path / "b", **options).results == first.results
    fit(tmp_path / "c", **options, layer=1, lr=0.001)
    monkeypatch.undo()
    fit(tmp_path / "d", "mel", upstream_overrides={}, layer=0, **options)
    shelves = {path.name[:4]: Shelf(path) for path in Path(folder).iterdir()}
    assert {name: len(shelf) for name, shelf in shelves.items()} == {
        "mert": 40,
        "mel-": 40,
    }


def test_a_used_folder_takes_no_other_probe(fit, tmp_path):
    fit(tmp_path, layer=1)
    for changed in (
        {"layer": 2},
        {"lr": 0.1},
        {"encoder_lr": 0.1},
        {"seed": 5},
        {"upstream": "random"},
    ):
        options = {"layer": 1} | changed
        with pytest.raises(ValueError, match="give another output_folder"):
            fit(tmp_path, **options)


def test_a_used_folder_takes_no_other_data(fit, music, tmp_path):
    data = tmp_path / "music"
    shutil.copytree(music, data)
    fit(tmp_path / "run", data_folder=data, layer=1)
    (data / "genres" / "pop" / "pop.00000.wav").unlink()
    with pytest.raises(ValueError, match="made with data .* not "):
        fit(tmp_path / "run", data_folder=data, layer=1)


@pytest.mark.parametrize("upstream", ["mert_full", "mert_lora"])
def test_fine_tuning_changes_the_upstream(fit, tmp_path, encoder, upstream):
    brain = fit(tmp_path, upstream, encoder_lr=0.001, number_of_epochs=2)
    before = tiny_student(normalize_wavs=True).state_dict()
    after = {
        name.removeprefix("adapted_model.").removeprefix("encoder."): tensor
        for name, tensor in brain.modules.encoder.state_dict().items()
    }
    query = "encoder.layers.1.attention.q_proj"
    if upstream == "mert_full":
        assert not torch.equal(
            after[f"{query}.weight"], before[f"{query}.weight"]
        )
    else:
        name = f"{query}.pretrained_module.weight"
        assert torch.equal(after[name], before[f"{query}.weight"])
        assert any(".adapter_" in name for name in after)
    names = [group["name"] for group in brain.optimizer.param_groups]
    assert {"mix", "head", "encoder_02"} <= set(names)


def test_training_stops_when_nothing_improves(fit, tmp_path):
    brain = fit(
        tmp_path,
        "mel",
        upstream_overrides={},
        number_of_epochs=60,
        epoch_counter={"patience": 3},
        lr=1e-9,
    )
    accuracies = logged(tmp_path, "valid", "accuracy")
    assert len(accuracies) == 4  # the first, and three that are no better
    assert brain.results["epoch"] <= 4


def test_a_stopped_run_goes_on_to_the_same_result(fit, tmp_path):
    options = {"plateau": {"patience": 0}, "lr": 0.0005}
    whole = fit(tmp_path / "a", number_of_epochs=6, **options)
    for n_epochs in (1, 2, 4, 6):
        parts = fit(tmp_path / "b", number_of_epochs=n_epochs, **options)
    assert parts.results == whole.results
    rates = logged(tmp_path / "a", "train", "lr_head")
    assert logged(tmp_path / "b", "train", "lr_head") == rates
    # Or the schedule had nothing to remember.
    assert rates[-1] < rates[0]


def test_epochs_that_are_not_saved_are_lost_to_a_kill_alone(
    fit, tmp_path, train, monkeypatch
):
    saved = []

    class Scripted(train.ClipBrain):
        deadline = None

        def _after_validation(self, stats, epoch):
            if epoch == self.deadline:
                raise KeyboardInterrupt
            stats["accuracy"] = 0.9 if epoch == 3 else 0.1
            super()._after_validation(stats, epoch)
            newest = self.checkpointer.find_checkpoint()
            saved.append((epoch, newest.meta["epoch"]))

    options = {"number_of_epochs": 7, "plateau": {"patience": 0}}
    whole = fit(tmp_path / "a", brain_class=Scripted, **options)
    # The first is an improvement, the seventh the last.
    newest = [1, 1, 3, 3, 3, 3, 7]
    assert saved == list(enumerate(newest, start=1))
    Scripted.deadline = 6
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "b", brain_class=Scripted, **options)
    Scripted.deadline, saved[:] = None, []
    again = fit(tmp_path / "b", brain_class=Scripted, **options)
    assert [epoch for epoch, _ in saved] == [4, 5, 6, 7]
    assert again.results == whole.results
    monkeypatch.setattr(task_brain, "SAVE_SECONDS", -1.0)
    saved.clear()
    fit(tmp_path / "c", brain_class=Scripted, **options)
    assert saved == [(epoch, epoch) for epoch in range(1, 8)]


@pytest.mark.parametrize("step", [2, 3, 4])
def test_a_notice_in_an_epoch_or_at_its_end_loses_nothing(
    fit, tmp_path, train, step
):
    class Noticed(train.ClipBrain):
        def fit_batch(self, batch):
            if (self.hparams.epoch_counter.current, self.step) == (2, step):
                self.preemption.name = "SIGTERM"
            return super().fit_batch(batch)

    whole = fit(tmp_path / "a")
    with pytest.raises(SystemExit):
        fit(tmp_path / "b", brain_class=Noticed)
    assert fit(tmp_path / "b").results == whole.results
    losses = logged(tmp_path / "a", "train", "loss")
    assert logged(tmp_path / "b", "train", "loss") == losses


def test_the_first_of_the_best_epochs_is_tested(fit, tmp_path, train):
    metrics = iter([0.2, 0.6, 0.6, 0.5, 0.6])

    class Scripted(train.ClipBrain):
        def _gathered(self):
            self.weights_seen = self.modules.head[0].weight.detach().clone()
            return super()._gathered()

        def _after_validation(self, stats, epoch):
            stats["accuracy"] = next(metrics)
            super()._after_validation(stats, epoch)
            self.seen = [*getattr(self, "seen", []), self.weights_seen]

    brain = fit(tmp_path, brain_class=Scripted, number_of_epochs=5)
    assert brain.results["epoch"] == 2
    assert brain.results["valid"]["accuracy"] == 0.6
    assert torch.equal(brain.weights_seen, brain.seen[1])


def test_a_debug_run_replaces_nothing(fit, tmp_path):
    first = fit(tmp_path)
    fit(tmp_path, debug=True)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results == first.results


def test_another_rate_is_refused(fit, tmp_path):
    with pytest.raises(ValueError, match="give --sample_rate 24000"):
        fit(tmp_path, sample_rate=16_000)
