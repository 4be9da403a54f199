"""The pretrainer: weights of the right model, every one, or an error.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from safetensors.torch import save_file

from mert_sb.inference import CheckpointError, StrictPretrainer, export_student
from mert_sb.inference.fairseq import write_fairseq
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.student import MERT
from tests.utils.originals import TINY, tiny_student


def loaded(student, source):
    pretrainer = StrictPretrainer({"student": student}, source=source)
    pretrainer.collect_files()
    pretrainer.load_collected()
    return student


@pytest.mark.parametrize(
    "write", [export_student, write_huggingface, write_fairseq]
)
def test_a_student_is_filled_from_any_layout(tmp_path, write):
    source = write(tiny_student(), tmp_path / "a.pt")
    twin = loaded(MERT(**TINY, dropout=0.7, checkpoint_layers=True), source)
    for name, tensor in tiny_student().state_dict().items():
        assert torch.equal(twin.state_dict()[name], tensor), name
    assert twin.training
    assert all(parameter.requires_grad for parameter in twin.parameters())


def test_parameters_stay_the_objects_an_optimizer_has(tmp_path):
    source = export_student(tiny_student(), tmp_path / "a")
    twin = MERT(**TINY)
    before = list(twin.parameters())
    loaded(twin, source)
    assert all(a is b for a, b in zip(before, twin.parameters(), strict=True))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("norm", "pre"),
        ("num_heads", 2),
        ("sample_rate", 16_000),
        ("normalize_wavs", True),
        ("num_layers", 3),
        ("ffn_dim", 32),
    ],
)
def test_a_setting_of_another_model_is_named(tmp_path, key, value):
    source = export_student(tiny_student(), tmp_path / "a")
    with pytest.raises(CheckpointError, match=f"set the student's.* {key}: "):
        loaded(MERT(**(TINY | {key: value})), source)


def test_other_modules_are_filled_by_their_name(tmp_path):
    source, target = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    save_file(source.state_dict(), tmp_path / "head.safetensors")
    pretrainer = StrictPretrainer({"head": target}, source=tmp_path)
    assert pretrainer.collect_files() == {"head": tmp_path / "head.safetensors"}
    pretrainer.load_collected()
    assert torch.equal(source.weight, target.weight)
    assert torch.equal(source.bias, target.bias)
    pretrainer = StrictPretrainer({"head": torch.nn.Linear(4, 2)}, tmp_path)
    with pytest.raises(CheckpointError, match=r"head\.safetensors does not"):
        pretrainer.load_collected()


def test_a_missing_source_is_an_error(tmp_path):
    pretrainer = StrictPretrainer({"student": MERT(**TINY)})
    with pytest.raises(ValueError, match="source: give the pretrainer"):
        pretrainer.load_collected()
    with pytest.raises(FileNotFoundError, match="absent"):
        pretrainer.collect_files(default_source=str(tmp_path / "absent"))


def test_it_is_named_in_yaml(tmp_path):
    source = export_student(tiny_student(), tmp_path / "a")
    hparams = load_hyperpyyaml(
        f"""
student: !new:mert_sb.student.MERT
    conv_channels: 16
    embed_dim: 32
    ffn_dim: 64
    num_heads: 4
    num_layers: 2
    position_kernel: 8
    position_groups: 4
pretrainer: !new:mert_sb.inference.StrictPretrainer
    source: {source}
    loadables:
        student: !ref <student>
"""
    )
    hparams["pretrainer"].collect_files()
    hparams["pretrainer"].load_collected()
    expected = tiny_student().mask_embedding
    assert torch.equal(hparams["student"].mask_embedding, expected)
