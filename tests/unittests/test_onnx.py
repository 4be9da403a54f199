"""The ONNX file: equal to the student, whole, and the student left as it was.

Authors
 * The mert_sb developers 2026
"""

import sys

import pytest
import torch
from torch.torch_version import TorchVersion

from mert_sb.inference.onnx import NEEDED, export_onnx
from mert_sb.student import MERT
from tests.utils.onnx_export import skip_without_exporter

TINY = {
    "conv_channels": 16,
    "embed_dim": 32,
    "ffn_dim": 64,
    "num_heads": 4,
    "num_layers": 2,
    "position_kernel": 8,
    "position_groups": 4,
}


def student(**settings):
    """A student in training mode whose every parameter is random."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MERT(**(TINY | settings))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return model.train()


def clips(count, length):
    """Clips with an offset, which normalisation would take away."""
    generator = torch.Generator().manual_seed(length)
    return 0.3 * torch.randn(count, length, generator=generator) + 0.2


@pytest.fixture
def needs_exporter():
    skip_without_exporter()


@pytest.fixture
def session(needs_exporter):
    """Opens a file in onnxruntime."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1

    def open_session(path):
        return onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    return open_session


def run(session, wavs):
    (states,) = session.run(["hidden_states"], {"wavs": wavs.numpy()})
    return torch.from_numpy(states)


@pytest.mark.parametrize(
    "settings",
    [
        {"norm": "post", "normalize_wavs": True, "dropout": 0.5},
        {"norm": "pre", "conv_norm": "layer", "conv_bias": True},
        {"norm": "deepnorm", "sample_rate": 16_000, "layerdrop": 0.9},
    ],
)
def test_states_of_any_number_and_length_equal_the_students(
    tmp_path, session, settings
):
    model = student(**settings)
    path = export_onnx(model, tmp_path / "new" / "student.onnx")
    assert list(path.parent.iterdir()) == [path]
    exported = session(path)
    model.eval()
    for count, length in [
        (1, 400),
        (3, 719),
        (1, 720),
        (2, 3_200),
        (5, 24_123),
    ]:
        wavs = clips(count, length)
        with torch.no_grad():
            expected = model(wavs, output_hidden_states=True)
        states = run(exported, wavs)
        assert states.shape == expected.shape
        assert (states - expected).abs().max() < 1e-4


def test_layers_are_chosen_and_told(tmp_path, session):
    model = student().bfloat16()
    path = export_onnx(model, tmp_path / "student.onnx", layers=[-1, 1])
    exported = session(path)
    wavs = clips(2, 5_000)
    with torch.no_grad():
        expected = model.float().eval()(wavs, output_hidden_states=True)
    assert (run(exported, wavs) - expected[[2, 1]]).abs().max() < 1e-4
    assert exported.get_modelmeta().custom_metadata_map == {
        "sample_rate": "24000",
        "hop_length": "320",
        "receptive_field": "400",
        "layers": "2,1",
    }


def test_a_layer_that_is_not_there_is_refused(tmp_path, needs_exporter):
    with pytest.raises(ValueError, match="no state 3"):
        export_onnx(student(), tmp_path / "student.onnx", layers=[3])
    assert list(tmp_path.iterdir()) == []


def test_weight_norm_is_multiplied_out_in_the_file_alone(
    tmp_path, needs_exporter
):
    model = student(feature_grad_mult=0.1)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    wavs = clips(2, 800)
    expected = model.eval()(wavs)
    random_state = torch.get_rng_state()
    path = export_onnx(model.train(), tmp_path / "student.onnx")
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert torch.equal(model.eval()(wavs), expected)
    graph = pytest.importorskip("onnx").load(path).graph
    held = {tensor.name for tensor in graph.initializer}
    assert "student.encoder.position.conv.weight" in held
    assert not any("parametrizations" in name for name in held)


def test_a_write_that_breaks_off_leaves_the_old_file(
    tmp_path, monkeypatch, needs_exporter
):
    class Program:
        model = type("Model", (), {"metadata_props": {}})

        def save(self, path, external_data):
            path.write_bytes(b"half")
            raise OSError("disk full")

    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: Program())
    path = tmp_path / "student.onnx"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        export_onnx(student(), path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_cqt_input_is_refused(tmp_path):
    model = student(sample_rate=16_000, feature_extractor_cqt=84)
    with pytest.raises(ValueError, match="feature_extractor_cqt.*FFT"):
        export_onnx(model, tmp_path / "student.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("absent", ["onnx", "onnxscript"])
def test_an_absent_exporter_names_the_extra(tmp_path, monkeypatch, absent):
    if absent == "onnxscript":
        pytest.importorskip("onnx")
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=rf"needs {absent} .*mert_sb\[onnx\]"):
        export_onnx(student(), tmp_path / "student.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["2.7.1+cu126", "2.10.0"])
def test_a_torch_that_cannot_export_is_refused(tmp_path, monkeypatch, version):
    for name in NEEDED:
        pytest.importorskip(name)
    monkeypatch.setattr(torch, "__version__", TorchVersion(version))
    with pytest.raises(ImportError, match=r"needs torch 2\.11, this is 2\."):
        export_onnx(student(), tmp_path / "student.onnx")
    assert list(tmp_path.iterdir()) == []
