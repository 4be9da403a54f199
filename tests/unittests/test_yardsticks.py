"""Trivial guesses: vectorised ones equal loops, and their means are of all frames.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.pretraining import yardsticks
from mert_sb.pretraining.yardsticks import Yardsticks, skill, skills

SHARES = [0.0, 0.1, 0.5, 0.9, 1.0]


def drawn(share, seed=0, n=6, n_frames=23):
    """Features, codes, and a mask that hides this share of the frames."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, n_frames, 4, generator=generator)
    codes = torch.randint(5, (n, n_frames, 3), generator=generator)
    mask = torch.rand(n, n_frames, generator=generator) < share
    return features, codes, mask


def visible(row):
    return [t for t, hidden in enumerate(row.tolist()) if not hidden]


def neighbours(row, frame):
    """The visible frames before and after, by looking at all of them."""
    seen = visible(row)
    before = max((t for t in seen if t <= frame), default=None)
    after = min((t for t in seen if t >= frame), default=None)
    if before is None and after is None:
        return -1, -1
    return (
        after if before is None else before,
        before if after is None else after,
    )


def looped(guess, targets, mask):
    """Guesses of the masked frames, one by one."""
    rows = [
        guess(clip, row, frame)
        for clip, row in zip(targets, mask, strict=True)
        for frame in row.nonzero().flatten().tolist()
    ]
    return torch.stack(rows) if rows else targets[mask]


def guess_nearest(clip, row, frame):
    order = sorted(visible(row), key=lambda t: (abs(t - frame), t))
    return clip[order[0] if order else 0]


def guess_interpolate(clip, row, frame):
    before, after = neighbours(row, frame)
    if before < 0:
        return torch.zeros(clip.shape[1])
    if before == after:
        return clip[before]
    share = (frame - before) / (after - before)
    return (1 - share) * clip[before] + share * clip[after]


def guess_clip_mean(clip, row, frame):
    del frame
    return clip[~row].mean(0) if len(visible(row)) else 0 * clip[0]


@pytest.mark.parametrize("share", SHARES)
def test_neighbours_are_the_visible_frames_about(share):
    for seed in range(10):
        _, _, mask = drawn(share, seed)
        before, after = yardsticks.visible_neighbours(mask)
        for item, row in enumerate(mask):
            expected = [neighbours(row, t) for t in range(len(row))]
            found = zip(
                before[item].tolist(), after[item].tolist(), strict=True
            )
            assert list(found) == expected


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", ["nearest", "interpolate", "clip_mean"])
def test_guesses_equal_loops(name, share):
    vectorised, guess = getattr(yardsticks, name), globals()[f"guess_{name}"]
    for seed in range(5):
        features, _, mask = drawn(share, seed)
        found = vectorised(features, mask)
        assert found.shape == (int(mask.sum()), 4)
        torch.testing.assert_close(found, looped(guess, features, mask))


@pytest.mark.parametrize("share", SHARES)
def test_nearest_codes_equal_loops(share):
    _, codes, mask = drawn(share)
    found = yardsticks.nearest(codes, mask)
    assert torch.equal(found, looped(guess_nearest, codes, mask))


def test_guesses_see_no_hidden_frame():
    features, _, mask = drawn(0.5)
    mask[0] = False
    mask[0, 5:9] = True
    other = torch.where(mask[..., None], 1e6, features)
    for guess in ("nearest", "interpolate", "clip_mean"):
        guess = getattr(yardsticks, guess)
        assert torch.equal(guess(other, mask), guess(features, mask))


def test_a_clip_all_hidden_spoils_no_other():
    features, _, mask = drawn(0.5)
    for name, zero in (("interpolate", 0), ("clip_mean", 0), ("nearest", None)):
        guess = getattr(yardsticks, name)
        hidden = mask.clone()
        hidden[2] = True
        rows = guess(features, hidden)
        which = torch.arange(6)[:, None].expand_as(mask)[hidden]
        assert rows.isfinite().all()
        kept = which != 2
        expected = guess(features, mask)[
            torch.arange(6)[:, None].expand_as(mask)[mask] != 2
        ]
        assert torch.equal(rows[kept], expected)
        first = features[2, 0].expand(23, -1) if zero is None else zero
        assert (rows[~kept] == first).all()


def test_readings_of_codes_by_hand():
    meter = Yardsticks()
    codes = torch.tensor([[[0, 4], [0, 3], [1, 3], [0, 3]]])
    mask = torch.tensor([[False, True, True, True]])
    meter.add("codec", codes, mask, n_codes=5)
    # Commonest: 0 twice of three, 3 three times of three. Nearest says 0, 4.
    read = meter.read()
    assert read.pop("codec_commonest") == pytest.approx(5 / 6)
    assert read.pop("codec_nearest") == pytest.approx(2 / 6)
    assert not read


