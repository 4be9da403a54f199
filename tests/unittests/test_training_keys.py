"""Keys of training that every YAML has: each does something, and what it says.

Authors
 * The mert_sb developers 2026
"""

import pytest
import speechbrain as sb
import torch
from speechbrain.nnet.schedulers import LinearWarmupScheduler

from mert_sb.pretraining.mixture import Mixture
from tests.utils.originals import tiny_student
from tests.utils.pretraining_brain import (
    QUIET,
    batch,
    build_brain,
    clips,
    losses,
    step,
)

WEIGHTS = {"codes": 1.0, "level": 1.0, "feature_penalty": 1.0}


@pytest.mark.parametrize(
    "setting",
    ["dropout", "attention_dropout", "activation_dropout", "input_dropout"],
)
def test_each_dropout_drops_in_training_alone(setting):
    wavs = torch.randn(2, 5_000, generator=torch.Generator().manual_seed(0))
    plain, dropping = (
        tiny_student(**QUIET),
        tiny_student(**QUIET | {setting: 0.3}),
    )
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        expected = plain.train()(wavs)
        first, second = (dropping.train()(wavs) for _ in range(2))
        quiet = dropping.eval()(wavs)
    assert torch.equal(quiet, expected)
    assert not torch.allclose(first, expected)
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("name", WEIGHTS)
def test_each_loss_has_its_weight(tmp_path, name):
    _, plain = losses(build_brain(tmp_path / "a"), sb.Stage.TRAIN)
    without, more = (
        losses(
            build_brain(tmp_path / kind, loss_weights=WEIGHTS | {name: weight}),
            sb.Stage.TRAIN,
        )[1]
        for kind, weight in (("b", 0.0), ("c", 3.0))
    )
    assert plain - without > 1e-4
    torch.testing.assert_close(more - without, 3 * (plain - without))


def test_clips_are_mixed_in_training_alone(tmp_path):
    mixture = Mixture(probability=1.0, min_length=5_000, max_length=9_000)
    plain, mixing = (
        build_brain(tmp_path / "a"),
        build_brain(tmp_path / "b", mixture=mixture),
    )
    for stage, same in ((sb.Stage.TRAIN, False), (sb.Stage.VALID, True)):
        whole = [losses(brain, stage)[1] for brain in (plain, mixing)]
        assert torch.equal(*whole) == same


@pytest.mark.parametrize("largest", [0.5, 2.0])
def test_gradients_are_clipped_over_all_parameters(tmp_path, largest):
    options = {"max_grad_norm": largest}
    free = step(build_brain(tmp_path / "a"), batch())
    clipped = step(build_brain(tmp_path / "b", run_opts=options), batch())
    assert free.norm() > 2.0
    torch.testing.assert_close(clipped.norm(), torch.tensor(largest))
    torch.testing.assert_close(clipped, free * largest / free.norm())


def test_accumulated_batches_are_one_large_batch(tmp_path):
    # What is no mean over masked frames has no weight.
    weights = WEIGHTS | {"feature_penalty": 0.0}
    parts = clips(0), clips(1)
    accumulating = build_brain(
        tmp_path / "a",
        run_opts={"grad_accumulation_factor": 2},
        loss_weights=weights,
    )
    whole = build_brain(tmp_path / "b", loss_weights=weights)
    moved = step(accumulating, *(batch(part) for part in parts))
    expected = step(whole, batch(*parts))
    assert accumulating.optimizer_step == 1
    torch.testing.assert_close(moved, expected, rtol=1e-3, atol=1e-5)
    alone = step(
        build_brain(tmp_path / "c", loss_weights=weights), batch(parts[0])
    )
    assert not torch.allclose(alone, expected, rtol=1e-3, atol=1e-5)


def test_the_learning_rate_warms_up_and_ends_at_zero(tmp_path):
    schedule = LinearWarmupScheduler(1.0, 2, 4)
    brain = build_brain(tmp_path, lr_schedule=schedule)
    rates = []
    for _ in range(4):
        step(brain, batch())
        rates.append(brain.optimizer.param_groups[0]["lr"])
    assert rates == [0.5, 1.0, 0.5, 0.0]
