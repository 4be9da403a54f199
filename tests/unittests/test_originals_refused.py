"""Checkpoints that are damaged, contradictory or another model's: named, not read.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.inference import CheckpointError, MusicEncoder
from tests.utils.originals import (
    fairseq_config,
    fairseq_file,
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
        ({"feature_extractor_cqt": True}, {}, "has shape"),
        ({"hidden_size": None}, {}, "config.json: there is no 'hidden_size'"),
        ({"conv_dim": [16, 16, 16, 16, 16, 16, 8]}, {}, "conv_dim"),
        ({"conv_stride": [5, 2, 2, 2, 2, 2, 1]}, {}, "conv_stride is"),
        ({"hidden_act": "relu"}, {}, "hidden_act is relu, MERT's is gelu"),
        ({"num_attention_heads": 5}, {}, "5 heads"),
        ({"feat_extract_norm": "batch"}, {}, "batch"),
        ({"sample_rate": 16_000}, {}, "sample_rate is 16000, but"),
        ({}, {"sampling_rate": None}, "there is no 'sampling_rate'"),
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
        ("encoder_embed_dim", None, "has no 'encoder_embed_dim'"),
        ("conv_feature_layers", "[(16,10,5)] * 7", "conv_feature_layers"),
        ("subln", True, "cfg.model.subln is True"),
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
