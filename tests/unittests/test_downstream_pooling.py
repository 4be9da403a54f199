"""From hidden states to one vector, and an encoder that stays as it is.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from torch import nn

from mert_sb import frames
from mert_sb.downstream import Frozen, StateMix, mean_over_time
from mert_sb.student import MERT

TINY = {
    "conv_channels": 8,
    "conv_norm": "layer",  # of each frame by itself, so padding does not matter
    "embed_dim": 16,
    "ffn_dim": 32,
    "num_heads": 2,
    "num_layers": 2,
    "position_kernel": 8,
    "position_groups": 4,
}


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_the_mix_begins_as_the_mean_and_is_a_weighted_sum():
    states, mix = random(2, 4, 5, 3), StateMix(4, "mix0")
    torch.testing.assert_close(mix(states), states.mean(1))
    with torch.no_grad():
        mix.logits.copy_(torch.tensor([0.0, 1.0, 2.0, 3.0]).log())
    torch.testing.assert_close(mix.weights, torch.arange(4.0) / 6)
    _, one, two, three = states.unbind(1)
    expected = (one + 2 * two + 3 * three) / 6
    torch.testing.assert_close(mix(states), expected)


def test_the_mix_learns_and_lets_gradients_through():
    states = random(2, 3, 5, 3).requires_grad_()
    mix = StateMix(3, "mix0")
    mix(states).square().sum().backward()
    assert mix.logits.grad.abs().min() > 0
    assert states.grad.abs().min() > 0


def test_the_mix_keeps_half_precision():
    mix = StateMix(3, "mix0")
    assert mix(random(2, 3, 4).bfloat16()).dtype == torch.bfloat16


def test_another_number_of_states_is_refused():
    for layer in ("mix", "mix0", 1):
        with pytest.raises(ValueError, match="3 states for a mix of 4"):
            StateMix(4, layer)(random(2, 3, 4))


def test_the_mean_takes_the_frames_of_each_clip_and_no_others():
    n_frames = 10
    n_samples = frames.n_samples(n_frames)
    counts = [10, 7, 1, 1]
    lengths = [n_samples, frames.n_samples(7) + 319, 400, 40]
    states = random(2, 4, n_frames, 3)
    shares = torch.tensor(lengths) / n_samples
    means = mean_over_time(states, n_samples, shares)
    for row, count in enumerate(counts):
        expected = states[:, row, :count].mean(1)
        torch.testing.assert_close(means[:, row], expected)
    # What is no frame may be anything.
    for row, count in enumerate(counts):
        states[:, row, count:] = torch.nan
    torch.testing.assert_close(mean_over_time(states, n_samples, shares), means)


def test_all_valid_is_the_same_with_and_without_lengths():
    states = random(3, 2, 6, 4)
    n_samples = frames.n_samples(6)
    torch.testing.assert_close(
        mean_over_time(states, n_samples, torch.ones(2)),
        mean_over_time(states, n_samples),
    )


def test_mean_and_mix_may_change_places():
    states, mix = random(2, 3, 6, 4), StateMix(3, "mix0")
    with torch.no_grad():
        mix.logits += random(3)
    lengths = torch.tensor([1.0, 0.6])
    n_samples = frames.n_samples(6)
    first = mean_over_time(mix(states), n_samples, lengths)
    pooled = mean_over_time(states.transpose(0, 1), n_samples, lengths)
    second = mix(pooled.transpose(0, 1))
    torch.testing.assert_close(first, second)


def test_a_padded_clip_pools_to_what_it_pools_to_alone():
    student = MERT(**TINY).eval()
    wavs = random(2, 6_000)
    wavs[1, 3_600:] = 0.0
    lengths = torch.tensor([1.0, 0.6])
    with torch.no_grad():
        together = student(wavs, lengths, output_hidden_states=True)
        alone = student(wavs[1:, :3_600], output_hidden_states=True)
    torch.testing.assert_close(
        mean_over_time(together, 6_000, lengths)[:, 1:],
        mean_over_time(alone, 3_600),
        rtol=1e-4,
        atol=1e-5,
    )


class WithBuffer(nn.Module):
    """Dropout, a batch norm whose buffers move in training, a weight."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)
        )

    def forward(self, feats, *, scale=1.0):
        return self.layers(feats) * scale


def test_what_is_frozen_stays_in_eval_mode_without_gradient():
    inner = WithBuffer().train()
    before = {name: t.clone() for name, t in inner.state_dict().items()}
    frozen = Frozen(inner)
    modules = nn.ModuleDict({"encoder": frozen, "head": nn.Linear(4, 1)})
    assert not any(module.training for module in inner.modules())
    modules.train()
    assert frozen.training and modules["head"].training
    assert not any(module.training for module in inner.modules())
    feats = random(8, 4).requires_grad_()
    output = frozen(feats, scale=2.0)
    assert not output.requires_grad
    assert torch.equal(output, frozen(feats, scale=2.0))
    assert torch.equal(output, 2 * frozen(feats))
    modules["head"](output).sum().backward()
    assert all(p.grad is None for p in inner.parameters())
    assert not any(p.requires_grad for p in inner.parameters())
    for name, tensor in inner.state_dict().items():
        assert torch.equal(tensor, before[name])
    modules.eval()
    assert not frozen.training


def test_freezing_does_not_copy():
    inner = WithBuffer()
    frozen = Frozen(inner)
    with torch.no_grad():
        inner.layers[0].weight.zero_()
        inner.layers[0].bias.zero_()
    assert torch.equal(frozen(random(3, 4)), torch.zeros(3, 4))
