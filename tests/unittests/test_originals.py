"""The originals' checkpoints: each tensor in its place, there and back.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.inference import MusicEncoder
from mert_sb.inference.checkpoint import build_student
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.export import export_student
from mert_sb.inference.fairseq import heads_of, write_fairseq
from mert_sb.inference.huggingface_export import write_huggingface
from tests.utils.originals import (
    FAIRSEQ_NAMES,
    fairseq_file,
    huggingface_folder,
    renamed,
    tiny_student,
)

VARIANTS = [
    {"norm": "post", "normalize_wavs": True},
    {"norm": "pre", "conv_norm": "layer", "conv_bias": True},
    {"norm": "deepnorm", "attention_relax": 32.0, "sample_rate": 16_000},
    {"sample_rate": 16_000, "feature_extractor_cqt": 84},
    {
        "dropout": 0.2,
        "attention_dropout": 0.3,
        "activation_dropout": 0.4,
        "input_dropout": 0.15,
        "layerdrop": 0.25,
        "attention_relax": 16.0,
        "feature_grad_mult": 0.5,
    },
]
# What a layout has no key for: gradients and memory, of training only.
TRAINING_ONLY = {"feature_grad_mult", "checkpoint_layers"}


def clips(length=5_000):
    return torch.randn(2, length, generator=torch.Generator().manual_seed(0))


def assert_same_student(found, expected):
    for key, value in expected.settings.items():
        assert found.settings[key] == value or key in TRAINING_ONLY, key
    state = found.state_dict()
    assert set(state) == set(expected.state_dict())
    for name, tensor in expected.state_dict().items():
        assert torch.equal(state[name], tensor), name


@pytest.mark.parametrize("new_spelling", [False, True])
@pytest.mark.parametrize("settings", VARIANTS)
def test_a_fairseq_file_becomes_its_student(tmp_path, settings, new_spelling):
    student = tiny_student(**settings)
    path = fairseq_file(tmp_path / "a.pt", student, new_spelling=new_spelling)
    encoder = MusicEncoder.from_original(path)
    assert_same_student(encoder.student, student)
    expected = student(clips(), output_hidden_states=True)
    assert torch.equal(encoder.encode_batch(clips()), expected)


@pytest.mark.parametrize("weights", ["pytorch_model.bin", "model.safetensors"])
@pytest.mark.parametrize("new_spelling", [False, True])
@pytest.mark.parametrize("settings", VARIANTS)
def test_a_hugging_face_folder_becomes_its_student(
    tmp_path, settings, new_spelling, weights
):
    student = tiny_student(**settings)
    folder = huggingface_folder(
        tmp_path / "a", student, weights=weights, new_spelling=new_spelling
    )
    encoder = MusicEncoder.from_original(folder)
    assert_same_student(encoder.student, student)
    assert encoder.hparams.sample_rate == student.settings["sample_rate"]
    expected = student(clips(), output_hidden_states=True)
    assert torch.equal(encoder.encode_batch(clips()), expected)


@pytest.mark.parametrize("settings", VARIANTS)
@pytest.mark.parametrize("layout", ["mert_sb", "huggingface", "fairseq"])
def test_a_round_trip_is_exact(tmp_path, settings, layout):
    student = tiny_student(**settings)
    write = {
        "mert_sb": export_student,
        "huggingface": write_huggingface,
        "fairseq": write_fairseq,
    }[layout]
    target = tmp_path / ("a.pt" if layout == "fairseq" else "a")
    checkpoint = read_checkpoint(write(student, target))
    assert checkpoint.layout == layout
    assert_same_student(build_student(checkpoint), student)


def test_the_loaded_student_is_frozen_and_evaluates(tmp_path):
    folder = huggingface_folder(tmp_path / "a", tiny_student(dropout=0.5))
    student = MusicEncoder.from_original(folder).student
    assert not student.training
    assert not any(p.requires_grad for p in student.parameters())
    student = MusicEncoder.from_original(folder, freeze_params=False).student
    assert all(p.requires_grad for p in student.parameters())


def test_weights_outlive_their_file(tmp_path):
    student = tiny_student()
    for weights in ("pytorch_model.bin", "model.safetensors"):
        folder = huggingface_folder(
            tmp_path / weights, student, weights=weights
        )
        found = build_student(read_checkpoint(folder))
        (folder / weights).write_bytes(b"\0" * 100)
        assert_same_student(found, student)


def test_early_configurations_lack_keys(tmp_path):
    student = tiny_student(sample_rate=16_000, normalize_wavs=True)
    keys = ("sample_rate", "deepnorm", "attention_relax")
    keys += ("feature_extractor_cqt", "feature_extractor_cqt_bins")
    folder = huggingface_folder(
        tmp_path / "a",
        student,
        config=dict.fromkeys(keys),
        preprocessor={"do_normalize": None},
    )
    assert_same_student(build_student(read_checkpoint(folder)), student)


def test_half_precision_becomes_single(tmp_path):
    student = tiny_student()
    halves = {
        name: tensor.half()
        for name, tensor in renamed(student.state_dict(), FAIRSEQ_NAMES).items()
    }
    path = fairseq_file(tmp_path / "a.pt", student, changes=halves)
    found = build_student(read_checkpoint(path))
    assert all(p.dtype == torch.float32 for p in found.parameters())
    assert_same_student(found, student.half().float())


def test_a_missing_mask_embedding_is_zero(tmp_path, caplog):
    folder = huggingface_folder(
        tmp_path / "a", tiny_student(), changes={"masked_spec_embed": None}
    )
    student = build_student(read_checkpoint(folder))
    assert torch.equal(student.mask_embedding, torch.zeros(32))


def test_heads_come_apart_by_codebook(tmp_path):
    from mert_sb.pretraining.heads import CodebookHead, RegressionHead

    path = fairseq_file(tmp_path / "a.pt", tiny_student())
    heads = read_checkpoint(path).heads
    codes, cqt = heads_of(heads, n_codebooks=2)
    assert codes["codes"].shape == (2, 14, 4)
    assert torch.equal(codes["codes"][1], heads["label_embs_concat"][14:])
    sizes = {"n_codebooks": 2, "codebook_size": 14, "proj_dim": 4}
    CodebookHead(32, **sizes).load_state_dict(codes, strict=True)
    RegressionHead(32, n_features=84).load_state_dict(cqt, strict=True)


def test_heads_survive_an_export(tmp_path):
    original = read_checkpoint(fairseq_file(tmp_path / "a.pt", tiny_student()))
    student = build_student(original)
    path = write_fairseq(student, tmp_path / "b.pt", original.heads)
    again = read_checkpoint(path).heads
    assert set(again) == set(original.heads)
    assert all(torch.equal(again[n], t) for n, t in original.heads.items())
