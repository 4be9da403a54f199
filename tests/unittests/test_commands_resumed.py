"""``mert-sb encode`` again: what is whole stays, other settings are refused.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest

from mert_sb.inference.commands.folder import workspace
from mert_sb.inference.commands.runner import Runner
from mert_sb.inference.commands.writers import STORES
from mert_sb.inference.huggingface_export import write_huggingface
from tests.utils.encode_command import (
    NAMES,
    Desk,
    count_batches,
    interrupted_after,
)
from tests.utils.originals import tiny_student


@pytest.fixture
def desk(tmp_path):
    """A model and some music."""
    return Desk(tmp_path)


@pytest.mark.parametrize("form", ["npy", "npz", "hdf5"])
def test_only_what_is_missing_is_computed_again(desk, monkeypatch, form):
    batches = count_batches(monkeypatch)
    options = ["--format", form, "--pool", "mean"]
    if form == "hdf5":
        pytest.importorskip("h5py")
    assert desk.encode(options=options) == 0
    n_all = len(batches)
    assert desk.encode(options=options) == 0
    assert len(batches) == n_all
    before = desk.written()
    missing = f"sub/c{STORES[form].SUFFIX}"
    (desk.out / missing).unlink()
    assert desk.encode(options=options) == 0
    assert len(batches) - n_all == 4  # of c.mp3
    desk.read(form, "sub/c")
    after = desk.written()
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {missing}


def test_the_same_model_in_another_layout_goes_on(desk, monkeypatch):
    batches = count_batches(monkeypatch)
    assert desk.encode(desk.music / "a.wav") == 0
    batches.clear()
    source = write_huggingface(
        tiny_student(normalize_wavs=True), desk.folder / "original"
    )
    assert (
        desk.encode(desk.music / "a.wav", desk.music / "b.flac", source=source)
        == 0
    )
    assert len(batches) == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--layers", "1"], "layers ('all' there, 1 now)"),
        (["--pool", "mean"], "pool"),
        (["--chunk-seconds", "2"], "chunk_seconds (1.5 there, 2.0 now)"),
        (["--format", "npz"], "format"),
        (["--keep-suffix"], "keep_suffix"),
    ],
)
def test_other_settings_are_refused_by_name(desk, capsys, options, named):
    assert desk.encode(desk.music / "a.wav") == 0
    before = desk.written()
    assert desk.encode(options=options) == 2
    message = capsys.readouterr().err
    assert named in message and "--overwrite" in message
    assert message.count("\n") == 1
    assert desk.written() == before


def test_other_weights_are_refused(desk, capsys):
    other = desk.export("other", seed=1)
    assert desk.encode(desk.music / "a.wav") == 0
    assert desk.encode(desk.music / "b.flac", source=other) == 2
    assert "weights" in capsys.readouterr().err


def test_overwriting_replaces_outputs_of_other_settings(desk):
    assert desk.encode() == 0
    options = ["--layers", "1", "--format", "npz", "--overwrite"]
    assert desk.encode(options=options) == 0
    states, _ = desk.read("npz", "a")
    expected = desk.expected("a.wav", 1).states
    np.testing.assert_allclose(states, expected, atol=2e-5)
    assert not list(desk.out.rglob("*.npy"))


def test_overwriting_computes_again(desk, monkeypatch):
    batches = count_batches(monkeypatch)
    assert desk.encode(desk.music / "a.wav") == 0
    n_first = len(batches)
    assert desk.encode(desk.music / "a.wav", options=["--overwrite"]) == 0
    assert len(batches) == 2 * n_first


def test_no_output_of_former_settings_survives_overwriting(desk, capsys):
    assert desk.encode() == 0
    before = desk.written()
    options = ["--layers", "1", "--overwrite"]
    assert desk.encode(desk.music / "a.wav", options=options) == 2
    assert "3 of them are not of this run's inputs" in capsys.readouterr().err
    assert desk.written() == before


def test_an_overwriting_that_is_interrupted_is_completed_by_the_next_run(
    desk, monkeypatch
):
    assert desk.encode() == 0
    with monkeypatch.context() as patch:
        patch.setattr(Runner, "_encode", interrupted_after(2))
        options = ["--layers", "1", "--overwrite"]
        assert desk.encode(options=options) == 130
    assert desk.encode(options=["--layers", "1"]) == 0
    for name in NAMES:
        states, _ = desk.read("npy", name)
        assert states.ndim == 2


@pytest.mark.parametrize("form", ["npy", "hdf5"])
def test_an_interrupted_run_leaves_whole_outputs_alone(
    desk, monkeypatch, capsys, form
):
    options = ["--format", form]
    if form == "hdf5":
        pytest.importorskip("h5py")
    with monkeypatch.context() as patch:
        # a.wav has three windows, b.flac two.
        patch.setattr(Runner, "_encode", interrupted_after(4))
        assert desk.encode(options=options) == 130
    assert capsys.readouterr().err == "mert-sb: interrupted\n"
    output = f"a{STORES[form].SUFFIX}"
    folders = [path for path in desk.out.rglob("*") if path.is_dir()]
    assert desk.written().keys() == {"encode.json", output}
    assert folders == []
    assert desk.encode(options=options) == 0
    for name in NAMES:
        desk.read(form, name)


def test_files_without_settings_are_not_taken_for_outputs(desk, capsys):
    desk.out.mkdir()
    np.save(desk.out / "a.npy", np.zeros(2))
    assert desk.encode() == 2
    assert "no encode.json" in capsys.readouterr().err
    assert desk.encode(options=["--overwrite"]) == 0
    assert desk.read("npy", "a")[0].ndim == 3


def test_one_run_at_a_time_writes_into_a_folder(desk, capsys):
    pytest.importorskip("fcntl")
    with workspace(desk.out):
        assert desk.encode(desk.music / "a.wav") == 2
    assert "another run" in capsys.readouterr().err
    assert desk.encode(desk.music / "a.wav") == 0
