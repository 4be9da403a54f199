"""The student: blind to padding and to what is masked, its switches do what they say.

Other people's implementations are compared in ``test_student_reference.py``.

Authors
 * The mert_sb developers 2026
"""

from itertools import pairwise

import pytest
import torch

from mert_sb import frames
from mert_sb.student import MERT

NORMS = ("post", "pre", "deepnorm")
LENGTH = frames.n_samples(12)


def build(**settings):
    """A tiny student, dropout off, none of its numbers a neutral one or zero."""
    tiny = {"conv_channels": 16, "embed_dim": 32, "ffn_dim": 64}
    tiny |= {"num_heads": 4, "num_layers": 3, "position_kernel": 8}
    tiny |= {"position_groups": 4, "dropout": 0.0, "attention_dropout": 0.0}
    tiny |= {"input_dropout": 0.0, "layerdrop": 0.0, "feature_grad_mult": 1.0}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student = MERT(**(tiny | settings))
        with torch.no_grad():
            for parameter in student.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return student


def clips(n=3, length=LENGTH, seed=0):
    """Noise, each clip of another loudness."""
    generator = torch.Generator().manual_seed(seed)
    loudness = 0.5 ** torch.arange(n)[:, None]
    return loudness * torch.randn(n, length, generator=generator)


def gradients(student, loss):
    loss.backward()
    return {name: p.grad for name, p in student.named_parameters()}


def close(found, expected, tolerance=1e-5):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 94_371_712),
        (
            {"embed_dim": 1024, "ffn_dim": 4096, "num_heads": 16}
            | {"num_layers": 24, "norm": "pre"},
            315_428_992,
        ),
    ],
)
def test_sizes_are_the_papers(settings, count):
    with torch.device("meta"):
        student = MERT(**settings)
    assert sum(p.numel() for p in student.parameters()) == count


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("conv_norm", ["group", "layer"])
def test_a_batch_of_equal_crops_equals_its_clips(norm, conv_norm, device):
    student = build(norm=norm, conv_norm=conv_norm).eval().to(device)
    wavs = clips().to(device)
    together = student(wavs)
    assert together.shape == (3, 12, 32)
    for wav, hidden in zip(wavs, together, strict=True):
        close(student(wav[None])[0], hidden)


@pytest.mark.parametrize("normalize_wavs", [False, True])
@pytest.mark.parametrize("norm", NORMS)
def test_valid_frames_do_not_depend_on_padding(norm, normalize_wavs):
    student = build(
        norm=norm, conv_norm="layer", normalize_wavs=normalize_wavs
    ).eval()
    # What lies in the padding is noise: it must be ignored, not be zero.
    wavs = clips() + 0.3
    lengths = [LENGTH, 2_500, 1_111]
    padded = student(
        wavs, torch.tensor(lengths) / LENGTH, output_hidden_states=True
    )
    for item, length in enumerate(lengths):
        alone = student(wavs[item : item + 1, :length], None, None, True)
        close(padded[:, item, : frames.n_frames(length)], alone[:, 0])


def test_shares_that_floats_round_down_cost_no_frame():
    # In single precision 1,680 / 2,320 of 2,320 samples are 1,679.99: 4 frames.
    student = build(conv_norm="layer").eval()
    wavs, shares = clips(2, 2_320), torch.tensor([1.0, 1_680 / 2_320])
    close(student(wavs, shares)[1, :5], student(wavs[1:, :1_680])[0])


def test_group_norm_makes_valid_frames_depend_on_padding():
    # Its mean and variance are taken over the clip's time, padding included: no
    # mask after it can undo that. Hence equal crops and equal chunks.
    student = build(conv_norm="group").eval()
    wavs = clips()[:1]
    wavs[:, 2_500:] = 0
    padded = student(wavs, torch.tensor([2_500 / LENGTH]))
    alone = student(wavs[:, :2_500])
    assert (padded[:, :7] - alone).abs().max() > 1e-3


def test_lengths_of_one_are_no_lengths():
    student = build().eval()
    wavs = clips()
    assert torch.equal(student(wavs, torch.ones(3)), student(wavs))


def test_a_clip_without_a_whole_valid_frame_gives_numbers():
    student = build().eval()
    hidden = student(clips(), torch.tensor([1.0, 0.5, 0.001]))
    assert hidden.isfinite().all()
    # As if its first frame were valid.
    one = student(clips(), torch.tensor([1.0, 0.5, 400 / LENGTH]))
    assert torch.equal(hidden, one)


@pytest.mark.parametrize("norm", NORMS)
def test_masked_rows_are_the_last_state_at_the_mask(norm):
    student = build(norm=norm).eval()
    mask = torch.rand(3, 12, generator=torch.Generator().manual_seed(1)) < 0.5
    rows = student(clips(), mask=mask)
    states = student(clips(), mask=mask, output_hidden_states=True)
    assert states.shape == (4, 3, 12, 32)
    assert torch.equal(rows, states[-1][mask])
    # Hidden frames show the embedding: unmasked input gives other numbers.
    assert (rows - student(clips())[mask]).abs().max() > 1e-3


def test_what_is_masked_cannot_be_seen():
    student = build(conv_norm="layer").eval()
    mask = torch.zeros(1, 12, dtype=torch.bool)
    mask[:, 4:9] = True
    wavs, other = clips(1), clips(1)
    # Samples that no frame but the masked ones sees.
    other[:, 3 * 320 + 400 : 9 * 320] = 5.0
    close(student(other, mask=mask), student(wavs, mask=mask))
    assert not torch.allclose(student(other), student(wavs))