def test_readings_of_features_by_hand():
    meter = Yardsticks()
    features = torch.tensor([[[0.0], [1.0], [4.0], [9.0]]])
    mask = torch.tensor([[False, True, True, False]])
    meter.add("cqt", features, mask)
    # Interpolated 3 and 6, nearest 0 and 9, mean 4.5 and 4.5.
    assert meter.read() == {
        "cqt_interpolate": (2**2 + 2**2) / 2,
        "cqt_nearest": (1 + 25) / 2,
        "cqt_clip_mean": (3.5**2 + 0.5**2) / 2,
    }


def test_readings_are_means_over_all_frames_of_all_batches():
    whole, parts = Yardsticks(), Yardsticks()
    features, codes, mask = drawn(0.5)
    mask[3:] &= drawn(0.3, seed=1)[2][3:]
    for meter, batches in (
        (whole, [slice(None)]),
        (parts, [slice(3), slice(3, 6)]),
    ):
        for batch in batches:
            meter.add("codec", codes[batch], mask[batch], n_codes=5)
            meter.add("cqt", features[batch], mask[batch])
    assert parts.read() == pytest.approx(whole.read())
    hidden = codes[mask]
    commonest = [column.bincount().max().item() for column in hidden.T]
    expected = sum(commonest) / hidden.numel()
    assert whole.read()["codec_commonest"] == pytest.approx(expected)
    errors = yardsticks.nearest(features, mask) - features[mask]
    assert whole.read()["cqt_nearest"] == pytest.approx(
        errors.square().mean().item()
    )


def test_nothing_hidden_reads_zero_and_nothing_added_reads_nothing():
    assert Yardsticks().read() == {}
    meter = Yardsticks()
    features, codes, mask = drawn(0.0)
    meter.add("codec", codes, mask, n_codes=5)
    meter.add("cqt", features, mask)
    assert set(meter.read().values()) == {0.0}


def test_names_that_begin_alike_are_kept_apart():
    both, alone = Yardsticks(), Yardsticks()
    features, _, mask = drawn(0.5)
    both.add("cqt", features, drawn(0.9, seed=1)[2])
    both.add("cqt_log", features, mask)
    alone.add("cqt_log", features, mask)
    read = both.read()
    for name, value in alone.read().items():
        assert read[name] == pytest.approx(value)


@pytest.mark.parametrize(
    ("value", "guess", "hits", "expected"),
    [
        (0.0, 0.2, False, 1.0),
        (0.2, 0.2, False, 0.0),
        (0.6, 0.2, False, -2.0),
        (1.0, 0.2, True, 1.0),
        (0.2, 0.2, True, 0.0),
        (0.0, 0.2, True, -0.25),
        (0.5, 0.0, False, None),
        (0.5, 1.0, True, None),
    ],
)
def test_skill_is_one_without_a_fault_and_zero_as_the_guess(
    value, guess, hits, expected
):
    found = skill(value, guess, hits=hits)
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("strongest", ["interpolate", "nearest", "clip_mean"])
def test_features_stand_beside_the_guess_that_errs_least(strongest):
    stats = dict.fromkeys(("a_interpolate", "a_nearest", "a_clip_mean"), 0.8)
    stats |= {f"a_{strongest}": 0.4, "a_loss": 0.1, "loss": 3.0}
    assert skills(stats) == {"a_skill": pytest.approx(0.75)}


@pytest.mark.parametrize("strongest", ["commonest", "nearest"])
def test_codes_stand_beside_the_guess_that_hits_most(strongest):
    stats = {"a_commonest": 0.1, "a_nearest": 0.1, f"a_{strongest}": 0.6}
    stats |= {"a_accuracy": 0.7, "a_accuracy_0": 0.9, "a_loss": 5.0}
    assert skills(stats) == {"a_skill": pytest.approx(0.25)}


def test_every_teacher_has_a_skill_of_its_own_unless_a_guess_is_perfect():
    stats = {"a_b_accuracy": 0.5, "a_b_commonest": 0.0, "a_b_nearest": 0.0}
    for name, least in (("a", 2.0), ("c", 0.0)):
        guesses = ("interpolate", "nearest", "clip_mean")
        stats |= {f"{name}_{guess}": 2.0 for guess in guesses}
        stats |= {f"{name}_interpolate": least, f"{name}_loss": 1.0}
    assert skills(stats) == {"a_b_skill": 0.5, "a_skill": 0.5}
