"""The student against other people's implementations, and how it is built again.

Authors
 * The mert_sb developers 2026
"""

import inspect
import random

import numpy as np
import pytest
import torch
import yaml

from mert_sb.cqt import CQT
from mert_sb.student import MERT
from mert_sb.student.frontend import KERNELS, STRIDES

TINY = {
    "conv_channels": 16,
    "embed_dim": 32,
    "ffn_dim": 64,
    "num_heads": 4,
    "num_layers": 3,
    "position_kernel": 8,
    "position_groups": 4,
}
# torchaudio's name for a part -> ours.
NAMES = (
    ("feature_extractor.conv_layers.", "frontend.layers."),
    ("encoder.feature_projection.layer_norm", "feature_norm"),
    ("encoder.feature_projection.projection", "projection"),
    ("encoder.transformer.pos_conv_embed", "encoder.position"),
    ("encoder.transformer.layer_norm", "encoder.norm"),
    ("encoder.transformer.layers", "encoder.layers"),
    ("feed_forward.intermediate_dense", "ffn.0"),
    ("feed_forward.output_dense", "ffn.3"),
    ("final_layer_norm", "ffn_norm"),
)


def student(**settings):
    """A tiny student in eval mode, every parameter drawn."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MERT(**(TINY | settings)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return model


def clips(n=3, length=9_999):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, length, generator=generator)


def renamed(name):
    """Our name for torchaudio's."""
    for theirs, ours in NAMES:
        name = name.replace(theirs, ours)
    if name.startswith("frontend"):
        return name.replace("layer_norm", "norm")
    if name.startswith("encoder.layers"):
        return name.replace("layer_norm", "attention_norm")
    return name


def torchaudios(ours, norm, conv_norm, conv_bias):
    """wav2vec 2.0 of torchaudio with our student's weights."""
    from torchaudio.models import wav2vec2_model

    shapes = [(16, k, s) for k, s in zip(KERNELS, STRIDES, strict=True)]
    theirs = wav2vec2_model(
        extractor_mode=f"{conv_norm}_norm",
        extractor_conv_layer_config=shapes,
        extractor_conv_bias=conv_bias,
        encoder_embed_dim=32,
        encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=8,
        encoder_pos_conv_groups=4,
        encoder_num_layers=3,
        encoder_num_heads=4,
        encoder_attention_dropout=0.0,
        encoder_ff_interm_features=64,
        encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0,
        encoder_layer_norm_first=norm == "pre",
        encoder_layer_drop=0.0,
        aux_num_out=None,
    ).eval()
    state = ours.state_dict()
    names = {renamed(name): name for name in theirs.state_dict()}
    assert set(names) == set(state) - {"mask_embedding"}
    theirs.load_state_dict({names[name]: state[name] for name in names})
    return theirs


@pytest.mark.parametrize("conv_bias", [False, True])
@pytest.mark.parametrize("conv_norm", ["group", "layer"])
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_all_layers_equal_torchaudios(norm, conv_norm, conv_bias):
    settings = {"norm": norm, "conv_norm": conv_norm, "conv_bias": conv_bias}
    ours = student(**settings)
    theirs = torchaudios(ours, **settings)
    wavs = clips()
    with torch.no_grad():
        states = ours(wavs, output_hidden_states=True)
        layers, _ = theirs.extract_features(wavs)
        last, _ = theirs(wavs)
    if norm == "pre":
        # Ours normalises the last state, as the original does.
        layers[-1] = theirs.encoder.transformer.layer_norm(layers[-1])
    close = {"rtol": 1e-5, "atol": 1e-5}
    torch.testing.assert_close(states[1:], torch.stack(layers), **close)
    torch.testing.assert_close(states[-1], last, **close)


def relaxed_softmax(scores, constant=32):
    """The original's attention relaxation (mert_model.py:1935-1945)."""
    scores = scores / constant
    scores = scores - scores.amax(-1, keepdim=True)
    return (scores * constant).softmax(-1)


