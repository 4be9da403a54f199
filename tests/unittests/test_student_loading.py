"""A front end taken from another student, frozen or not.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from mert_sb.inference import CheckpointError, export_student
from mert_sb.inference.fairseq import write_fairseq
from mert_sb.inference.frontends import load_frontend_from
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.student.loading import load_frontend
from tests.utils.students import build, clips


def fresh(**settings):
    """A student of other weights than ``build`` gives."""
    model = build(**settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 1.5
    return model


def split(model):
    """Tensors of the front end, and the others."""
    state = {k: v.clone() for k, v in model.state_dict().items()}
    front = {k: v for k, v in state.items() if k.startswith("frontend.")}
    return front, {k: v for k, v in state.items() if k not in front}


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


@pytest.mark.parametrize(
    "settings", [{}, {"conv_norm": "group"}, {"frontend": "mel"}]
)
def test_only_the_front_end_is_taken(settings):
    source, target = build(**settings), fresh(**settings)
    _, others = split(target)
    assert load_frontend(target, source.state_dict()) is target
    front, rest = split(target)
    assert_equal(front, split(source)[0])
    assert_equal(rest, others)
    # Copied, not shared.
    with torch.no_grad():
        next(target.frontend.parameters()).zero_()
    assert next(source.frontend.parameters()).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"conv_channels": 8}, r"has shape \(8, 1, 10\), not \(16, 1, 10\)"),
        ({"conv_norm": "group"}, "layers.1.norm.bias is missing"),
        ({"conv_bias": True}, "layers.0.conv.bias is unknown"),
    ],
)
def test_a_front_end_that_does_not_fit_changes_nothing(settings, message):
    target = fresh()
    before = target.state_dict()
    before = {name: tensor.clone() for name, tensor in before.items()}
    with pytest.raises(ValueError, match=message):
        load_frontend(target, build(**settings).state_dict())
    assert_equal(target.state_dict(), before)


@pytest.mark.parametrize("frontend", ["conv", "mel"])
@pytest.mark.parametrize("factor", [0.0, 0.1])
def test_a_front_end_that_was_taken_is_frozen_or_slowed(frontend, factor):
    source = build(frontend=frontend)
    target = fresh(frontend=frontend, feature_grad_mult=factor)
    load_frontend(target, source.state_dict())
    optimizer = torch.optim.SGD(
        [p for p in target.parameters() if p.requires_grad], lr=0.1
    )
    hidden, penalty = target.train()(clips(), output_penalty=True)
    (hidden.square().mean() + penalty).backward()
    optimizer.step()
    found, expected = split(target)[0], split(source)[0]
    same = [torch.equal(found[name], expected[name]) for name in found]
    assert all(same) if factor == 0 else not any(same)
    if factor == 0:
        assert torch.equal(target.frontend(clips()), source.frontend(clips()))


@pytest.mark.parametrize(
    "write", [export_student, write_huggingface, write_fairseq]
)
def test_a_yaml_takes_it_from_any_checkpoint(tmp_path, write):
    sizes = (
        "{conv_channels: 16, conv_norm: layer, embed_dim: 48, num_layers: 0}"
    )
    source = build()
    path = write(source, tmp_path / "a.pt")
    text = f"""
student: !new:mert_sb.student.MERT {sizes}
trained_frontend: !apply:mert_sb.inference.frontends.load_frontend_from
    student: !ref <student>
    source: {path}
"""
    hparams = load_hyperpyyaml(text)
    assert hparams["trained_frontend"] is hparams["student"]
    assert_equal(split(hparams["student"])[0], split(source)[0])


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        ({"frontend": "mel"}, {}, "frontend: conv, the student mel"),
        ({}, {"sample_rate": 16_000}, "sample_rate: 16000, the student 24000"),
        ({}, {"conv_norm": "group"}, "conv_norm: group, the student layer"),
        # Of equal shapes, but of other frames.
        (
            {"frontend": "mel"},
            {"frontend": "mel", "n_fft": 1024},
            "n_fft: 1024, the student 512",
        ),
        (
            {"frontend": "mel"},
            {"frontend": "mel", "mel_mean": 0.0},
            "mel_mean: 0.0, the student -7.7",
        ),
    ],
)
def test_another_kind_of_front_end_is_refused(tmp_path, ours, theirs, message):
    folder = export_student(build(**theirs), tmp_path / "a")
    with pytest.raises(CheckpointError, match=message):
        load_frontend_from(build(**ours), folder)
