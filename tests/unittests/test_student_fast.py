"""The student's faster ways on a CPU give what the plain ways give.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.student import MERT, attention, frontend, layers, products, tiles
from mert_sb.student.attention import scaled_dot_product_attention
from mert_sb.student.dropout import Dropout, drop
from mert_sb.student.frontend import ConvFrontend
from mert_sb.student.layers import PositionalConv
from mert_sb.student.products import Linear
from mert_sb.student.statistics import (
    RunningStatistics,
    WavStatistics,
    clip_statistics,
)

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="there is no oneDNN"
)
STUDENT = {
    "conv_channels": 64,
    "embed_dim": 128,
    "ffn_dim": 512,
    "num_heads": 4,
    "num_layers": 2,
    "position_kernel": 16,
    "position_groups": 4,
}


@pytest.fixture
def plain(monkeypatch):
    """Switches every faster way off, as on another device."""

    def switch():
        monkeypatch.setattr(frontend, "dtype_of_tiles", lambda *given: None)
        monkeypatch.setattr(products, "through_images", lambda feats: False)
        for module in (layers, attention):
            monkeypatch.setattr(module, "channels_last", lambda feats: False)

    return switch


def random_frontend(**settings):
    """A front end whose norms and biases are not those of the start."""
    front = ConvFrontend(channels=64, **settings)
    generator = torch.Generator().manual_seed(3)
    for parameter in front.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter, 1.0, 0.3, generator=generator)
    return front


def noise(*shape, seed=0):
    """Loud noise beside zero."""
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(shape, generator=generator) + 0.05


def outcome(front, wavs, statistics=None):
    """Features and the gradients of a weighing of them."""
    feats = front(wavs, statistics)
    weights = noise(*feats.shape, seed=7)
    gradients = torch.autograd.grad(
        (feats.float() * weights).sum(), list(front.parameters())
    )
    return feats.float(), *gradients


def distance(left, right):
    """Relative, of tensors."""
    return float((left - right).detach().norm() / right.detach().norm())


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("tile", [2**30, 64 * 64 * 5])
def test_tiles_are_the_convolutions(
    plain, monkeypatch, norm, bias, recompute, tile
):
    monkeypatch.setattr(tiles, "TILE", tile)
    front = random_frontend(norm=norm, bias=bias, recompute=recompute)
    wavs = noise(3, 6_123)
    fast = outcome(front, wavs)
    plain()
    slow = outcome(front, wavs)
    names = ["feats"] + [name for name, _ in front.named_parameters()]
    for name, ours, theirs in zip(names, fast, slow, strict=True):
        # A bias before a norm over time has no gradient but rounding.
        if norm == "group" and name == "layers.0.conv.bias":
            continue
        assert distance(ours, theirs) < 2e-5, name


def test_tiles_take_statistics_of_the_recording(plain):
    front, song = random_frontend(), noise(9_000)
    running = RunningStatistics()
    running.update(song)
    statistics = WavStatistics.stack([running.result()] * 2)
    wavs = torch.stack([song[:4_000], song[4_000:8_000]])
    fast = outcome(front, wavs, statistics)
    own = outcome(front, wavs)
    plain()
    slow = outcome(front, wavs, statistics)
    assert distance(fast[0], slow[0]) < 1e-5
    assert distance(own[0], slow[0]) > 1e-3


def test_tiles_in_bf16_are_as_near_as_the_convolutions(plain):
    front, wavs = random_frontend(), noise(2, 8_000)
    exact = front(wavs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fast = outcome(front, wavs)
        feats = front(wavs)
    assert feats.dtype == torch.bfloat16
    plain()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        slow = outcome(front, wavs)
    assert distance(fast[0], exact) < 1.2 * distance(slow[0], exact) + 1e-3
    for ours, theirs in zip(fast[1:], slow[1:], strict=True):
        assert distance(ours.float(), theirs.float()) < 0.05


def test_recomputed_tiles_keep_less(monkeypatch):
    monkeypatch.setattr(tiles, "TILE", 64 * 64 * 5)

    def numbers_kept(recompute):
        kept = {}

        def pack(tensor):
            kept[tensor.data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept):
            feats = random_frontend(recompute=recompute)(noise(1, 40_000))
        # Alive until here, so that no place in memory is taken twice.
        assert feats.requires_grad
        return sum(kept.values())

    assert numbers_kept(True) < numbers_kept(False) / 3


def test_statistics_of_clips_are_those_of_whole_recordings():
    wavs = noise(2, 5_000)
    kernels = noise(8, 10, seed=1)
    for clip, row in zip(wavs, clip_statistics(wavs).mean, strict=True):
        running = RunningStatistics()
        running.update(clip)
        assert row == pytest.approx(float(running.result().mean), rel=1e-5)
    convolved = F.conv1d(wavs[:, None], kernels[:, None], stride=5)
    variance, mean = torch.var_mean(convolved, -1, correction=0)
    ours = clip_statistics(wavs).convolved(kernels)
    torch.testing.assert_close(ours[0], mean, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours[1], variance, rtol=1e-4, atol=1e-6)


def test_a_linear_layer_is_pytorchs(plain, monkeypatch):
    convolved = []
    conv2d = F.conv2d
    monkeypatch.setattr(
        products.F,
        "conv2d",
        lambda *given, **options: (
            convolved.append(1) or conv2d(*given, **options)
        ),
    )
    layer = Linear(256, 512)
    feats = noise(4, 100, 256).requires_grad_()
    fast = layer(feats)
    assert convolved
    given = torch.autograd.grad(
        fast.square().sum(), [feats, *layer.parameters()]
    )
    plain()
    slow = layer(feats)
    wanted = torch.autograd.grad(
        slow.square().sum(), [feats, *layer.parameters()]
    )
    assert len(convolved) == 1
    for ours, theirs in zip((fast, *given), (slow, *wanted), strict=True):
        assert distance(ours, theirs) < 1e-5
    # Neither a batch nor rows: as PyTorch has it.
    assert layer(feats[0, 0]).shape == (512,)


def test_positions_are_pytorchs(plain):
    position = PositionalConv(64, kernel=16, groups=4)
    hidden = noise(2, 50, 64).requires_grad_()
    fast = position(hidden)
    given = torch.autograd.grad(fast.sum(), [hidden, *position.parameters()])
    plain()
    slow = position(hidden)
    wanted = torch.autograd.grad(slow.sum(), [hidden, *position.parameters()])
    for ours, theirs in zip((fast, *given), (slow, *wanted), strict=True):
        assert distance(ours, theirs) < 1e-5


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("block", [1, 7 * 240, 2**25])
@torch.no_grad()
def test_attention_in_steps_is_the_fused_one(monkeypatch, padded, block):
    monkeypatch.setattr(attention, "BLOCK", block)
    query, key, value = noise(3, 2, 4, 30, 16).bfloat16() * 20
    bias = None
    if padded:
        bias = torch.zeros(2, 1, 1, 30).bfloat16()
        bias[1, ..., 20:] = float("-inf")
    ours = scaled_dot_product_attention(query, key, value, bias)
    exact = F.scaled_dot_product_attention(
        *(part.double() for part in (query, key, value)),
        attn_mask=None if bias is None else bias.double(),
    )
    assert distance(ours.double(), exact) < 0.01


def test_attention_drops_weights():
    query, key = noise(2, 2, 4, 200, 16)
    value = torch.eye(200).expand(2, 4, 200, 200)
    generator_state = torch.random.get_rng_state()
    weights = scaled_dot_product_attention(query, key, value, dropout_p=0.25)
    torch.random.set_rng_state(generator_state)
    assert torch.equal(
        weights, scaled_dot_product_attention(query, key, value, dropout_p=0.25)
    )
    assert float((weights == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    kept = scaled_dot_product_attention(query, key, value)
    seen = weights != 0
    torch.testing.assert_close(weights[seen], kept[seen] / 0.75)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9])
def test_dropout(dtype, probability):
    feats = torch.ones(101, 1_003, dtype=dtype, requires_grad=True)
    dropped = drop(feats, probability)
    share = float((dropped == 0).float().mean().detach())
    assert share == pytest.approx(probability, abs=0.01)
    scale = torch.tensor(1 / (1 - probability)).to(dtype)
    left = dropped[dropped != 0].detach()
    torch.testing.assert_close(left, scale.expand_as(left), rtol=5e-3, atol=0)
    dropped.sum().backward()
    torch.testing.assert_close(feats.grad, dropped.detach())
    # Neither rows nor columns share their draws.
    zeros = (dropped == 0).float().detach()
    assert zeros.mean(0).std() < 0.1 and zeros.mean(1).std() < 0.1


def test_dropout_rests_in_evaluation():
    feats = torch.ones(10)
    layer = Dropout(0.5)
    assert layer.eval()(feats) is feats
    assert drop(feats, 1.0).sum() == 0


def learned(steps):
    """Losses of some steps of a small student, everything drawn from a seed."""
    torch.random.manual_seed(0)
    student = MERT(**STUDENT, dropout=0.0, attention_dropout=0.0, layerdrop=0.0)
    head = nn.Linear(128, 16)
    parameters = [*student.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    losses = []
    for step in range(steps):
        wavs = noise(4, 16_000, seed=step)
        target = wavs[:, : 49 * 320].unflatten(1, (49, 320))
        target = target.square().mean(-1, keepdim=True).expand(-1, -1, 16)
        states = student(wavs)
        loss = F.mse_loss(head(states), 100 * target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_fifty_steps_are_those_of_the_plain_ways(plain):
    fast = learned(50)
    plain()
    slow = learned(50)
    assert slow[-1] < 0.9 * slow[0], "nothing was learned"
    assert fast == pytest.approx(slow, rel=2e-2)
    assert fast[:5] == pytest.approx(slow[:5], rel=1e-4)
    assert fast != slow
