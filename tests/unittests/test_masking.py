"""Masks: as many spans as the rule says, of one length, drawn for each clip alone.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.pretraining import masking
from mert_sb.pretraining.masking import span_mask


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def runs(mask):
    """Lengths of the stretches of hidden frames."""
    text = "".join("x" if hidden else " " for hidden in mask.tolist())
    return [len(run) for run in text.split()]


@pytest.fixture
def starts(monkeypatch):
    """The span starts of the masks drawn, as they are drawn."""
    drawn = []
    randperm = torch.randperm

    def watched(n, **options):
        drawn.append(randperm(n, **options))
        return drawn[-1]

    monkeypatch.setattr(masking.torch, "randperm", watched)
    return drawn


@pytest.mark.parametrize(
    ("n_frames", "probability", "length"),
    [
        (376, 0.8, 5),
        (384, 0.8, 5),
        (249, 0.65, 10),
        (50, 0.5, 1),
        (74, 0.1, 30),
    ],
)
def test_masks_are_the_rules_number_of_spans(
    starts, n_frames, probability, length
):
    exact = probability * n_frames / length
    for seed in range(50):
        mask = span_mask(
            n_frames,
            probability=probability,
            length=length,
            generator=generator(seed),
        )
        chance = torch.rand((), generator=generator(seed)).item()
        n_spans = max(2, int(exact + chance))
        expected = torch.zeros(n_frames, dtype=torch.bool)
        chosen = starts[-1][:n_spans].tolist()
        assert len(set(chosen)) == n_spans
        for start in chosen:
            expected[start : start + length] = True
        assert torch.equal(mask, expected)
        assert mask.dtype == torch.bool and mask.shape == (n_frames,)


def test_spans_are_never_shorter_than_their_length():
    for seed in range(200):
        mask = span_mask(376, length=5, generator=generator(seed))
        assert min(runs(mask)) >= 5


def test_the_papers_setting_hides_about_58_percent():
    masks = [span_mask(376, generator=generator(seed)) for seed in range(500)]
    share = torch.stack(masks).float().mean()
    assert 0.56 < share < 0.585
    # All but the very ends are hidden as often.
    by_frame = torch.stack(masks).float().mean(0)
    assert by_frame[10:-10].min() > 0.45 and by_frame[10:-10].max() < 0.7


def test_at_least_two_spans_are_hidden():
    for seed in range(50):
        mask = span_mask(
            500, probability=0.001, length=5, generator=generator(seed)
        )
        assert 6 <= mask.sum() <= 10


def test_probability_zero_hides_nothing_and_draws_nothing():
    dice = generator()
    mask = span_mask(376, probability=0, generator=dice)
    assert mask.shape == (376,) and not mask.any()
    assert torch.equal(dice.get_state(), generator().get_state())
    assert not span_mask(1, probability=0).any()


@pytest.mark.parametrize(("n_frames", "length"), [(6, 5), (5, 5), (4, 5)])
def test_clips_too_short_for_two_spans_are_refused(n_frames, length):
    with pytest.raises(ValueError, match=f"{length} frames do not fit.*mask_"):
        span_mask(n_frames, probability=0.1, length=length)
    assert span_mask(length + 2, probability=0.1, length=length).sum() == 6


def test_one_generator_is_one_mask_and_another_is_another():
    first, same = (span_mask(376, generator=generator(3)) for _ in range(2))
    assert torch.equal(first, same)
    assert not torch.equal(first, span_mask(376, generator=generator(4)))


def test_global_dice_are_left_alone():
    before = torch.random.get_rng_state()
    span_mask(376, generator=generator())
    assert torch.equal(torch.random.get_rng_state(), before)
