"""``mert-sb`` with models: inspect, convert, export, push; the program itself.

Authors
 * The mert_sb developers 2026
"""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mert_sb import frames
from mert_sb.inference import MusicEncoder, export_student
from mert_sb.inference.commands import push
from mert_sb.inference.commands.main import main
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.fairseq import write_fairseq
from mert_sb.inference.huggingface_export import write_huggingface
from tests.utils.onnx_export import skip_without_exporter
from tests.utils.originals import tiny_student

HEADS = {
    "final_proj.weight": torch.arange(12.0).reshape(4, 3),
    "final_proj.bias": torch.ones(4),
    "label_embs_concat": torch.zeros(20, 2),
}


@pytest.fixture
def student():
    return tiny_student(sample_rate=16_000, normalize_wavs=True)


@pytest.fixture(params=["mert_sb", "huggingface", "fairseq"])
def source(request, student, tmp_path):
    """A checkpoint in each layout."""
    if request.param == "mert_sb":
        return export_student(student, tmp_path / "source")
    if request.param == "huggingface":
        return write_huggingface(student, tmp_path / "source")
    return write_fairseq(student, tmp_path / "source.pt", heads=HEADS)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def same_tensors(student, path):
    """Whether a checkpoint holds a student's tensors, to the bit."""
    state, there = student.state_dict(), read_checkpoint(path).state
    return state.keys() == set(there) and all(
        torch.equal(tensor, there[name]) for name, tensor in state.items()
    )


def test_inspect_says_what_a_checkpoint_is(source, student, capsys):
    assert run("inspect", source, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    layout = read_checkpoint(source).layout
    n_parameters = sum(p.numel() for p in student.parameters())
    assert found["layout"] == layout
    assert found["sample_rate"] == 16_000
    assert found["frames_a_second"] == frames.frame_rate(16_000)
    assert (found["layers"], found["width"]) == (2, 32)
    assert found["million_parameters"] == pytest.approx(n_parameters / 1e6)
    assert found["norm"] == "post"
    assert found["normalizes_wavs"] is True
    assert found["cqt_input_bins"] == 0
    assert found["dtypes"].keys() == {"float32"}
    heads = {name: list(tensor.shape) for name, tensor in HEADS.items()}
    assert found["pretraining_heads"] == (heads if layout == "fairseq" else {})
    assert found["usable"] and found["fault"] is None
    assert all(size > 100 for size in found["files"].values())


def test_inspect_for_people(source, capsys):
    assert run("inspect", source) == 0
    lines = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()
    )
    assert lines["layers"] == "2"
    assert lines["usable"] == "True"


def test_inspect_tells_types_as_stored(student, tmp_path, capsys):
    folder = write_huggingface(student, tmp_path / "a")
    path = folder / "model.safetensors"
    tensors = {name: t.half() for name, t in load_file(path).items()}
    save_file(tensors, path)
    assert run("inspect", folder, "--json") == 0
    dtypes = json.loads(capsys.readouterr().out)["dtypes"]
    assert dtypes == {"float16": len(tensors)}


def test_inspect_says_why_a_checkpoint_is_of_no_use(student, tmp_path, capsys):
    folder = export_student(student, tmp_path / "a")
    state = load_file(folder / "student.safetensors")
    del state["mask_embedding"]
    save_file(state, folder / "student.safetensors")
    assert run("inspect", folder, "--json") == 2
    found = json.loads(capsys.readouterr().out)
    assert not found["usable"]
    assert "mask_embedding is missing" in found["fault"]


