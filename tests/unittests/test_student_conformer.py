"""The conformer layer against the paper, written out.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from torch.nn import functional as F

from mert_sb.student.conformer import ConformerLayer, ConvolutionModule
from tests.utils.students import CONFORMER, build, clips, close, n_parameters


def normed(hidden, norm):
    return F.layer_norm(hidden, hidden.shape[-1:], norm.weight, norm.bias)


def half(hidden, network):
    """The macaron's half."""
    inner = F.silu(network[1](normed(hidden, network[0])))
    return hidden + 0.5 * network[4](inner)


def convolved(hidden, module):
    """The convolution module, frame by frame and tap by tap."""
    value, gate = module.gate[0](normed(hidden, module.norm)).chunk(2, -1)
    gated = value * gate.sigmoid()
    kernel = module.depthwise.weight[:, 0]
    reach = kernel.shape[1] // 2
    mixed = torch.zeros_like(gated)
    for frame in range(hidden.shape[1]):
        for tap in range(kernel.shape[1]):
            source = frame + tap - reach
            if 0 <= source < hidden.shape[1]:
                mixed[:, frame] += kernel[:, tap] * gated[:, source]
    return module.output[2](F.silu(normed(mixed, module.output[0])))


def test_a_layer_is_as_in_the_paper():
    student = build(**CONFORMER).eval()
    states = student(clips(), output_hidden_states=True)
    for layer, before, after in zip(
        student.encoder.layers, states[:-2], states[1:-1], strict=False
    ):
        hidden = half(before, layer.first_half)
        hidden = hidden + layer.attention(normed(hidden, layer.attention_norm))
        hidden = hidden + convolved(hidden, layer.convolution)
        close(after, normed(half(hidden, layer.second_half), layer.norm))
    last = student.encoder.layers[-1](states[-2])
    close(states[-1], normed(last, student.encoder.norm))


def test_the_convolution_reaches_as_far_as_its_kernel():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = ConvolutionModule(8, kernel=5)
    hidden = torch.randn(1, 20, 8, generator=torch.Generator().manual_seed(0))
    changed = hidden.clone()
    changed[:, 10] += torch.arange(8.0)
    moved = (module(changed) - module(hidden)).abs().amax((0, 2)) > 0
    assert moved.nonzero().flatten().tolist() == [8, 9, 10, 11, 12]


@pytest.mark.parametrize("n_clips", [1, 3])
def test_a_clips_states_do_not_depend_on_the_batch_in_training_either(n_clips):
    # Batch norm would mix them.
    student = build(**CONFORMER).train()
    together = student(clips())
    close(student(clips()[:n_clips]), together[:n_clips])


def test_the_kernel_and_the_parts_change_the_states():
    base = build(**CONFORMER).eval()(clips())
    wide = build(**CONFORMER | {"depthwise_kernel": 7}).eval()(clips())
    plain = build(norm="pre").eval()(clips())
    assert (wide - base).abs().max() > 1e-2
    assert (plain - base).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("part", "setting"),
    [
        ("attention", "attention_dropout"),
        ("first_half", "activation_dropout"),
        ("convolution", "dropout"),
    ],
)
def test_each_dropout_is_in_its_place(part, setting):
    layers = [
        ConformerLayer(
            8, ffn_dim=16, num_heads=2, depthwise_kernel=3, **{setting: rate}
        )
        for rate in (0.0, 0.5)
    ]
    layers[1].load_state_dict(layers[0].state_dict())
    hidden = torch.rand(2, 6, 8)
    if setting == "dropout":
        parts = layers
    else:
        parts = [getattr(layer, part) for layer in layers]
    assert torch.equal(parts[0](hidden), parts[1].eval()(hidden))
    assert not torch.equal(parts[0](hidden), parts[1].train()(hidden))


def test_the_size_of_a_95m_of_conformer_layers():
    # 6.5 million more a layer: a second network, and the convolution.
    dim, inner = 768, 3072
    network = 2 * dim * inner + dim + inner + 2 * dim
    convolution = 3 * dim**2 + 31 * dim + 4 * dim
    more = network + convolution + 2 * dim
    found = n_parameters(norm="pre", layer_type="conformer")
    assert found == 94_371_712 + 12 * more == 172_633_984


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="depthwise_kernel: 6 is even"):
        build(**CONFORMER | {"depthwise_kernel": 6})
