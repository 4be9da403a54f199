"""Hidden states by index: the same numbers, and no layer run in vain.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb import frames
from mert_sb.student import MERT

NORMS = ("post", "pre", "deepnorm")


def build(norm="post"):
    """A student of three layers in eval mode."""
    tiny = {"conv_channels": 16, "embed_dim": 32, "ffn_dim": 64}
    tiny |= {"num_heads": 4, "num_layers": 3, "position_kernel": 8}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MERT(norm=norm, **tiny).eval().requires_grad_(False)


def clips():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, frames.n_samples(12), generator=generator)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    "wanted", [(2,), (3, 0), [-1, -4], range(1, 3), (1, 1)]
)
def test_states_are_chosen_by_index(norm, wanted):
    student = build(norm=norm)
    states = student(clips(), output_hidden_states=True)
    found = student(clips(), output_hidden_states=wanted)
    assert torch.equal(found, states[list(wanted)])


@pytest.mark.parametrize(
    ("wanted", "n_run"), [((0,), 0), ((2, 1), 2), ((-1,), 3)]
)
def test_no_layer_after_the_highest_is_run(wanted, n_run):
    student, run = build(norm="pre"), []
    for index, layer in enumerate(student.encoder.layers):
        layer.register_forward_hook(lambda *_, i=index: run.append(i))
    student(clips(), output_hidden_states=wanted)
    assert run == list(range(n_run))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ((4,), "no state 4: a student of 3 layers has states 0 to 3"),
        ((0, -5), "no state -5"),
        ((), "no index is given"),
    ],
)
def test_states_that_are_not_there_are_named(wanted, message):
    with pytest.raises(ValueError, match=message):
        build()(clips(), output_hidden_states=wanted)
