"""The benchmark's separation head: its sizes, and Open-Unmix's numbers.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.downstream.probe import StateMix
from mert_sb.downstream.separation.head import MaskHead, StemHeads, StemMixes

# The benchmark's head on a MERT of 95 million parameters.
SHAPES = {
    "shift": (768,),
    "scale": (768,),
    "first.weight": (512, 768),
    "first_norm.weight": (512,),
    "second.weight": (512, 1024),
    "second_norm.weight": (512,),
    "last.weight": (1025, 512),
    "last_norm.weight": (1025,),
    "mask_scale": (1025,),
    "mask_shift": (1025,),
}
OURS_TO_OPEN_UNMIX = {
    "shift": "input_mean",
    "scale": "input_scale",
    "first": "fc1",
    "first_norm": "bn1",
    "second": "fc2",
    "second_norm": "bn2",
    "last": "fc3",
    "last_norm": "bn3",
    "mask_scale": "output_scale",
    "mask_shift": "output_mean",
    "lstm": "lstm",
}


@pytest.mark.parametrize(("both", "width"), [(True, 256), (False, 512)])
def test_sizes_are_the_benchmarks(both, width):
    head = MaskHead(768, bidirectional=both)
    found = {name: tuple(p.shape) for name, p in head.named_parameters()}
    assert {name: found[name] for name in SHAPES} == SHAPES
    assert not {"first.bias", "second.bias", "last.bias"} & found.keys()
    lstm = head.lstm
    assert (lstm.num_layers, lstm.hidden_size) == (3, width)
    assert (lstm.input_size, lstm.dropout) == (512, 0.4)
    assert head(torch.rand(2, 7, 768)).shape == (2, 1025, 7)


def test_it_begins_as_the_benchmarks():
    head = MaskHead(8, n_bins=5)
    assert head.shift.eq(0).all() and head.scale.eq(1).all()
    assert head.mask_shift.eq(1).all() and head.mask_scale.eq(1).all()


def test_masks_are_never_negative_and_may_exceed_one():
    head = MaskHead(8, hidden_dim=16, n_bins=50)
    masks = head(torch.randn(4, 30, 8))
    assert masks.min() == 0 and masks.max() > 1


@pytest.mark.parametrize("both", [True, False])
def test_numbers_are_open_unmixs(both):
    library = pytest.importorskip("openunmix.model")
    other = library.OpenUnmix(
        nb_bins=20, nb_channels=1, hidden_size=16, unidirectional=not both
    )
    ours = MaskHead(20, n_bins=20, hidden_dim=16, bidirectional=both)
    state = other.state_dict()
    ours.load_state_dict(
        {
            name: state[name.replace(first, OURS_TO_OPEN_UNMIX[first], 1)]
            for name in ours.state_dict()
            for first in [name.split(".")[0]]
        }
    )
    frames = torch.rand(3, 11, 20)
    for mode in (True, False):
        for model in (ours, other):
            model.train(mode)
            model.lstm.dropout = 0.0
        # Theirs multiplies its input.
        wanted = other(frames.mT[:, None])[:, 0]
        torch.testing.assert_close(ours(frames) * frames.mT, wanted)


def test_an_odd_width_cannot_be_halved():
    with pytest.raises(ValueError, match="hidden_dim: 7"):
        MaskHead(8, hidden_dim=7)


@pytest.mark.parametrize("layer", ["mix", "mix0", 2])
def test_each_stem_has_a_mix_of_its_own(layer):
    mixes = StemMixes(4, stems=["a", "b", "c"], layer=layer)
    if layer != 2:
        torch.nn.init.normal_(mixes[1].logits)
    states = torch.rand(2, 4, 6, 8)
    mixed = mixes(states)
    for index, mix in enumerate(mixes):
        assert type(mix) is StateMix
        torch.testing.assert_close(mixed[:, index], mix(states))
    assert mixes.weights.shape == (3, 4)
    torch.testing.assert_close(mixes.weights.sum(1), torch.ones(3))
    assert torch.equal(mixed[:, 0], mixed[:, 1]) is (layer == 2)


def test_a_stems_loss_moves_its_own_head_alone():
    heads = StemHeads(8, 2, n_fft=64, hidden_dim=4)
    heads(torch.rand(2, 2, 9, 8))[:, 1].square().sum().backward()
    assert all(p.grad.eq(0).all() for p in heads[0].parameters())
    assert heads[1].lstm.weight_ih_l0.grad.abs().sum() > 0
