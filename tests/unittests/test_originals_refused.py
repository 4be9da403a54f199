"""Checkpoints that are damaged, contradictory or another model's: named, not read.

Authors
 * The mert_sb developers 2026
"""

import json
import re

import numpy as np
import pytest
import torch

from mert_sb.inference import CheckpointError, MusicEncoder
from tests.utils.originals import (
    fairseq_config,
    fairseq_file,
    huggingface_config,
    huggingface_folder,
    tiny_student,
)

FIRST = "encoder.layers.0.attention.q_proj.weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({FIRST: None}, f"{FIRST} is missing"),
        ({FIRST: torch.zeros(3, 3)}, rf"{FIRST} has shape \(3, 3\), not"),
        ({"lm_head.weight": torch.zeros(1)}, "'lm_head.weight' is not one of"),
        ({"encoder.layers.9.layer_norm.bias": torch.zeros(32)}, "is unknown"),
        ({"masked_spec_embed.weight": torch.zeros(1)}, "is not one of MERT's"),
        (
            {"encoder.pos_conv_embed.conv.parametrizations.weight.original0": (
                torch.zeros(1, 1, 8)
            )},
            "two spellings",
        ),
        ({"masked_spec_embed": "text"}, "'masked_spec_embed' is no tensor"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit_are_named(tmp_path, changes, message):
    folder = huggingface_folder(tmp_path / "a", tiny_student(), changes=changes)
    with pytest.raises(CheckpointError, match=message) as caught:
        MusicEncoder.from_original(folder)
    assert str(folder / "pytorch_model.bin") in str(caught.value)


@pytest.mark.parametrize(
    ("config", "preprocessor", "message"),
    [
        ({"model_type": "hubert"}, {}, "'hubert', not 'mert_model'"),
        ({"model_type": "whisper", "d_model": 3}, {}, "another model"),
        ({"model_type": None}, {}, "another model"),
        ({"hidden_size": 48}, {}, "has shape .* not"),
        ({"num_hidden_layers": 1}, {}, r"layers\.1\..* is unknown"),
        ({"num_hidden_layers": 3}, {}, r"layers\.2\..* is missing"),
        ({"feat_extract_norm": "layer"}, {}, "is missing"),
        ({"feature_extractor_cqt": True}, {}, "fits its convolutions at 16000"),
        ({"hidden_size": None}, {}, "config.json: there is no hidden_size"),
        ({"conv_dim": [16, 16, 16, 16, 16, 16, 8]}, {}, "conv_dim"),
        ({"conv_stride": [5, 2, 2, 2, 2, 2, 1]}, {}, "conv_stride is"),
        ({"hidden_act": "relu"}, {}, "hidden_act is 'relu'; MERT's is 'gelu'"),
        ({"num_attention_heads": 5}, {}, "5 heads"),
        ({"feat_extract_norm": "batch"}, {}, "batch"),
        ({"sample_rate": 16_000}, {}, "sample_rate is 16000, but"),
        ({}, {"sampling_rate": None}, "there is no sampling_rate"),
        ({"do_stable_layer_norm": True, "deepnorm": True}, {}, "exclude"),
        ({"layer_norm_eps": 1e-6}, {}, "layer_norm_eps is 1e-06"),
    ],
)
def test_configurations_that_do_not_fit_are_named(
    tmp_path, config, preprocessor, message
):
    folder = huggingface_folder(
        tmp_path / "a",
        tiny_student(),
        config=config,
        preprocessor=preprocessor,
    )
    with pytest.raises(CheckpointError, match=message) as caught:
        MusicEncoder.from_original(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("_name", "hubert", "'hubert', not 'mert'"),
        ("encoder_embed_dim", None, "no cfg.model.encoder_embed_dim"),
        ("conv_feature_layers", "[(16,10,5)] * 7", "conv_feature_layers"),
        ("subln", True, "cfg.model.subln is True"),
        ("pos_conv_depth", 5, "cfg.model.pos_conv_depth is 5"),
        ("extractor_mode", ["default"], "extractor_mode is"),
        ("conv_feature_layers", 7, "conv_feature_layers is 7"),
        ("extractor_mode", "other", "other"),
        ("encoder_layers", 3, r"layers\.2\..*self_attn.* is missing"),
    ],
)
def test_fairseq_configurations_that_do_not_fit_are_named(
    tmp_path, key, value, message
):
    student = tiny_student()
    cfg = fairseq_config(student.settings)
    cfg["model"][key] = value
    if value is None:
        del cfg["model"][key]
    path = fairseq_file(tmp_path / "a.pt", student, cfg=cfg)
    with pytest.raises(CheckpointError, match=message) as caught:
        MusicEncoder.from_original(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("pytorch_model.bin", 1_000),
        ("pytorch_model.bin", 0),
        ("model.safetensors", 1_000),
        ("model.safetensors", 4),
        ("model.safetensors", 0),
        ("config.json", 10),
        ("config.json", 0),
        ("preprocessor_config.json", 5),
    ],
)
def test_a_truncated_file_is_named(tmp_path, name, left):
    weights = name if name.startswith(("py", "mo")) else "pytorch_model.bin"
    folder = huggingface_folder(tmp_path / "a", tiny_student(), weights=weights)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:left])
    with pytest.raises(CheckpointError, match=str(folder / name)):
        MusicEncoder.from_original(folder)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_fairseq_file_is_named(tmp_path, share):
    path = fairseq_file(tmp_path / "a.pt", tiny_student())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match=str(path)):
        MusicEncoder.from_original(path)


