"""Losses of beats: padding does not count, near misses do not cost.

Authors
 * The mert_sb developers 2026
"""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from mert_sb.downstream.beats.losses import ShiftTolerant, Widened

LOSSES = [Widened(), ShiftTolerant(tolerance=2)]


def softplus(value):
    return math.log1p(math.exp(value))


def slow_shift_tolerant(logits, positives, tolerance, weight):
    """The loss of one clip and column, a frame at a time."""
    n_frames, total = len(logits), 0
    counted = range(2 * tolerance, n_frames - 2 * tolerance)
    for frame in counted:
        near = logits[max(frame - tolerance, 0) : frame + tolerance + 1]
        distance = min([abs(frame - at) for at in positives], default=n_frames)
        if distance == 0:
            total += weight * softplus(-max(near))
        elif distance > 2 * tolerance:
            total += softplus(max(near))
    return total / max(len(counted), 1)


@pytest.mark.parametrize("tolerance", [0, 1, 3])
@pytest.mark.parametrize("lengths", [(60, 60), (60, 41), (5, 60), (60, 1)])
def test_the_shift_tolerant_loss_is_the_slow_one(tolerance, lengths):
    dice = np.random.default_rng(sum(lengths))
    logits = dice.normal(size=(2, 60, 2))
    targets = np.zeros((2, 60, 2))
    weights = (3.0, 7.0)
    expected = []
    for clip, length in enumerate(lengths):
        each = []
        for column in range(2):
            positives = dice.choice(length, min(length, 3), replace=False)
            targets[clip, positives, column] = 1
            each.append(
                slow_shift_tolerant(
                    logits[clip, :length, column].tolist(),
                    positives,
                    tolerance,
                    weights[column],
                )
            )
        expected.append(sum(each) / 2)
    loss = ShiftTolerant(tolerance=tolerance, positive_weight=weights)
    found = loss(*map(torch.tensor, (logits, targets, lengths)))
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_padding_does_not_count(loss):
    dice = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 80, 2, generator=dice)
    targets = torch.stack([loss.targets([0.4], [0.4], 80, 75)] * 2)
    n_frames = torch.tensor([80, 50])
    found = loss(logits, targets, n_frames)
    alone = loss(logits[1:, :50], targets[1:, :50], n_frames[1:])
    assert found[1].item() == pytest.approx(alone.item())
    logits[1, 50:], targets[1, 50:] = 30.0, 1.0
    torch.testing.assert_close(loss(logits, targets, n_frames), found)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_finite_and_not_in_padding(loss):
    logits = torch.zeros(1, 80, 2, requires_grad=True)
    targets = loss.targets([0.3], [0.3], 80, 75)[None]
    loss(logits, targets, torch.tensor([50])).sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[:, :50].abs().sum() > 0
    assert logits.grad[:, 50:].abs().sum() == 0


def test_the_widened_loss_is_the_mean_of_frames():
    dice = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(2, 3, 40, 2, generator=dice)
    found = Widened()(logits, targets.sigmoid(), torch.full((3,), 40))
    expected = binary_cross_entropy_with_logits(logits, targets.sigmoid())
    assert found.mean().item() == pytest.approx(expected.item())


def test_half_precision_is_computed_in_full():
    logits = torch.full((1, 80, 2), -20.0, dtype=torch.float16)
    for loss in LOSSES:
        targets = loss.targets([0.4], [], 80, 75)[None]
        found = loss(logits, targets.half(), torch.tensor([80]))
        assert found.dtype == torch.float32 and found.item() > 0.1


@pytest.mark.parametrize("shift", [-2, 0, 2])
def test_a_shift_within_the_tolerance_costs_nothing_more(shift):
    loss = ShiftTolerant(tolerance=2)
    targets = loss.targets([40 / 75], [40 / 75], 80, 75)[None]
    logits = torch.full((1, 80, 2), -9.0)
    logits[:, 40 + shift] = 9.0
    assert loss(logits, targets, torch.tensor([80])).item() < 1e-3
    logits = logits.roll(3 if shift >= 0 else -3, dims=1)
    assert loss(logits, targets, torch.tensor([80])).item() > 1e-3


def test_targets_have_a_column_of_beats_and_one_of_downbeats():
    beats, downbeats = [0.1, 0.5], [0.5]
    hard = ShiftTolerant().targets(beats, downbeats, 60, 75)
    assert hard.sum(0).tolist() == [2, 1]
    wide = Widened().targets(beats, downbeats, 60, 75)
    assert wide[:, 0].sum().item() == pytest.approx(2 * (1 + 2 * 1.45))
    assert wide[:, 1].sum().item() == pytest.approx(1 + 2 * 1.7)