@pytest.mark.parametrize("padded", [False, True])
def test_attention_equals_the_originals_relaxed_softmax(padded):
    from mert_sb.student.layers import SelfAttention

    attention = SelfAttention(32, num_heads=4).double()
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(2, 9, 32, dtype=torch.float64, generator=generator)
    bias = torch.zeros(2, 1, 1, 9, dtype=torch.float64)
    if padded:
        bias[1, ..., 5:] = -torch.inf
    heads = [
        projection(10 * hidden).view(2, 9, 4, 8).transpose(1, 2)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    ]
    scores = heads[0] @ heads[1].mT / 8**0.5 + bias
    mixed = (relaxed_softmax(scores) @ heads[2]).transpose(1, 2).flatten(2)
    found = attention(10 * hidden, bias if padded else None)
    torch.testing.assert_close(
        found, attention.out_proj(mixed), rtol=1e-9, atol=1e-9
    )


def test_attention_relaxation_is_accepted_and_changes_nothing():
    wavs = clips()
    relaxed = student(attention_relax=32.0)
    assert torch.equal(relaxed(wavs), student()(wavs))
    assert relaxed.settings["attention_relax"] == 32.0


def test_pitches_join_the_front_ends_features():
    model = student(sample_rate=16_000, feature_extractor_cqt=84)
    joined = []
    model.feature_norm.register_forward_hook(
        lambda module, inputs, output: joined.append(inputs[0])
    )
    assert model(clips()).shape == (3, 30, 32)
    assert torch.equal(joined[0][..., :16], model.frontend(clips()))
    # The original's 84 bins, twelve an octave; frame t lies on sample 320 t.
    pitches = CQT(16_000, n_bins=84, bins_per_octave=12)(clips())
    assert torch.equal(joined[0][..., 16:], pitches[:, :30])


@pytest.mark.parametrize("norm", ["post", "pre", "deepnorm"])
def test_half_precision_gives_nearly_the_same_states(norm):
    model = student(norm=norm)
    exact = model(clips(), output_hidden_states=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = model(clips(), output_hidden_states=True)
        mask = torch.ones(3, 30, dtype=torch.bool)
        assert model(clips(), mask=mask).shape == (90, 32)
    assert (half.float() - exact).norm() < 0.03 * exact.norm()


def test_settings_build_an_equal_student_again():
    chosen = {"norm": "pre", "conv_norm": "layer", "conv_bias": True}
    model = student(**chosen, normalize_wavs=True, layerdrop=0.2)
    names = set(inspect.signature(MERT.__init__).parameters) - {"self"}
    assert set(model.settings) == names
    # As an inference folder keeps them.
    settings = yaml.safe_load(yaml.safe_dump(model.settings))
    assert settings == model.settings
    twin = MERT(**settings).eval()
    twin.load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(twin(clips()), model(clips()))
    assert twin.settings == model.settings


def world():
    """Settings that belong to the whole process."""
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        torch.backends.cudnn.benchmark,
        torch.is_grad_enabled(),
        random.getstate(),
        str(np.random.get_state()),
    )


@pytest.fixture
def strange_world():
    """Settings that nobody else would choose, put right afterwards."""
    before = world()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(before[1] + 2)
    torch.use_deterministic_algorithms(not before[2])
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.benchmark = not before[4]
    yield
    torch.set_default_dtype(before[0])
    torch.set_num_threads(before[1])
    torch.use_deterministic_algorithms(before[2])
    torch.set_float32_matmul_precision(before[3])
    torch.backends.cudnn.benchmark = before[4]


def test_building_a_student_leaves_the_world_alone(strange_world):
    random.random()
    np.random.rand()
    before = world()
    student(feature_extractor_cqt=84, norm="deepnorm")
    assert world() == before


def test_an_untrained_student_depends_on_the_seed_alone():
    assert all(
        torch.equal(parameter, other)
        for parameter, other in zip(
            student().parameters(), student().parameters(), strict=True
        )
    )