@pytest.mark.parametrize("norm", NORMS)
def test_hidden_states_are_the_layers_inputs_and_the_output(norm):
    student = build(norm=norm).eval()
    states = student(clips(), output_hidden_states=True)
    close(states[-1], student(clips()))
    for index, layer in enumerate(student.encoder.layers[:-1]):
        close(layer(states[index]), states[index + 1])
    last = student.encoder.layers[-1](states[-2])
    close(states[-1], student.encoder.norm(last) if norm == "pre" else last)


def test_deepnorm_scales_residuals_and_first_weights():
    from mert_sb.student.encoder import Encoder

    encoders = []
    for norm in ("post", "deepnorm"):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            sizes = {"ffn_dim": 64, "num_heads": 4, "num_layers": 2}
            encoders.append(Encoder(32, norm=norm, **sizes).layers)
    for plain, deep in zip(*encoders, strict=True):
        assert (plain.residual_scale, deep.residual_scale) == (1, 4**0.25)
        pairs = zip(plain.named_parameters(), deep.parameters(), strict=True)
        for (name, weight), ours in pairs:
            part = name.removesuffix(".weight")
            small = {"attention.v_proj", "attention.out_proj", "ffn.0", "ffn.3"}
            close(ours * (2 if part in small else 1), weight)


def test_layers_dropped_in_training_keep_zero_gradients():
    student = build(layerdrop=1.0).train()
    states = student(clips(), output_hidden_states=True)
    assert torch.equal(states[0], states[-1])
    mask = torch.arange(12).expand(3, 12) % 2 == 0
    found = gradients(student, student(clips(), mask=mask).square().sum())
    for name, gradient in found.items():
        assert gradient is not None, name
        assert gradient.any() != name.startswith("encoder.layers"), name


def test_layers_are_dropped_at_the_given_rate_and_never_in_eval():
    student = build(layerdrop=0.3, num_layers=100)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        states = student.train()(clips(1), output_hidden_states=True)
    kept = [bool((a != b).any()) for a, b in pairwise(states)]
    assert 60 <= sum(kept) <= 80
    plain = build(layerdrop=0.0, num_layers=100).eval()
    assert torch.equal(student.eval()(clips(1)), plain(clips(1)))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_recomputed_layers_give_the_same_loss_and_gradients(dropout):
    found = []
    for checkpoint_layers in (False, True):
        student = build(
            dropout=dropout,
            attention_dropout=dropout,
            activation_dropout=dropout,
            checkpoint_layers=checkpoint_layers,
        ).train()
        runs = []
        layer = student.encoder.layers[1]
        layer.register_forward_pre_hook(lambda *_, r=runs: r.append(1))
        with torch.random.fork_rng():
            torch.manual_seed(1)
            loss = student(clips()).square().mean()
            found.append((loss.item(), gradients(student, loss)))
        assert len(runs) == 1 + checkpoint_layers
    assert found[0][0] == found[1][0]
    for name, gradient in found[0][1].items():
        assert name == "mask_embedding" or torch.equal(
            gradient, found[1][1][name]
        )


def front_gradients(factor):
    student = build(feature_grad_mult=factor).train()
    hidden, penalty = student(clips(), output_penalty=True)
    found = gradients(student, hidden.square().mean() + 10 * penalty)
    front = {k: v for k, v in found.items() if k.startswith("frontend")}
    return front, {k: v for k, v in found.items() if k not in front}


@pytest.mark.parametrize("factor", [0.25, 0.1, 2.0])
def test_the_front_ends_gradient_is_scaled_and_no_other(factor):
    front, others = front_gradients(1.0)
    scaled, same = front_gradients(factor)
    for name, gradient in front.items():
        close(scaled[name], factor * gradient)
    for name in set(others) - {"mask_embedding"}:
        assert torch.equal(same[name], others[name]), name


def test_a_front_end_of_factor_zero_is_frozen():
    front, others = front_gradients(0.0)
    assert all(gradient is None for gradient in front.values())
    assert others["projection.weight"].any()


def test_a_frozen_front_end_asks_for_no_gradient():
    frontend = build(feature_grad_mult=0.0).frontend
    assert not any(p.requires_grad for p in frontend.parameters())


def test_the_penalty_is_the_mean_square_of_the_features():
    student = build().eval()
    _, penalty = student(clips(), output_penalty=True)
    close(penalty, student.frontend(clips()).square().mean())


@pytest.mark.parametrize(("gain", "offset"), [(30.0, 0.0), (1.0, 3.0), (5, -2)])
def test_normalised_clips_hide_gain_and_offset(gain, offset):
    wavs = clips()
    # With biases its layer norms do not hide gains by themselves.
    front = {"conv_norm": "layer", "conv_bias": True}
    normalising = build(normalize_wavs=True, **front).eval()
    close(normalising(gain * wavs + offset), normalising(wavs), 1e-3)
    plain = build(**front).eval()
    assert not torch.allclose(
        plain(gain * wavs + offset), plain(wavs), atol=1e-2
    )


@pytest.mark.parametrize("conv_norm", ["group", "layer"])
def test_clips_shorter_than_a_frame_are_refused(conv_norm):
    student = build(conv_norm=conv_norm).eval()
    assert student(clips(2, 400)).shape == (2, 1, 32)
    with pytest.raises(ValueError, match="399 samples"):
        student(clips(2, 399))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("norm", "pots", "'pots' is none of post, pre, deepnorm"),
        ("conv_norm", "batch", "'batch' is neither"),
        ("num_heads", 5, "32 is no multiple of 5"),
    ],
)
def test_wrong_settings_are_named(setting, value, message):
    with pytest.raises(ValueError, match=message):
        build(**{setting: value})
