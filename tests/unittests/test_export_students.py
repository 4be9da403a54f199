"""Exports of students that are wrapped, of other precision, or beside other files.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.inference import MusicEncoder, export_student
from tests.utils.originals import tiny_student as student


def clips(length=5_000):
    return torch.randn(2, length, generator=torch.Generator().manual_seed(0))


def exporters():
    from mert_sb.inference.fairseq import write_fairseq
    from mert_sb.inference.huggingface_export import write_huggingface

    return [export_student, write_huggingface, write_fairseq]


@pytest.mark.parametrize("export", exporters())
def test_a_wrapped_student_is_exported_and_a_changed_one_is_not(
    tmp_path, export
):
    from speechbrain.nnet.adapters import AdaptedModel, LoRA

    model = student().eval()
    expected = model(clips(), output_hidden_states=True)
    wrapped = {
        "compiled": torch.compile(model),
        "data parallel": torch.nn.DataParallel(model),
    }
    for name, wrapper in wrapped.items():
        target = export(wrapper, tmp_path / f"{name}.pt")
        encoder = MusicEncoder.from_original(target)
        assert torch.equal(encoder.encode_batch(clips()), expected)
    target = tmp_path / "adapted.pt"
    with pytest.raises(ValueError, match="not a MERT"):
        export(torch.nn.Linear(1, 1), target)
    AdaptedModel(
        model, LoRA, target_layers=["encoder.layers.*.attention.q_proj"]
    )
    with pytest.raises(ValueError, match="adapters"):
        export(model, target)
    assert not target.exists()


@pytest.mark.parametrize("export", exporters())
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_student_of_another_precision_is_exported_in_single(
    tmp_path, export, dtype
):
    model = student().to(dtype).eval()
    encoder = MusicEncoder.from_original(export(model, tmp_path / "a.pt"))
    expected = model.float()(clips(), output_hidden_states=True)
    assert torch.equal(encoder.encode_batch(clips()), expected)


def test_layouts_are_not_mixed_in_a_folder(tmp_path):
    ours, theirs, _ = exporters()
    ours(student(), tmp_path / "ours")
    theirs(student(), tmp_path / "theirs")
    with pytest.raises(FileExistsError, match="another layout"):
        theirs(student(), tmp_path / "ours")
    with pytest.raises(FileExistsError, match="another layout"):
        ours(student(), tmp_path / "theirs")
    MusicEncoder.from_original(tmp_path / "ours")
    MusicEncoder.from_original(tmp_path / "theirs")


def test_exported_files_can_be_read_by_others(tmp_path):
    ours, theirs, fairseq = exporters()
    plain = tmp_path / "plain"
    plain.touch()
    mode = plain.stat().st_mode
    fairseq(student(), tmp_path / "a.pt")
    for folder in (
        ours(student(), tmp_path / "b"),
        theirs(student(), tmp_path / "c"),
    ):
        assert all(path.stat().st_mode == mode for path in folder.iterdir())
    assert (tmp_path / "a.pt").stat().st_mode == mode


def test_another_rate_in_the_yaml_is_refused(tmp_path):
    folder = export_student(student(), tmp_path / "encoder")
    with pytest.raises(ValueError, match="sample_rate: 16000, but the student"):
        MusicEncoder.from_hparams(
            folder, overrides={"sample_rate": 16_000}, run_code=True
        )


def test_savedir_is_renewed_when_updates_are_allowed(tmp_path):
    from speechbrain.utils.fetching import FetchConfig

    savedir = tmp_path / "kept"
    export_student(student(norm="post"), tmp_path / "encoder")
    MusicEncoder.from_hparams(tmp_path / "encoder", savedir=savedir)
    export_student(student(norm="pre"), tmp_path / "encoder")
    old = MusicEncoder.from_hparams(tmp_path / "encoder", savedir=savedir)
    assert old.student.settings["norm"] == "post"
    new = MusicEncoder.from_hparams(
        tmp_path / "encoder",
        savedir=savedir,
        fetch_config=FetchConfig(allow_updates=True),
    )
    assert new.student.settings["norm"] == "pre"
