"""The mixture: pieces of neighbours, never of the clip itself, decided by seeds.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.pretraining.mixture import Mixture

SHORT = {"min_length": 10, "max_length": 30}


def marked(n=5, length=200):
    """Clip i holds 100 to the power of i: sums tell who was added how often."""
    powers = 100.0 ** torch.arange(n, dtype=torch.float64)
    return powers[:, None].repeat(1, length)


def times_added(mixed, clean):
    """``(B, B, S)``: how often clip j sounds in clip i, sample by sample."""
    added = (mixed - clean).round().long()
    digits = [added // 100**j % 100 for j in range(len(clean))]
    return torch.stack(digits, dim=1)


def noise(n=6, length=200):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, length, generator=generator)


def test_probability_zero_changes_nothing():
    clean = noise()
    mixed = Mixture(probability=0.0, **SHORT)(clean, range(6))
    assert torch.equal(mixed, noise())


def test_probability_one_changes_every_clip():
    mixture = Mixture(probability=1.0, **SHORT)
    for seed in range(50):
        seeds = range(6 * seed, 6 * seed + 6)
        mixed = mixture(noise(), seeds)
        assert (mixed != noise()).any(1).all()


@pytest.mark.parametrize("probability", [0.2, 0.5, 0.8])
def test_probability_is_that_of_mixing_not_its_inverse(probability):
    mixture = Mixture(probability=probability, **SHORT)
    mixed = mixture(noise(1_000, 40), range(1_000))
    share = (mixed != noise(1_000, 40)).any(1).float().mean()
    assert abs(share - probability) < 0.05


def test_a_clip_is_never_mixed_with_itself_and_all_others_are_used():
    clean = marked()
    mixture = Mixture(probability=1.0, max_excerpts=3, **SHORT)
    seen = torch.zeros(5, 5)
    for seed in range(100):
        mixed = mixture(clean, range(5 * seed, 5 * seed + 5))
        seen += times_added(mixed, clean).any(-1)
    assert not seen.diagonal().any()
    assert (seen + 100 * torch.eye(5) > 10).all()


@pytest.mark.parametrize("bounds", [(1, 1), (1, 3), (2, 4), (5, 5)])
def test_excerpts_are_as_many_and_as_long_as_asked_for(bounds):
    clean = marked(2)
    mixture = Mixture(
        probability=1.0,
        min_excerpts=bounds[0],
        max_excerpts=bounds[1],
        min_length=7,
        max_length=7,
    )
    counts = set()
    for seed in range(60):
        mixed = mixture(clean, [2 * seed, 2 * seed + 1])
        samples = times_added(mixed, clean).sum((1, 2))
        assert (samples % 7 == 0).all()
        counts |= set((samples // 7).tolist())
    assert counts == set(range(bounds[0], bounds[1] + 1))


def test_excerpt_lengths_fill_their_range():
    clean = marked(2)
    one = {"min_excerpts": 1, "max_excerpts": 1}
    mixture = Mixture(probability=1.0, min_length=5, max_length=9, **one)
    lengths = set()
    for seed in range(60):
        mixed = mixture(clean, [2 * seed, 2 * seed + 1])
        lengths |= set(times_added(mixed, clean).sum((1, 2)).tolist())
    assert lengths == {5, 6, 7, 8, 9}


@pytest.mark.parametrize("gain", [1.0, 0.25, -2.0])
def test_what_is_added_is_a_scaled_piece_of_the_neighbour(gain):
    # Each sample says where it is from.
    ramp = torch.arange(1.0, 201)
    clean = torch.stack([torch.zeros(200), ramp]).double()
    one = {"min_excerpts": 1, "max_excerpts": 1, "gain": gain}
    mixture = Mixture(probability=1.0, **SHORT, **one)
    places = set()
    for seed in range(30):
        added = mixture(clean, [seed, 0])[0]
        at = added.nonzero().flatten()
        piece = added[at] / gain
        assert torch.equal(at, torch.arange(at[0], at[-1] + 1))
        assert (piece.diff() == 1).all()
        places.add((int(at[0]), int(piece[0])))
    # Start, source and the way from one to the other are all drawn.
    assert len({start for start, _ in places}) > 15
    assert len({source for _, source in places}) > 15
    assert len({source - start for start, source in places}) > 15


def test_added_energy_is_bounded_by_the_excerpts():
    clean = noise(8, 400)
    mixture = Mixture(probability=1.0, max_excerpts=3, gain=0.5, **SHORT)
    for seed in range(30):
        added = mixture(clean, range(8 * seed, 8 * seed + 8)) - clean
        assert ((added.abs() > 1e-6).sum(1) <= 3 * 30).all()
        assert (added.abs() <= 3 * 0.5 * clean.abs().max() + 1e-5).all()


def test_the_clean_clips_are_not_touched():
    clean = noise()
    mixed = Mixture(probability=1.0, **SHORT)(clean, range(6))
    assert torch.equal(clean, noise())
    assert mixed.data_ptr() != clean.data_ptr()


def test_each_clips_seed_decides_for_it_alone():
    mixture = Mixture(probability=0.5, **SHORT)
    seeds = list(range(100, 106))
    first = mixture(noise(), seeds)
    assert torch.equal(mixture(noise(), torch.tensor(seeds)), first)
    seeds[2] += 50
    other = mixture(noise(), seeds)
    changed = (other != first).any(1)
    assert not changed[[0, 1, 3, 4, 5]].any()
    seeds = [seed + 1_000 for seed in seeds]
    assert not torch.equal(mixture(noise(), seeds), first)


def test_global_dice_are_left_alone():
    before = torch.random.get_rng_state()
    Mixture(probability=0.5, **SHORT)(noise(), range(6))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_clip_alone_has_nobody_to_be_mixed_with():
    clean = noise(1)
    assert torch.equal(Mixture(probability=1.0, **SHORT)(clean, [0]), clean)


def test_excerpts_may_be_whole_clips_and_no_longer():
    whole = Mixture(probability=1.0, min_length=200, max_length=200)
    assert (whole(noise(), range(6)) != noise()).all()
    longer = Mixture(probability=1.0, min_length=10, max_length=201)
    with pytest.raises(ValueError, match="max_length 201.*200 samples"):
        longer(noise(), range(6))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probability": -0.1}, "-0.1 is not in"),
        ({"probability": 1.5}, "1.5 is not in"),
        ({"min_excerpts": 0}, "min_excerpts"),
        ({"min_excerpts": 4, "max_excerpts": 3}, "min_excerpts"),
        ({"min_length": 0}, "min_length"),
        ({"min_length": 9, "max_length": 8}, "min_length"),
    ],
)
def test_settings_without_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Mixture(**settings)