class Trap:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_inspect_runs_nothing_and_ends_in_one_line(tmp_path, capsys):
    torch.save({"cfg": Trap(tmp_path / "sprung")}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(b"no checkpoint")
    for name in ("a.pt", "b.pt", "absent.pt"):
        assert run("inspect", tmp_path / name) == 2
        output = capsys.readouterr()
        assert output.out == "" and output.err.count("\n") == 1
        assert name in output.err
    assert not (tmp_path / "sprung").exists()


def test_convert_makes_our_folder_of_any_layout(source, student, tmp_path):
    folder = tmp_path / "converted"
    card = ["--name", "Mine", "--licence", "cc0-1.0", "--data", "40 h"]
    card += ["--teachers", "EnCodec", "CQT", "--metric", "loss=1.25"]
    assert run("convert", source, folder, *card) == 0
    assert same_tensors(student, folder)
    text = (folder / "README.md").read_text()
    for said in ("# Mine", "license: cc0-1.0", "40 h", "EnCodec, CQT"):
        assert said in text
    assert "| loss | 1.25 |" in text
    wavs = torch.randn(1, 2_000, generator=torch.Generator().manual_seed(0))
    encoder = MusicEncoder.from_hparams(folder, run_opts={"device": "cpu"})
    expected = student(wavs, output_hidden_states=True)
    torch.testing.assert_close(encoder.encode_batch(wavs), expected)


@pytest.mark.parametrize(
    ("layout", "name"), [("huggingface", "target"), ("fairseq", "target.pt")]
)
def test_export_gives_a_checkpoint_of_equal_tensors(
    source, student, tmp_path, layout, name
):
    target = tmp_path / name
    assert run("export", source, target, "--to", layout) == 0
    assert same_tensors(student, target)
    checkpoint = read_checkpoint(target)
    assert checkpoint.layout == layout
    if layout == "fairseq" and str(source).endswith(".pt"):
        assert checkpoint.heads.keys() == HEADS.keys()
        for head, tensor in HEADS.items():
            assert torch.equal(checkpoint.heads[head], tensor)
    else:
        assert checkpoint.heads == {}


def test_export_to_onnx(student, tmp_path):
    onnx = pytest.importorskip("onnx")
    skip_without_exporter()
    source = export_student(student, tmp_path / "source")
    target = tmp_path / "a.onnx"
    assert run("export", source, target, "--to", "onnx") == 0
    properties = onnx.load(target).metadata_props
    assert {"16000"} == {p.value for p in properties if p.key == "sample_rate"}


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["convert"], "target/README.md"),
        (["export", "--to", "huggingface"], "target/pytorch_model.bin"),
        (["export", "--to", "fairseq"], "target.pt"),
        (["export", "--to", "onnx"], "target.onnx"),
    ],
)
def test_what_is_there_is_not_replaced(
    student, tmp_path, capsys, arguments, written
):
    source = export_student(student, tmp_path / "source")
    path = tmp_path / written
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    command, *options = arguments
    target = tmp_path / written.split("/")[0]
    assert run(command, source, target, *options) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert path.read_text() == "mine"
    beside = {p for p in tmp_path.rglob("*") if p.is_file()}
    assert beside - {path} == set(source.iterdir())


def test_overwriting_replaces_a_target(student, tmp_path):
    other = export_student(tiny_student(seed=1), tmp_path / "other")
    source = export_student(student, tmp_path / "source")
    assert run("export", other, tmp_path / "a.pt", "--to", "fairseq") == 0
    arguments = [tmp_path / "a.pt", "--to", "fairseq", "--overwrite"]
    assert run("export", source, *arguments) == 0
    assert same_tensors(student, tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("layout", "name"),
    [("fairseq", "a"), ("onnx", "a.pt"), ("huggingface", "file")],
)
def test_targets_of_another_kind_are_refused(
    student, tmp_path, capsys, layout, name
):
    (tmp_path / "file").touch()
    source = export_student(student, tmp_path / "source")
    assert run("export", source, tmp_path / name, "--to", layout) == 2
    assert name in capsys.readouterr().err


def test_push_gives_the_folder_and_never_a_token(tmp_path, monkeypatch, capsys):
    calls = []

    def pushed(folder, repository, **options):
        calls.append((folder, repository, options))
        return "https://hub/me/a"

    monkeypatch.setattr(push, "push_folder", pushed)
    assert run("push", tmp_path, "me/a", "--private", "--revision", "v2") == 0
    options = {"private": True, "revision": "v2"}
    assert calls == [(str(tmp_path), "me/a", options)]
    assert capsys.readouterr().out == "https://hub/me/a\n"
    with pytest.raises(SystemExit):
        run("push", tmp_path, "me/a", "--token", "secret")


def test_push_of_nothing_ends_in_one_line(tmp_path, capsys):
    assert run("push", tmp_path, "me/a") == 2
    assert "no files to upload" in capsys.readouterr().err


def test_version_and_help(capsys):
    for arguments, said in (
        (["--version"], "mert-sb 0.1.0"),
        (["--help"], "mert-sb inspect checkpoint.pt"),
        (["encode", "--help"], "mert-sb encode m-a-p/MERT-v1-95M music/"),
    ):
        with pytest.raises(SystemExit) as stop:
            run(*arguments)
        assert stop.value.code == 0
        assert said in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        run()
    assert stop.value.code == 2
