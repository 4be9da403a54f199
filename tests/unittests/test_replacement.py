"""Hiding: what stands at masked frames, and which channels are zero.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.pretraining.hiding import Hiding, show
from tests.utils.originals import tiny_student

B, T, D = 3, 50, 16


def masked(share=0.6):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(B, T, generator=generator) < share


def inputs():
    """Features that tell clip and frame, and a mask embedding."""
    clips, frames = torch.arange(B) + 1, torch.arange(T)
    hidden = (100.0 * clips[:, None] + frames)[..., None].expand(-1, -1, D)
    return hidden.clone(), torch.full((D,), -1.0)


def shown(mask, seeds=(5, 6, 7), **settings):
    """What the first channel shows, ``(B, T)``."""
    hidden, embedding = inputs()
    function = Hiding(dim=D, **settings)(mask, list(seeds))
    return function(hidden, mask, embedding)


def by_hand(hidden, mask, embedding, source, channels):
    result = hidden.clone()
    for clip in range(B):
        for frame in range(T):
            if mask[clip, frame]:
                taken = divmod(source[clip, frame].item(), T)
                known = source[clip, frame] >= 0
                result[clip, frame] = hidden[taken] if known else embedding
            result[clip, frame, channels[clip]] = 0
    return result


def test_all_off_needs_no_help():
    assert Hiding(dim=D)(masked(), [0, 1, 2]) is None


def test_shown_frames_and_channels_equal_a_loop():
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(B, T, D, generator=generator)
    embedding = torch.randn(D, generator=generator)
    source = torch.randint(-1, B * T, (B, T), generator=generator)
    channels = torch.rand(B, D, generator=generator) < 0.3
    given = hidden.clone()
    found = show(given, masked(), embedding, source=source, channels=channels)
    expected = by_hand(hidden, masked(), embedding, source, channels)
    assert torch.equal(found, expected)
    assert torch.equal(given, hidden)


def test_kept_frames_are_themselves():
    hidden, _ = inputs()
    assert torch.equal(shown(masked(), keep=1.0), hidden)


def test_frames_are_replaced_from_their_own_clip():
    mask, (hidden, _) = masked(), inputs()
    found = shown(mask, replace=1.0)[..., 0]
    assert torch.equal(found[~mask], hidden[..., 0][~mask])
    assert (found[mask] != hidden[..., 0][mask]).all()
    clips = torch.arange(1, B + 1)[:, None].expand(-1, T)
    assert torch.equal((found // 100)[mask], clips[mask].float())
    # From near and far, masked frames among them.
    others = (found - 100 * clips)[mask]
    assert others.unique().numel() > T // 2


def test_frames_are_replaced_from_the_whole_batch():
    mask, (hidden, _) = masked(), inputs()
    found = shown(mask, replace=1.0, replace_from="batch")[..., 0]
    assert torch.equal(found[~mask], hidden[..., 0][~mask])
    assert (found[mask] != hidden[..., 0][mask]).all()
    for clip in range(B):
        sources = (found[clip] // 100)[mask[clip]].unique()
        assert sources.tolist() == [1, 2, 3]


def test_shares_are_as_asked():
    mask = torch.ones(B, 10_000, dtype=torch.bool)
    hiding = Hiding(dim=D, keep=0.2, replace=0.3)
    source = hiding(mask, [0, 1, 2]).keywords["source"]
    own = torch.arange(B * 10_000).view(B, -1)
    kept = (source == own).float().mean()
    embedded = (source == -1).float().mean()
    assert abs(kept - 0.2) < 0.01 and abs(embedded - 0.5) < 0.01


def drawn(seeds, **settings):
    """Sources and channels, ``(B, T)`` and ``(B, D)``."""
    keywords = Hiding(dim=D, **settings)(masked(), seeds).keywords
    return keywords["source"], keywords["channels"]


ALL = {"keep": 0.1, "replace": 0.4, "channel_probability": 0.5}
ALL |= {"channel_length": 2}


def test_draws_are_by_clip_and_by_seed():
    first, channels = drawn([1, 2, 3], **ALL)
    again, same = drawn([1, 2, 3], **ALL)
    assert torch.equal(first, again) and torch.equal(channels, same)
    # The last clip elsewhere in another batch.
    moved, zeros = drawn([3, 9, 8], **ALL)
    expected = torch.where(first[2] < 0, -1, first[2] - 2 * T)
    assert torch.equal(moved[0], expected)
    assert torch.equal(zeros[0], channels[2])
    other, _ = drawn([4, 2, 3], **ALL)
    assert not torch.equal(other[0], first[0])
    assert torch.equal(other[1:], first[1:])


def test_global_dice_are_left_alone():
    before = torch.random.get_rng_state()
    drawn([1, 2, 3], **ALL)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_channels_are_zero_in_all_frames_in_spans():
    mask, (hidden, embedding) = masked(), inputs()
    settings = {"channel_probability": 0.5, "channel_length": 4}
    function = Hiding(dim=D, **settings)(mask, [0, 1, 2])
    found = function(hidden, mask, embedding)
    zeros = found == 0
    assert torch.equal(zeros, zeros[:, :1].expand_as(zeros))
    # int(0.5 16 / 4 + u) spans of 4 that may overlap.
    counts = zeros[:, 0].sum(1)
    assert (counts >= 4).all() and (counts <= 8).all()
    plain = torch.where(mask.unsqueeze(-1), embedding, hidden)
    assert torch.equal(found, plain.masked_fill(zeros, 0))


def test_few_channels_may_be_none():
    settings = {"channel_probability": 0.01, "channel_length": 4}
    counts = []
    for seed in range(0, 90, 3):
        function = Hiding(dim=D, **settings)(masked(), range(seed, seed + 3))
        counts += function.keywords["channels"].sum(1).tolist()
    assert set(counts) == {0, 4}


def test_gradients_reach_the_frames_that_are_shown():
    hidden, embedding = inputs()
    hidden.requires_grad_()
    embedding.requires_grad_()
    mask = masked()
    function = Hiding(dim=D, replace=0.5)(mask, [0, 1, 2])
    function(hidden, mask, embedding).sum().backward()
    source = function.keywords["source"]
    uses = torch.bincount(source[mask & (source >= 0)], minlength=B * T)
    expected = uses.view(B, T) + (~mask).long()
    assert torch.equal(hidden.grad[..., 0], expected.float())
    assert embedding.grad[0] == (mask & (source < 0)).sum()


def test_half_precision_stays_half():
    hidden, embedding = (tensor.bfloat16() for tensor in inputs())
    function = Hiding(dim=D, replace=0.5)(masked(), [0, 1, 2])
    assert function(hidden, masked(), embedding).dtype == torch.bfloat16


def test_every_clip_needs_a_seed():
    with pytest.raises(ValueError):
        Hiding(dim=D, keep=0.5)(masked(), [0, 1])


def test_a_student_is_shown_it():
    student = tiny_student()
    wavs = torch.randn(B, 10_000, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(B, 31, dtype=torch.bool)
    mask[:, 5:15] = True
    states = {}
    for name, settings in {
        "kept": {"keep": 1.0},
        "replaced": {"replace": 1.0},
        "from batch": {"replace": 1.0, "replace_from": "batch"},
        "channels": {"channel_probability": 0.5},
        "off": {},
    }.items():
        function = Hiding(dim=32, **settings)(mask, [0, 1, 2])
        with torch.no_grad():
            states[name] = student(wavs, mask=mask, show=function)
    with torch.no_grad():
        plain, unmasked = student(wavs, mask=mask), student(wavs)[mask]
    assert torch.equal(states["off"], plain)
    torch.testing.assert_close(states["kept"], unmasked)
    seen = [plain, *(states[n] for n in ("replaced", "from batch", "channels"))]
    for index, one in enumerate(seen):
        for other in seen[index + 1 :]:
            assert not torch.allclose(one, other)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"keep": 0.7, "replace": 0.4}, "together at most 1"),
        ({"keep": -0.1}, "shares"),
        ({"replace": -0.1}, "shares"),
        ({"replace": 0.1, "replace_from": "song"}, "replace_from 'song'"),
        ({"replace_from": "batch"}, "no effect at replace 0"),
        ({"channel_length": 5}, "no effect at channel_probability 0"),
        ({"channel_probability": 0.5, "channel_length": 16}, "do not fit"),
    ],
)
def test_impossible_and_idle_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Hiding(dim=D, **settings)
