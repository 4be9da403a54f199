"""The originals' checkpoints: every tensor named, nothing in a pickle run.

Authors
 * The mert_sb developers 2026
"""

import datetime
import json
import os
import pickle
import subprocess

import pytest
import torch

from mert_sb.inference.convert import (
    fairseq_heads,
    read_fairseq,
    read_huggingface,
)
from mert_sb.inference.names import FAIRSEQ, HUGGINGFACE, rename
from mert_sb.student import MERT

POSITION = "encoder.position.conv.parametrizations.weight.original"
CONFIG = {
    "extractor_mode": "default",
    "conv_bias": False,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 64,
    "encoder_attention_heads": 4,
    "encoder_layers": 2,
    "layer_norm_first": False,
    "deepnorm": False,
    "conv_pos": 8,
    "conv_pos_groups": 4,
    "dropout": 0.1,
    "attention_dropout": 0.1,
    "activation_dropout": 0.0,
    "dropout_input": 0.1,
    "encoder_layerdrop": 0.05,
    "feature_grad_mult": 0.1,
    "attention_relax": -1.0,
    "feature_extractor_cqt": False,
    "feature_extractor_cqt_bins": 84,
}
TASK = {"sample_rate": 24_000, "normalize": False}
# Ours -> fairseq's.
FAIRSEQ_NAMES = (
    ("mask_embedding", "mask_emb"),
    ("frontend.layers.0.norm", "feature_extractor.conv_layers.0.2"),
    ("frontend.layers", "feature_extractor.conv_layers"),
    (".conv.weight", ".0.weight"),
    ("feature_norm", "layer_norm"),
    ("projection", "post_extract_proj"),
    ("encoder.norm", "encoder.layer_norm"),
    ("encoder.position.conv", "encoder.pos_conv.0"),
    ("attention_norm", "self_attn_layer_norm"),
    (".attention.", ".self_attn."),
    ("ffn_norm", "final_layer_norm"),
    ("ffn.0", "fc1"),
    ("ffn.3", "fc2"),
)
NEW = "parametrizations.weight.original"


def student():
    """The student of ``CONFIG``."""
    sizes = {"embed_dim": 32, "ffn_dim": 64, "num_heads": 4, "num_layers": 2}
    position = {"position_kernel": 8, "position_groups": 4}
    return MERT(conv_channels=16, **sizes, **position)


def fairseq_tensors(state, new_spelling=False):
    """A state dictionary under fairseq's names, with heads."""
    tensors = {}
    for name, tensor in state.items():
        for ours, theirs in FAIRSEQ_NAMES:
            name = name.replace(ours, theirs)
        if not new_spelling:
            name = name.replace(f"{NEW}0", "weight_g")
            name = name.replace(f"{NEW}1", "weight_v")
        tensors[name] = tensor
    heads = {"final_proj.weight": torch.rand(8, 32)}
    heads |= {"final_proj.bias": torch.rand(8)}
    heads |= {"label_embs_concat": torch.rand(2 * 14, 4)}
    heads |= {"encoder_cqt_model.fc.weight": torch.rand(84, 32)}
    heads |= {"encoder_cqt_model.fc.bias": torch.rand(84)}
    return tensors | heads


def fairseq_file(path, tensors, **more):
    checkpoint = {"cfg": {"model": CONFIG, "task": TASK}, "model": tensors}
    torch.save(checkpoint | more, path)
    return path