def test_sources_that_are_no_checkpoints_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="config.json"):
        MusicEncoder.from_original(tmp_path)
    with pytest.raises(FileNotFoundError, match="absent"):
        MusicEncoder.from_original(tmp_path / "absent")
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF")
    with pytest.raises(CheckpointError, match="song.wav"):
        MusicEncoder.from_original(song)
    text = tmp_path / "a.pt"
    text.write_text("not a pickle at all")
    with pytest.raises(CheckpointError, match=str(text)):
        MusicEncoder.from_original(text)
    torch.save({"weight": torch.zeros(3)}, text)
    with pytest.raises(CheckpointError, match="no 'cfg' and 'model'"):
        MusicEncoder.from_original(text)
    torch.save([torch.zeros(3)], text)
    with pytest.raises(CheckpointError, match="holds a list"):
        MusicEncoder.from_original(text)


@pytest.mark.parametrize("missing", ["preprocessor_config.json", "*.bin"])
def test_a_missing_file_is_named(tmp_path, missing):
    folder = huggingface_folder(tmp_path / "a", tiny_student())
    for path in folder.glob(missing):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=missing.strip("*")):
        MusicEncoder.from_original(folder)


JUNK = [None, "x", "false", [], [1], {}, -1, 0, 2**40, 0.5, True, float("nan")]


def is_fine(key, value):
    """Whether a value happens to be a possible one for its key."""
    switches = ("conv_bias", "do_stable_layer_norm", "deepnorm", "do_normalize")
    if key in (*switches, "feature_extractor_cqt"):
        return isinstance(value, bool)
    shares = ("dropout", "layerdrop")
    if key.endswith(shares):
        return value in (0, 0.5) and not isinstance(value, bool)
    if key == "attention_relax":
        return value in (-1, 0, 0.5, 2**40) and not isinstance(value, bool)
    return key == "num_hidden_layers" and value == 0 and value is not False


@pytest.mark.parametrize("value", JUNK, ids=repr)
def test_values_of_another_kind_are_refused(tmp_path, value):
    """No configuration is taken for something else, or ends in another error."""
    student = tiny_student()
    config, preprocessor = huggingface_config(student.settings)
    folder = huggingface_folder(tmp_path / "a", student)
    files = {"config.json": config, "preprocessor_config.json": preprocessor}
    for name, contents in files.items():
        for key in contents:
            text = json.dumps(contents | {key: value})
            (folder / name).write_text(text)
            if not is_fine(key, value):
                with pytest.raises(CheckpointError, match="a/"):
                    MusicEncoder.from_original(folder)
        (folder / name).write_text(json.dumps(contents))


@pytest.mark.parametrize("value", JUNK[:-3], ids=repr)
def test_fairseq_values_of_another_kind_are_refused(tmp_path, value):
    student = tiny_student()
    for part, key in (
        ("model", "layer_norm_first"),
        ("model", "encoder_attention_heads"),
        ("model", "conv_feature_layers"),
        ("model", "extractor_mode"),
        ("task", "normalize"),
        ("task", "sample_rate"),
    ):
        cfg = fairseq_config(student.settings)
        cfg[part][key] = value
        path = fairseq_file(tmp_path / "a.pt", student, cfg=cfg)
        with pytest.raises(CheckpointError, match=key):
            MusicEncoder.from_original(path)
    path = fairseq_file(tmp_path / "a.pt", student, cfg={"model": value})
    with pytest.raises(CheckpointError, match="cfg"):
        MusicEncoder.from_original(path)


def test_a_stand_in_never_becomes_a_setting(tmp_path):
    student = tiny_student()
    for part, key in (("task", "normalize"), ("model", "deepnorm")):
        cfg = fairseq_config(student.settings)
        cfg[part][key] = np.bool_(False)
        path = fairseq_file(tmp_path / "a.pt", student, cfg=cfg)
        with pytest.raises(CheckpointError, match=key):
            MusicEncoder.from_original(path)


@pytest.mark.parametrize("name", ["", "a\nb", "mask_emb\n", 3, None])
def test_odd_names_of_tensors_are_refused(tmp_path, name):
    changes = {name: torch.zeros(3)}
    path = fairseq_file(tmp_path / "a.pt", tiny_student(), changes=changes)
    with pytest.raises(CheckpointError, match=re.escape(repr(name))):
        MusicEncoder.from_original(path)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(32, dtype=torch.int64),
        torch.zeros(32, dtype=torch.bool),
        torch.zeros(32, dtype=torch.complex64),
        torch.zeros(32).to_sparse(),
        torch.zeros(32, device="meta"),
    ],
)
def test_tensors_of_another_kind_are_refused(tmp_path, tensor):
    path = fairseq_file(
        tmp_path / "a.pt", tiny_student(), changes={"mask_emb": tensor}
    )
    with pytest.raises(CheckpointError, match="mask_emb|a.pt"):
        MusicEncoder.from_original(path)
