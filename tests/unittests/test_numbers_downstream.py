"""Downstream steps over numbers that are none: skipped, named, nothing harmed.

Authors
 * The mert_sb developers 2026
"""

import math

import pytest
import speechbrain as sb
import torch
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.nnet.schedulers import LinearWarmupScheduler
from speechbrain.utils.epoch_loop import EpochCounter
from torch import nn

from mert_sb.checkpoints import CompleteCheckpointer
from mert_sb.downstream.brain import DownstreamBrain
from mert_sb.downstream.separation.head import FrameNorm
from mert_sb.downstream.separation.metrics import global_sdr
from tests.utils.poison import BAD, changed, snapshot, spoiled

WIDTH, N_ITEMS = 4, 8


class Nothing:
    """A pretrainer without files."""

    def collect_files(self):
        """Fetch nothing."""

    def load_collected(self):
        """Load nothing."""


class Fit(DownstreamBrain):
    """Fits two layers to noise."""

    def compute_forward(self, batch, stage):
        return self.modules.head(self.modules.encoder(batch.feats.data))

    def compute_objectives(self, predictions, batch, stage):
        losses = predictions.square().mean(-1)
        self.measure(loss=losses)
        return losses.mean()


class Lines(list):
    """A log in memory."""

    def log_stats(self, meta, **stats):
        """Keep a line."""
        self.append(stats)


@pytest.fixture
def make(tmp_path):
    def make(**run_opts):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            modules = {
                "encoder": nn.Linear(WIDTH, WIDTH),
                "head": nn.Linear(WIDTH, WIDTH),
            }
        counter = EpochCounter(2)
        hparams = {
            "pretrainer": Nothing(),
            "parameter_groups": lambda m: [
                {
                    "params": list(m.parameters()),
                    "lr": 0.1,
                    "initial_lr": 0.1,
                    "name": "all",
                }
            ],
            "lr_schedule": LinearWarmupScheduler(1.0, 0, 10**9),
            "train_logger": Lines(),
            "epoch_counter": counter,
        }
        return Fit(
            modules,
            torch.optim.AdamW,
            hparams,
            sb.RunOptions.from_dictionary(
                {"device": "cpu", "noprogressbar": True, **run_opts}
            ),
            CompleteCheckpointer(tmp_path, {**modules, "counter": counter}),
        )

    return make


def items(scale=1.0, name="clip"):
    """Items of noise with names."""
    generator = torch.Generator().manual_seed(0)
    feats = scale * torch.randn(N_ITEMS, WIDTH, generator=generator)
    return [
        {"id": f"{name}{number}", "feats": row}
        for number, row in enumerate(feats)
    ]


def loader(data, batch_size=2):
    return sb.dataio.dataloader.SaveableDataLoader(
        data, batch_size=batch_size, collate_fn=PaddedBatch
    )


def started(brain):
    """The Brain after a good step, as in the middle of an epoch."""
    brain.on_fit_start()
    step(brain, items()[:2])
    return brain


def step(brain, *parts):
    for part in parts:
        brain.step += 1
        brain.fit_batch(PaddedBatch(part))


def bad_item(value):
    """Two items of which the second is no audio."""
    pair = items()[2:4]
    pair[1]["feats"] = spoiled(pair[1]["feats"], value)
    return pair


def numbers(brain):
    """Of the optimizer and the weights."""
    return snapshot(brain)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_a_bad_item_changes_nothing_and_is_named(make, value, caplog):
    brain = started(make())
    before = numbers(brain)
    step(brain, bad_item(value))
    assert changed(before, numbers(brain)) == []
    assert "Step 2 skipped: the loss is not finite" in caplog.text
    assert "clips: clip2, clip3" in caplog.text
    assert brain.optimizer_step == 2 and brain.skips.in_row == 1
    step(brain, items()[4:6])
    assert changed(before, numbers(brain)) and brain.skips.in_row == 0


def test_a_loss_that_is_none_is_skipped_though_its_gradient_is_one(
    make, monkeypatch, caplog
):
    brain = started(make())
    plain, before = brain.compute_objectives, numbers(brain)
    monkeypatch.setattr(
        brain, "compute_objectives", lambda *all: plain(*all) + math.inf
    )
    step(brain, items()[:2])
    assert changed(before, numbers(brain)) == []
    assert "the loss is not finite; clips: clip0, clip1" in caplog.text


def test_a_gradient_that_is_none_is_skipped(make, caplog):
    brain = started(make())
    before = numbers(brain)
    brain.modules.head.bias.register_hook(lambda grad: spoiled(grad, math.nan))
    step(brain, items()[:2])
    assert changed(before, numbers(brain)) == []
    assert "the gradient is not finite; clips: clip0, clip1" in caplog.text


