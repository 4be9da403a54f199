"""Every kind of student through its inference folder; what other layouts refuse.

Authors
 * The mert_sb developers 2026
"""

import json

import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from mert_sb.inference import CheckpointError, MusicEncoder, export_student
from mert_sb.inference.fairseq import write_fairseq
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.inference.onnx import export_onnx
from tests.utils.onnx_export import skip_without_exporter
from tests.utils.students import CONFORMER, KINDS, build, clips, close


def student(kind):
    return build(**KINDS[kind])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_states_and_settings_survive_export(tmp_path, kind):
    model = student(kind).eval()
    folder = export_student(model, tmp_path / "encoder")
    for encoder in (
        MusicEncoder.from_hparams(folder),
        MusicEncoder.from_original(folder),
    ):
        assert encoder.student.settings == model.settings
        states = encoder.encode_batch(clips())
        assert torch.equal(states, model(clips(), output_hidden_states=True))
    text = (folder / "hyperparams.yaml").read_text()
    assert "null" not in text
    assert ("conv_channels" in text) == ("mel" not in text)


def test_windowed_attention_has_no_onnx_file(tmp_path):
    with pytest.raises(ValueError, match="attention_window: 4: such a student"):
        export_onnx(student("windows"), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


OLD = """sample_rate conv_channels conv_norm conv_bias embed_dim ffn_dim num_heads
    num_layers norm position_kernel position_groups dropout attention_dropout
    activation_dropout input_dropout layerdrop feature_grad_mult attention_relax
    feature_extractor_cqt normalize_wavs checkpoint_layers""".split()


def exported_before(folder, model):
    """An inference folder as it was before these settings were."""
    export_student(model, folder)
    path = folder / "hyperparams.yaml"
    kept = [
        line
        for line in path.read_text().splitlines(keepends=True)
        if line.split(":")[0].strip() not in set(model.settings) - set(OLD)
    ]
    path.write_text("".join(kept))
    free = ("drop", "feature_grad", "relax", "checkpoint")
    mark = {
        key: model.settings[key]
        for key in sorted(OLD)
        if not any(part in key for part in free)
    }
    weights = folder / "student.safetensors"
    mark = {"mert_sb.settings": json.dumps(mark)}
    save_file(load_file(weights), weights, mark)
    return path


def test_folders_of_before_still_load(tmp_path):
    model = build().eval()
    path = exported_before(tmp_path / "old", model)
    assert "frontend" not in path.read_text()
    for opened in (MusicEncoder.from_hparams, MusicEncoder.from_original):
        encoder = opened(tmp_path / "old")
        assert encoder.student.settings == model.settings
        states = encoder.encode_batch(clips())
        assert torch.equal(states, model(clips(), output_hidden_states=True))


def test_a_new_setting_of_an_old_folder_must_be_the_default(tmp_path):
    path = exported_before(tmp_path / "old", build())
    text = path.read_text()
    default = "norm: post\n    frontend: conv"
    path.write_text(text.replace("norm: post", default))
    MusicEncoder.from_original(tmp_path / "old")
    other = "norm: post\n    attention_window: 4"
    path.write_text(text.replace("norm: post", other))
    with pytest.raises(CheckpointError, match="trained with other settings"):
        MusicEncoder.from_original(tmp_path / "old")


@pytest.mark.parametrize("mark", ["[1, 2]", "not json", '{"frontend": []}'])
def test_a_mark_that_says_nothing_is_refused(tmp_path, mark):
    export_student(build(), tmp_path / "a")
    weights = tmp_path / "a" / "student.safetensors"
    save_file(load_file(weights), weights, {"mert_sb.settings": mark})
    with pytest.raises(CheckpointError, match="trained with other settings"):
        MusicEncoder.from_original(tmp_path / "a")


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("sub", "norm: 'sub'"),
        ("mel", "frontend: 'mel'"),
        ("joined", "subsample: 3"),
        ("conformer", "layer_type: 'conformer'"),
        ("windows", "attention_window: 4"),
    ],
)
@pytest.mark.parametrize(
    ("write", "layout"),
    [(write_huggingface, "Hugging Face"), (write_fairseq, "fairseq")],
)
def test_the_originals_layouts_refuse_by_name(
    tmp_path, kind, named, write, layout
):
    with pytest.raises(CheckpointError, match=f"{layout}.* no {named}"):
        write(student(kind), tmp_path / "a.pt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("subsample", [1, 2])
def test_onnx_files_equal_the_student(tmp_path, subsample):
    skip_without_exporter()
    onnxruntime = pytest.importorskip("onnxruntime")
    model = build(
        **CONFORMER, frontend="mel", num_layers=1, subsample=subsample
    )
    path = export_onnx(model, tmp_path / "a.onnx", layers=[0, -1])
    session = onnxruntime.InferenceSession(
        path, providers=["CPUExecutionProvider"]
    )
    said = session.get_modelmeta().custom_metadata_map
    assert said["hop_length"] == str(320 * subsample)
    assert said["receptive_field"] == str(320 * subsample + 80)
    for wavs in (clips(1, subsample), clips(4, 17)):
        (found,) = session.run(None, {"wavs": wavs.numpy()})
        expected = model.eval()(wavs, output_hidden_states=(0, -1)).detach()
        close(torch.from_numpy(found), expected, 1e-4)


def test_windows_of_a_file_give_the_frames_of_one_pass(tmp_path):
    # Log-mels see past their frame: the borders that are dropped hide it.
    model = build(frontend="mel", normalize_wavs=True, num_layers=0)
    encoder = MusicEncoder.from_hparams(
        export_student(model, tmp_path / "encoder")
    )
    path = tmp_path / "a.wav"
    soundfile.write(path, clips(1, 300)[0].clamp(-1, 1), 24_000)
    whole = encoder.encode_file(path, chunk_seconds=None)
    parts = encoder.encode_file(path, chunk_seconds=1.5, overlap_seconds=0.5)
    assert torch.equal(parts.times, whole.times)
    # Samples after the last frame are in no window, but in the one pass.
    close(parts.states[:, :-8], whole.states[:, :-8], 1e-4)
