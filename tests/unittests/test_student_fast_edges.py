"""Where the student's faster ways must step aside, or keep what the plain ones keep.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.student import MERT, frontend
from mert_sb.student.attention import scaled_dot_product_attention
from mert_sb.student.frontend import ConvFrontend
from mert_sb.student.layers import PositionalConv
from mert_sb.student.products import Linear
from mert_sb.student.tiles import StridedConv

NORMS = pytest.mark.parametrize("norm", ["group", "layer"])


def noise(*shape, seed=0):
    """Noise of a tenth."""
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(shape, generator=generator)


def plainly(front, wavs):
    """Features by the convolutions as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frontend, "dtype_of_tiles", lambda *given: None)
        return front(wavs)


def small(**settings):
    """A student of two layers."""
    sizes = {"conv_channels": 8, "embed_dim": 64, "ffn_dim": 64, "num_heads": 2}
    sizes |= {"num_layers": 2, "position_kernel": 8, "position_groups": 4}
    return MERT(**{**sizes, **settings}).eval()


def test_a_waveform_has_its_gradient():
    front, wavs = ConvFrontend(channels=8), noise(2, 4_000).requires_grad_()
    weights = noise(2, 12, 8)
    (ours,) = torch.autograd.grad((front(wavs) * weights).sum(), wavs)
    (theirs,) = torch.autograd.grad(
        (plainly(front, wavs) * weights).sum(), wavs
    )
    torch.testing.assert_close(ours, theirs)


@NORMS
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_clip_that_is_not_finite_spoils_no_other(norm, value):
    front, wavs = ConvFrontend(channels=8, norm=norm), noise(3, 4_000)
    alone = front(wavs)
    wavs[1, 100] = float(value)
    feats = front(wavs)
    torch.testing.assert_close(feats[::2], alone[::2])
    assert not feats[1].isfinite().all()


def test_an_export_is_for_every_size():
    student = small()
    # No range: torch 2.7 cannot prove one for a norm over time.
    shapes = dict.fromkeys((0, 1), torch.export.Dim.DYNAMIC)
    exported = torch.export.export(
        student, (noise(2, 3_200),), dynamic_shapes=(shapes,), strict=False
    ).module()
    for wavs in (noise(2, 3_200), noise(4, 160_000)):
        torch.testing.assert_close(
            exported(wavs), student(wavs), rtol=1e-3, atol=1e-4
        )


@NORMS
def test_a_trace_is_for_every_length(norm):
    front = ConvFrontend(channels=8, norm=norm)
    traced = torch.jit.trace(front, noise(2, 8_000))
    wavs = noise(3, 16_000)
    torch.testing.assert_close(traced(wavs), plainly(front, wavs))


class Louder(nn.Module):
    """An adapter in the place of a layer."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, feats):
        """Twice what the layer gives."""
        return 2 * self.layer(feats)


def test_adapters_are_heard():
    front, wavs = ConvFrontend(channels=8), noise(2, 4_000)
    before = front(wavs)
    front.layers[6]["conv"] = Louder(front.layers[6]["conv"])
    after = front(wavs)
    torch.testing.assert_close(after, plainly(front, wavs))
    assert not torch.allclose(after, before)
    position, hidden = PositionalConv(16, kernel=4, groups=2), noise(2, 9, 16)
    before = position(hidden)
    position.conv = Louder(position.conv)
    assert not torch.allclose(position(hidden), before)


def test_hooks_are_called():
    seen = []
    student = small()
    for module in student.modules():
        if isinstance(module, nn.Conv1d):
            module.register_forward_hook(lambda *given: seen.append(1))
    student(noise(1, 4_000))
    assert len(seen) == 8


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("loudness", [0.0, 1e-3])
def test_an_offset_costs_no_digits(dtype, loudness):
    front = ConvFrontend(channels=64)
    nn.init.normal_(front.layers[0]["norm"].bias)
    wavs = 0.1 + loudness * 10 * noise(1, 8_000)
    exact = plainly(front.double(), wavs.double())
    front = front.float()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype != torch.float32):
        ours = front(wavs).double()
    bound = 1e-4 if dtype == torch.float32 else 0.03
    assert (ours - exact).norm() < bound * exact.norm()


def test_what_keys_have_in_common_is_not_rounded():
    query, key, value = 10 * noise(3, 2, 4, 300, 64)
    common = 10 * noise(64, seed=1)
    query, key = query + common, key + 2 * common
    parts = [part.bfloat16() for part in (query, key, value)]
    exact = F.scaled_dot_product_attention(*(part.double() for part in parts))
    ours = scaled_dot_product_attention(*parts).double()
    assert (ours - exact).norm() < 0.015 * exact.norm()


def test_no_clips_have_no_features():
    assert ConvFrontend(channels=8)(torch.zeros(0, 4_000)).shape == (0, 12, 8)


def test_precisions_are_not_mixed():
    wavs = noise(1, 4_000)
    with pytest.raises(RuntimeError):
        ConvFrontend(channels=8)(wavs.bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        feats = ConvFrontend(channels=8).double()(wavs.double())
    assert feats.dtype == torch.float64


def test_second_derivatives_of_a_strided_convolution():
    feats = noise(9, 3).double().requires_grad_()
    weight = noise(4, 3, 3, seed=1).double().requires_grad_()
    bias = noise(4, seed=2).double().requires_grad_()
    given = (feats, weight, bias, 2)
    assert torch.autograd.gradcheck(StridedConv.apply, given)
    assert torch.autograd.gradgradcheck(StridedConv.apply, given)


@NORMS
def test_functional_gradients(norm):
    front, wavs = ConvFrontend(channels=8, norm=norm), noise(2, 4_000)
    parameters = dict(front.named_parameters())

    def loss(parameters):
        feats = torch.func.functional_call(front, parameters, (wavs,))
        return feats.square().sum()

    gradients = torch.func.grad(loss)(parameters)
    for name, gradient in zip(
        parameters,
        torch.autograd.grad(loss(parameters), list(parameters.values())),
        strict=True,
    ):
        torch.testing.assert_close(gradients[name], gradient)


@pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="there is no oneDNN"
)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_linear_layer_is_onednns_with_any_number_of_threads(threads):
    layer, feats = Linear(256, 512), noise(4, 100, 256).requires_grad_()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.profiler.profile() as profile:
            layer(feats).sum().backward()
    finally:
        torch.set_num_threads(before)
    names = {event.name for event in profile.events()}
    assert "aten::mkldnn_convolution" in names
    assert not [name for name in names if "slow_conv" in name]
