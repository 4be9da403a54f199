"""SubLN and the norms around the projection, against what the papers write.

Authors
 * The mert_sb developers 2026
"""

import math

import pytest
import torch
from torch.nn import functional as F

from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.fairseq import write_fairseq
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.inference.tensors import CheckpointError
from mert_sb.student import MERT
from mert_sb.student.encoder import Encoder
from tests.utils.students import build, clips, close, n_parameters


def normed(hidden, norm):
    return F.layer_norm(hidden, hidden.shape[-1:], norm.weight, norm.bias)


def attended(hidden, attention, n_heads):
    """Softmax attention up to its output projection."""
    heads = [
        projection(hidden).unflatten(-1, (n_heads, -1)).transpose(1, 2)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    ]
    scores = heads[0] @ heads[1].mT / heads[0].shape[-1] ** 0.5
    return (scores.softmax(-1) @ heads[2]).transpose(1, 2).flatten(2)


def test_a_subln_layer_is_as_in_the_paper():
    # arXiv 2210.06423, figure 2: x + W_out LN(f(W_in LN(x))), for both parts.
    student = build(norm="sub").eval()
    states = student(clips(), output_hidden_states=True)
    for layer, before, after in zip(
        student.encoder.layers, states[:-2], states[1:-1], strict=False
    ):
        mixed = attended(
            normed(before, layer.attention_norm), layer.attention, 4
        )
        mixed = normed(mixed, layer.attention.inner_norm)
        hidden = before + layer.attention.out_proj(mixed)
        inner = F.gelu(layer.ffn[0](normed(hidden, layer.ffn_norm)))
        close(after, hidden + layer.ffn[3](normed(inner, layer.ffn[2][1])))
    last = student.encoder.layers[-1](states[-2])
    close(states[-1], normed(last, student.encoder.norm))


def test_inner_dropout_comes_before_the_inner_norm():
    # After it, a dropped unit would stay zero; before it, none is.
    student = build(norm="sub", activation_dropout=0.5).train()
    heard = []
    student.encoder.layers[0].ffn[3].register_forward_pre_hook(
        lambda module, inputs: heard.append(inputs[0])
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student(clips())
    assert (heard[0] != 0).all()


def test_sublns_initial_weights_are_the_papers():
    sizes = {"ffn_dim": 512, "num_heads": 4, "num_layers": 6}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = Encoder(256, norm="sub", **sizes).layers
    gain = math.sqrt(math.log(2 * 6))
    for layer in layers:
        parts = dict(layer.named_modules())
        for name, factor in (
            ("attention.q_proj", 1),
            ("attention.k_proj", 1),
            ("attention.v_proj", gain),
            ("attention.out_proj", gain),
            ("ffn.0", gain),
            ("ffn.3", gain),
        ):
            weight = parts[name].weight
            wanted = factor * math.sqrt(2 / sum(weight.shape))
            assert abs(weight.std() / wanted - 1) < 0.02, name
            # Normal, not uniform: some lie far out.
            assert weight.abs().max() > 3.5 * wanted, name


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_other_norms_have_nothing_inside(norm):
    names = set(build(norm=norm).state_dict())
    inner = {n for n in build(norm="sub").state_dict() if n not in names}
    assert inner == {
        f"encoder.layers.{layer}.{part}.{leaf}"
        for layer in range(3)
        for part in ("attention.inner_norm", "ffn.2.1")
        for leaf in ("weight", "bias")
    }


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"norm": "sub"}, 94_371_712 + 12 * 2 * (768 + 3072)),
        ({"projection_norm": True}, 94_371_712 - 2 * 512),
    ],
)
def test_sizes(settings, count):
    assert n_parameters(**settings) == count


def test_norms_around_the_projection_have_no_parameters():
    student = build(projection_norm=True).eval()
    feats = student.frontend(clips())
    hidden = student.projection(F.layer_norm(feats, (16,)))
    state = student.embed(clips())[0]
    close(state, F.layer_norm(hidden, (32,)))
    close(state.mean(-1), torch.zeros(3, 24))
    assert not list(student.feature_norm.parameters())
    assert not list(student.projection_norm.parameters())
    plain = build().eval().embed(clips())[0]
    assert plain.mean(-1).abs().max() > 0.1


def test_fairseq_files_can_say_that_the_projection_has_norms(tmp_path):
    student = build(projection_norm=True).eval()
    path = write_fairseq(student, tmp_path / "a.pt")
    file = torch.load(path, weights_only=True)
    assert file["cfg"]["model"]["do_cnn_feat_stable_layernorm"] is True
    assert "layer_norm.weight" not in file["model"]
    found = read_checkpoint(path)
    assert found.settings["projection_norm"] is True
    again = MERT(**found.settings).eval()
    again.load_state_dict(dict(found.state))
    assert torch.equal(again(clips()), student(clips()))
    # Files of before the original had the key.
    del file["cfg"]["model"]["do_cnn_feat_stable_layernorm"]
    torch.save(file, path)
    assert read_checkpoint(path).settings["projection_norm"] is False


@pytest.mark.parametrize("norm", ["post", "pre", "deepnorm", "sub"])
def test_each_place_of_the_norms_gives_other_states(norm):
    others = {"post", "pre", "deepnorm", "sub"} - {norm}
    state = build(norm=norm).eval()(clips())
    for other in others:
        assert (build(norm=other).eval()(clips()) - state).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norm": "sub"}, "knows no norm: 'sub', only 'post', 'pre'"),
        ({"projection_norm": True}, "knows no projection_norm: True"),
    ],
)
def test_hugging_faces_layout_refuses_them(tmp_path, settings, message):
    with pytest.raises(CheckpointError, match=message):
        write_huggingface(build(**settings), tmp_path / "a")
    assert not list(tmp_path.iterdir())