def test_the_bad_one_of_several_micro_batches_is_named(make, caplog):
    brain = make(grad_accumulation_factor=2)
    brain.on_fit_start()
    step(brain, items()[:2], items()[4:6])
    before = numbers(brain)
    step(brain, bad_item(math.nan), items()[6:])
    assert changed(before, numbers(brain)) == []
    assert "Step 2 skipped: the loss is not finite; clips: clip2, clip3" in (
        caplog.text
    )


def test_too_many_in_a_row_end_with_their_clips(make):
    brain = started(make())
    brain.checkpointer.save_checkpoint()
    before = numbers(brain)
    with pytest.raises(FloatingPointError) as caught:
        for _ in range(10):
            step(brain, bad_item(math.nan))
    assert brain.optimizer_step == 1 + brain.nonfinite_patience + 1
    assert "4 steps in a row" in str(caught.value)
    assert "clips: clip2, clip3" in str(caught.value)
    assert "Lower the learning rates" in str(caught.value)
    assert changed(before, numbers(brain)) == []
    brain.checkpointer.recover_if_possible()
    assert changed(before, numbers(brain)) == []


@pytest.mark.parametrize("scale", [1e28, math.nan])
def test_a_scaled_step_changes_nothing_either(make, monkeypatch, scale):
    brain = started(make())
    brain.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    plain, before = brain.compute_objectives, numbers(brain)
    # The squares of its gradients are beyond float32, they themselves are not.
    with monkeypatch.context() as patch:
        patch.setattr(
            brain, "compute_objectives", lambda *all: plain(*all) * scale
        )
        step(brain, items()[:2])
    assert changed(before, numbers(brain)) == []
    step(brain, items()[4:6])
    assert changed(before, numbers(brain))


def test_a_run_goes_on_past_a_bad_item_and_counts_it(make, caplog):
    brain, data = make(), items()
    data[3]["feats"] = spoiled(data[3]["feats"], math.nan)
    brain.fit(brain.hparams.epoch_counter, loader(data), loader(items()))
    assert caplog.text.count("clips: clip2, clip3") == 2
    for line in brain.hparams.train_logger:
        assert line["train_stats"]["skipped"] == 1
        assert math.isfinite(line["valid_stats"]["loss"])


def test_a_validation_without_a_number_is_never_the_best(make, caplog):
    brain, calls = make(), []
    data = items()
    plain = brain.compute_objectives

    def objectives(predictions, batch, stage):
        loss = plain(predictions, batch, stage)
        if stage == sb.Stage.VALID and brain.hparams.epoch_counter.current == 2:
            calls.append(stage)
            brain.measured["loss"][-1] = brain.measured["loss"][-1] * math.nan
        return loss

    brain.compute_objectives = objectives
    brain.fit(brain.hparams.epoch_counter, loader(data), loader(data))
    assert calls and "loss is not a number" in caplog.text
    best = brain.checkpointer.find_checkpoint(min_key="loss")
    assert best.meta["epoch"] == 1
    newest = brain.checkpointer.find_checkpoint()
    assert newest.meta["loss"] == math.inf


@pytest.mark.parametrize("order", [(1.0, math.nan, 2.0), (math.nan, 1.0, 2.0)])
@pytest.mark.parametrize("kind", ["min_keys", "max_keys"])
def test_the_best_is_kept_whenever_one_is_no_number(tmp_path, order, kind):
    checkpointer = CompleteCheckpointer(tmp_path, {"a": nn.Linear(1, 1)})
    for value in order:
        checkpointer.save_and_keep_only(
            meta={"loss": value}, num_to_keep=1, **{kind: ["loss"]}
        )
    best = {"min_keys": 1.0, "max_keys": 2.0}[kind]
    found = checkpointer.find_checkpoint(**{kind[:3] + "_key": "loss"})
    assert found.meta["loss"] == best


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_a_bad_batch_leaves_nothing_in_a_norm(value):
    norm, twin = FrameNorm(3), FrameNorm(3)
    generator = torch.Generator().manual_seed(0)
    first, last = torch.randn(2, 4, 5, 3, generator=generator).unbind()
    bad = first.clone()
    bad[0, 0, 1] = value
    for each in (norm, twin):
        each(first)
    norm(bad).sum().backward()
    norm(last)
    twin(last)
    assert norm.running_mean.isfinite().all()
    assert norm.running_var.isfinite().all()
    norm.eval()
    twin.eval()
    assert norm(last).isfinite().all()
    if math.isnan(value):
        assert norm.running_mean[1] == twin.running_mean[1]


def test_a_norm_is_still_pytorchs():
    norm, plain = FrameNorm(3), nn.BatchNorm1d(3)
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        frames = torch.randn(4, 5, 3, generator=generator)
        assert torch.equal(norm(frames), plain(frames.mT).mT)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, norm.state_dict()[name])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_estimate_without_numbers_has_no_score(value):
    true = torch.ones(1, 8)
    with pytest.raises(ValueError, match="the model gives NaN"):
        global_sdr(true, spoiled(true, value))
