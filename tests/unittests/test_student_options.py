"""Every kind of student: padded, masked, recomputed, dropped, compiled.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb import frames
from mert_sb.student import MERT
from tests.utils.students import KINDS, STILL, TINY, build, clips, close

EVERY = pytest.mark.parametrize("kind", KINDS)


def student(kind, **settings):
    return build(**KINDS[kind] | settings)


def gradients(model, loss):
    loss.backward()
    return {name: p.grad for name, p in model.named_parameters()}


@EVERY
@pytest.mark.parametrize("normalize_wavs", [False, True])
def test_valid_frames_do_not_depend_on_padding(kind, normalize_wavs):
    model = student(kind, normalize_wavs=normalize_wavs).eval()
    wavs = clips() + 0.3
    lengths = [wavs.shape[1], frames.n_samples(13) + 5, frames.n_samples(6)]
    shares = torch.tensor(lengths) / wavs.shape[1]
    padded = model(wavs, shares, output_hidden_states=True)
    for item, length in enumerate(lengths):
        alone = model(wavs[item : item + 1, :length], output_hidden_states=True)
        close(padded[:, item, : alone.shape[2]], alone[:, 0], 2e-5)


@EVERY
def test_masked_rows_are_the_last_state_at_the_mask(kind):
    model = student(kind).eval()
    states = model(clips(), output_hidden_states=True)
    assert states.shape[0] == 4
    close(states[-1], model(clips()))
    mask = torch.zeros(states.shape[1:3], dtype=torch.bool)
    mask[:, 2:5] = True
    rows = model(clips(), mask=mask)
    hidden = model(clips(), mask=mask, output_hidden_states=True)
    assert torch.equal(rows, hidden[-1][mask])
    assert (rows - states[-1][mask]).abs().max() > 1e-3
    assert torch.equal(model(clips(), output_hidden_states=(1,))[0], states[1])


@EVERY
def test_recomputed_layers_give_the_same_loss_and_gradients(kind):
    found = []
    for checkpoint_layers in (False, True):
        model = student(
            kind,
            dropout=0.2,
            attention_dropout=0.2,
            activation_dropout=0.2,
            checkpoint_layers=checkpoint_layers,
        ).train()
        runs = []
        model.encoder.layers[1].register_forward_pre_hook(
            lambda *_, r=runs: r.append(1)
        )
        with torch.random.fork_rng():
            torch.manual_seed(1)
            loss = model(clips()).square().mean()
            found.append((loss.item(), gradients(model, loss)))
        assert len(runs) == 1 + checkpoint_layers
    assert found[0][0] == found[1][0]
    for name, gradient in found[0][1].items():
        assert gradient is None or torch.equal(gradient, found[1][1][name])


@EVERY
def test_dropped_layers_are_skipped_and_keep_zero_gradients(kind):
    model = student(kind, layerdrop=1.0).train()
    states = model(clips(), output_hidden_states=True)
    assert torch.equal(states[0], states[2])
    found = gradients(model, states.square().sum())
    for name, gradient in found.items():
        if name.startswith("encoder.layers"):
            assert gradient is not None and not gradient.any(), name


@EVERY
def test_a_student_is_one_graph(kind):
    model = student(kind).train()
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    close(compiled(clips()), model(clips()))


def test_what_is_shown_may_be_said_by_another():
    model = build().eval()
    mask = torch.zeros(3, 24, dtype=torch.bool)
    mask[:, 3:9] = True
    seen = []

    def show(hidden, shown_mask, embedding):
        seen.append((hidden, shown_mask, embedding))
        return hidden

    rows = model(clips(), mask=mask, show=show)
    assert torch.equal(rows, model(clips())[mask])
    hidden, shown_mask, embedding = seen[0]
    assert torch.equal(hidden, model.embed(clips())[0])
    assert shown_mask is mask
    assert torch.equal(embedding, model.mask_embedding)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frontend": "mle"}, "frontend: 'mle' is none of conv, mel"),
        ({"layer_type": "lstm"}, "'lstm' is none of transformer, conformer"),
        (
            {"n_mels": 80},
            "n_mels: 80 is of frontend: mel, but frontend is conv",
        ),
        ({"mel_mean": 0.0}, "mel_mean: 0.0 is of frontend: mel"),
        (
            {"frontend": "mel", "conv_channels": 512},
            "conv_channels: 512 is of frontend: conv, but frontend is mel",
        ),
        ({"frontend": "mel", "conv_norm": "group"}, "conv_norm: 'group' is of"),
        ({"frontend": "mel", "conv_bias": False}, "conv_bias: False is of"),
        ({"depthwise_kernel": 31}, "depthwise_kernel: 31 is of layer_type"),
        (
            {"layer_type": "conformer"},
            "norm: 'post' with layer_type: conformer",
        ),
        (
            {"layer_type": "conformer", "norm": "deepnorm"},
            "norm: 'deepnorm' with layer_type",
        ),
        ({"layer_type": "conformer", "norm": "sub"}, "say norm: pre"),
        ({"norm": "deepnorm, pre"}, "is none of post, pre, deepnorm, sub"),
        ({"subsample": 0}, "subsample: 0 is less than 1"),
    ],
)
def test_contradictions_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MERT(**TINY | STILL | settings)


def test_null_stands_for_a_setting_that_is_not_read():
    nothing = {"conv_channels": None, "conv_norm": None, "conv_bias": None}
    model = MERT(**TINY, frontend="mel", **nothing)
    assert model.settings == MERT(**TINY, frontend="mel").settings
    assert model.settings["n_mels"] == 128
    assert MERT(**TINY).settings["conv_channels"] == 512
