"""Attention within windows: equal to a masked matrix, and linear in time.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mert_sb.student.attention import SelfAttention
from mert_sb.student.windows import block_mask
from tests.utils.students import build, clips, close


def attention(window, global_frames=0):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SelfAttention(
            32, num_heads=4, window=window, global_frames=global_frames
        ).double()


def hidden(n_frames=23, n_clips=2):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(
        n_clips, n_frames, 32, dtype=torch.float64, generator=generator
    )


def reference(module, inputs, allowed):
    """Attention by one matrix of all frames, ``allowed (B, T, T)``."""
    query, key, value = (
        projection(inputs).unflatten(-1, (4, -1)).transpose(1, 2)
        for projection in (module.q_proj, module.k_proj, module.v_proj)
    )
    scores = query @ key.mT / 8**0.5
    scores = scores.masked_fill(~allowed[:, None], -torch.inf)
    mixed = scores.softmax(-1) @ value
    return module.out_proj(mixed.transpose(1, 2).flatten(2))


def allowed(n_frames, window, global_frames, lengths):
    """Who may see whom, said frame by frame."""
    matrix = torch.zeros(len(lengths), n_frames, n_frames, dtype=torch.bool)
    for clip, length in enumerate(lengths):
        for query in range(n_frames):
            for key in range(length):
                near = abs(query - key) <= window
                is_global = query < global_frames or key < global_frames
                matrix[clip, query, key] = near or is_global
    return matrix


@pytest.mark.parametrize("n_frames", [7, 23, 24, 25])
@pytest.mark.parametrize(
    ("window", "global_frames"),
    [(1, 0), (1, 1), (5, 0), (5, 3), (4, 4), (8, 2)],
)
def test_windows_equal_a_masked_matrix(n_frames, window, global_frames):
    module, inputs = attention(window, global_frames), hidden(n_frames)
    matrix = allowed(n_frames, window, global_frames, [n_frames] * 2)
    close(module(inputs), reference(module, inputs, matrix), 1e-12)


@pytest.mark.parametrize("global_frames", [0, 3])
def test_padding_is_not_seen(global_frames):
    lengths = [23, 11, 2]
    module, inputs = attention(4, global_frames), hidden(n_clips=3)
    bias = torch.zeros(3, 1, 1, 23, dtype=torch.float64)
    for clip, length in enumerate(lengths):
        bias[clip, ..., length:] = -torch.inf
    found = module(inputs, bias)
    matrix = allowed(23, 4, global_frames, lengths)
    for clip, length in enumerate(lengths):
        expected = reference(module, inputs, matrix | torch.eye(23).bool())
        close(found[clip, :length], expected[clip, :length], 1e-12)
    assert found.isfinite().all()


def test_no_row_is_empty():
    # Older kernels give NaN for a row that sees nothing.
    valid = torch.arange(23) < torch.tensor([[23], [2]])
    seen = block_mask(valid, 23, window=4)
    assert seen.shape == (2, 6, 4, 12)
    assert seen.any(-1).all()


@pytest.mark.parametrize("window", [23, 400])
@pytest.mark.parametrize("global_frames", [0, 5])
def test_a_window_over_the_whole_clip_is_full_attention(window, global_frames):
    wavs = clips()
    settings = {"attention_window": window, "global_frames": global_frames}
    windowed = build(**settings).eval()
    assert torch.equal(windowed(wavs), build().eval()(wavs))
    # One frame less, and the first and last no longer see each other.
    assert not torch.equal(
        build(attention_window=22).eval()(wavs), build().eval()(wavs)
    )


def reached(student, frame):
    """Frames that a state of the only layer is made of."""
    embedded = student.embed(clips(1))[0].detach().requires_grad_()
    student.encoder(embedded)[-1][0, frame].sum().backward()
    return embedded.grad.abs().amax((0, 2)).nonzero().flatten().tolist()


@pytest.mark.parametrize("global_frames", [0, 1])
def test_a_layer_reaches_as_far_as_its_window(global_frames):
    student = build(
        attention_window=3, global_frames=global_frames, num_layers=1
    ).eval()
    # Its own reach would come on top.
    student.encoder.position.register_forward_hook(
        lambda module, inputs, output: torch.zeros_like(output)
    )
    first = [0] * global_frames
    assert reached(student, 17) == first + list(range(14, 21))
    assert reached(student, 0) == list(range(24 if global_frames else 4))


class Largest(TorchDispatchMode):
    """Within it, the size of the largest tensor made."""

    size = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(found):
            if isinstance(leaf, torch.Tensor):
                self.size = max(self.size, leaf.numel())
        return found


def largest(n_frames, window):
    """Of a forward and backward pass, attention weights held as a matrix."""
    with torch.device("meta"):
        module = SelfAttention(32, num_heads=4, window=window, global_frames=0)
        inputs = torch.zeros(1, n_frames, 32)
    # The kernel that keeps its weights, as the worst case.
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        with Largest() as watch:
            module(inputs).sum().backward()
    return watch.size


def test_memory_grows_with_time_and_not_with_its_square():
    short, long = (largest(n, window=64) for n in (6_400, 25_600))
    assert long == 4 * short
    assert largest(25_600, None) == 16 * largest(6_400, None)
    assert long < largest(25_600, None) / 100


def test_gradients_are_those_of_the_matrix():
    module, inputs = attention(4, 2), hidden().requires_grad_()
    matrix = allowed(23, 4, 2, [23, 23])
    module(inputs).square().sum().backward()
    found, inputs.grad = inputs.grad, None
    reference(module, inputs, matrix).square().sum().backward()
    close(found, inputs.grad, 1e-9)


@pytest.mark.parametrize("lengths", [[1.0, 0.5, 0.01], [0.4, 1.0, 1.0]])
def test_gradients_of_padded_clips_are_finite(lengths):
    student = build(attention_window=4, global_frames=2)
    student(clips(), torch.tensor(lengths)).square().sum().backward()
    for name, parameter in student.named_parameters():
        if name != "mask_embedding":
            assert parameter.grad.isfinite().all(), name


def test_weights_are_dropped_in_training_alone():
    module = attention(4, 2).float()
    module.dropout = 0.5
    inputs = hidden().float()
    assert torch.equal(module.eval()(inputs), module(inputs))
    assert not torch.equal(module.train()(inputs), module(inputs))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attention_window": 0}, "attention_window: 0 frames are fewer"),
        (
            {"attention_window": 3, "global_frames": 4},
            "attention_window: 3 frames are fewer than 1, or than the 4",
        ),
        ({"global_frames": 2}, "global_frames: 2 without attention_window"),
    ],
)
def test_windows_without_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        build(**settings)