def assert_same_state(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("new_spelling", [False, True])
def test_a_fairseq_file_becomes_its_student(tmp_path, new_spelling):
    original = student()
    tensors = fairseq_tensors(original.state_dict(), new_spelling)
    path = fairseq_file(tmp_path / "a.pt", tensors)
    settings, state, theirs = read_fairseq(path)
    assert_same_state(state, original.state_dict())
    assert_same_state(theirs, tensors)
    twin = MERT(**settings)
    twin.load_state_dict(state, strict=True)
    wavs = torch.randn(2, 2_000)
    assert torch.equal(twin.eval()(wavs), original.eval()(wavs))


def test_both_spellings_of_weight_norm_are_equal_weights():
    for table, prefix in (
        (FAIRSEQ, "encoder.pos_conv.0."),
        (HUGGINGFACE, "encoder.pos_conv_embed.conv."),
    ):
        gain, direction = torch.rand(1, 1, 8), torch.rand(32, 8, 8)
        old = {"weight_g": gain, "weight_v": direction}
        new = {f"{NEW}0": gain, f"{NEW}1": direction}
        for spelling in (old, new):
            found = rename({prefix + k: v for k, v in spelling.items()}, table)
            assert set(found) == {f"{POSITION}0", f"{POSITION}1"}
            assert torch.equal(found[f"{POSITION}0"], gain)
            assert torch.equal(found[f"{POSITION}1"], direction)


@pytest.mark.parametrize("table", [FAIRSEQ, HUGGINGFACE])
@pytest.mark.parametrize(
    "name",
    [
        "encoder.layers.0.attention.extra.weight",
        "encoder.layers.0.fc3.weight",
        "x.encoder.layer_norm.weight",
        "encoder.layer_norm.weights",
        "quantizer.vars",
    ],
)
def test_an_unknown_tensor_is_refused_by_name(table, name):
    with pytest.raises(KeyError, match=name):
        rename({name: torch.zeros(1)}, table)


def test_weights_are_read_in_single_precision():
    found = rename({"mask_emb": torch.rand(3).half()}, FAIRSEQ)
    assert found["mask_embedding"].dtype == torch.float32


@pytest.mark.parametrize(
    ("changes", "task", "setting", "value"),
    [
        ({"extractor_mode": "layer_norm"}, {}, "conv_norm", "layer"),
        ({"layer_norm_first": True}, {}, "norm", "pre"),
        ({"deepnorm": True}, {}, "norm", "deepnorm"),
        ({"layer_norm_first": True, "deepnorm": True}, {}, "norm", "pre"),
        ({"feature_extractor_cqt": True}, {}, "feature_extractor_cqt", 84),
        ({"attention_relax": 32.0}, {}, "attention_relax", 32.0),
        ({}, {"sample_rate": 16_000}, "sample_rate", 16_000),
        ({}, {"normalize": True}, "normalize_wavs", True),
    ],
)
def test_settings_follow_the_configuration(
    tmp_path, changes, task, setting, value
):
    tensors = fairseq_tensors(student().state_dict())
    plain, _, _ = read_fairseq(fairseq_file(tmp_path / "a.pt", tensors))
    cfg = {"model": CONFIG | changes, "task": TASK | task}
    path = fairseq_file(tmp_path / "b.pt", tensors, cfg=cfg)
    assert read_fairseq(path)[0] == plain | {setting: value}
    assert plain[setting] != value


class Attack:
    """An object whose pickle asks for a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("place", ["beside", "in_config", "as_tensor"])
@pytest.mark.parametrize("function", [os.system, subprocess.getoutput])
def test_code_in_a_pickle_is_not_run(tmp_path, function, place):
    marker = tmp_path / "ran"
    attack = Attack(function, f"touch {marker}")
    tensors = fairseq_tensors(student().state_dict())
    more = {}
    if place == "beside":
        more["extra_state"] = [attack, {attack: attack}]
    if place == "in_config":
        model = CONFIG | {"dropout": attack}
        more["cfg"] = {"model": model, "task": TASK}
    if place == "as_tensor":
        tensors["mask_emb"] = attack
        path = fairseq_file(tmp_path / "a.pt", tensors)
        with pytest.raises(AttributeError):
            read_fairseq(path)
    else:
        read_fairseq(fairseq_file(tmp_path / "a.pt", tensors, **more))
    assert not marker.exists()
    # The pickle does what it says where it is trusted.
    torch.load(tmp_path / "a.pt", weights_only=False, pickle_module=Trusting)
    assert marker.exists()


class Trusting:
    """The standard pickle module as ``torch.load`` takes it."""

    Unpickler = pickle.Unpickler


def test_foreign_objects_are_no_hindrance(tmp_path):
    tensors = fairseq_tensors(student().state_dict())
    foreign = [datetime.date(2020, 1, 1), {1, 2}, b"text", 1 + 2j, ValueError]
    path = fairseq_file(tmp_path / "a.pt", tensors, extra_state=foreign)
    _, state, _ = read_fairseq(path)
    assert "mask_embedding" in state


def test_heads_come_apart_by_codebook():
    tensors = fairseq_tensors({})
    codes, cqt = fairseq_heads(tensors, n_codebooks=2)
    assert codes["codes"].shape == (2, 14, 4)
    assert torch.equal(codes["codes"][1], tensors["label_embs_concat"][14:])
    assert torch.equal(
        cqt["projection.bias"], tensors["encoder_cqt_model.fc.bias"]
    )
    from mert_sb.pretraining.heads import CodebookHead, RegressionHead

    sizes = {"n_codebooks": 2, "codebook_size": 14, "proj_dim": 4}
    CodebookHead(32, **sizes).load_state_dict(codes, strict=True)
    RegressionHead(32, n_features=84).load_state_dict(cqt, strict=True)


def test_a_hugging_face_pickle_runs_nothing(tmp_path):
    marker = tmp_path / "ran"
    (tmp_path / "config.json").write_text(json.dumps({}))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({}))
    attack = {"masked_spec_embed": Attack(os.system, f"touch {marker}")}
    torch.save(attack, tmp_path / "pytorch_model.bin")
    with pytest.raises(pickle.UnpicklingError, match="[Ww]eights.only"):
        read_huggingface(tmp_path)
    assert not marker.exists()
