"""``mert-sb encode``: outputs are what ``encode_file`` gives, in every format.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest
import torch

from mert_sb.inference import MusicEncoder
from mert_sb.inference.commands.runner import Runner
from tests.utils.encode_command import (
    MUSIC,
    NAMES,
    Desk,
    count_batches,
    write_audio,
)


@pytest.fixture
def desk(tmp_path):
    """A model and some music."""
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("form", "workers", "batch_size"),
    [
        ("npy", 2, 3),
        ("npy", 0, 1),
        ("npz", 0, 2),
        ("hdf5", 0, 2),
    ],
)
def test_outputs_are_what_encode_file_gives(desk, form, workers, batch_size):
    if form == "hdf5":
        pytest.importorskip("h5py")
    options = ["--format", form, "--workers", str(workers)]
    options += ["--batch-size", str(batch_size)]
    assert desk.encode(options=options) == 0
    for (path, *_), name in zip(MUSIC, NAMES, strict=True):
        expected = desk.expected(path)
        states, times = desk.read(form, name)
        assert states.dtype == np.float32
        np.testing.assert_allclose(states, expected.states, atol=2e-5)
        if form != "npy":
            np.testing.assert_array_equal(times, expected.times)
    assert not [n for n in desk.written() if ".part" in n]


@pytest.mark.parametrize(
    ("text", "layers"),
    [("mean", "mean"), ("1", 1), ("0,2", [0, 2]), ("-1", -1)],
)
@pytest.mark.parametrize("pool", ["none", "mean"])
def test_layers_and_pooling(desk, text, layers, pool):
    options = ["--layers", text, "--pool", pool, "--format", "npz"]
    assert desk.encode(desk.music / "a.wav", options=options) == 0
    pooling = {"pool": None if pool == "none" else pool}
    expected = desk.expected("a.wav", layers, **pooling)
    states, times = desk.read("npz", "a")
    assert states.shape == expected.states.shape
    np.testing.assert_allclose(states, expected.states, atol=2e-5)
    assert (times is None) == (pool == "mean")


def test_half_precision_on_disk(desk):
    assert (
        desk.encode(desk.music / "a.wav", options=["--dtype", "float16"]) == 0
    )
    expected = desk.expected("a.wav").states.half()
    states, _ = desk.read("npy", "a")
    assert states.dtype == np.float16
    np.testing.assert_allclose(states, expected, atol=2e-3)


def test_the_whole_file_in_one_pass(desk, monkeypatch):
    batches = count_batches(monkeypatch)
    assert (
        desk.encode(desk.music / "a.wav", options=["--chunk-seconds", "none"])
        == 0
    )
    assert len(batches) == 1
    expected = desk.expected("a.wav", chunk_seconds=None)
    states, _ = desk.read("npy", "a")
    np.testing.assert_allclose(states, expected.states, atol=2e-5)


def test_times_can_be_told_from_the_settings_file(desk):
    assert desk.encode(desk.music / "a.wav") == 0
    settings = json.loads((desk.out / "encode.json").read_text())
    states, _ = desk.read("npy", "a")
    frame = np.arange(states.shape[1])
    times = settings["first_centre"] + settings["hop_length"] * frame
    times = times / settings["sample_rate"]
    expected = desk.expected("a.wav").times
    np.testing.assert_allclose(times, expected, rtol=1e-12)
    assert settings["model"]["num_layers"] == 2
    assert settings["layers"] == "all"


def test_windows_of_different_files_share_batches(desk, monkeypatch):
    batches = count_batches(monkeypatch)
    folder = desk.folder / "clips"
    for name in "abc":
        write_audio(folder / f"{name}.wav", 1.0)
    assert desk.encode(folder, options=["--batch-size", "3"]) == 0
    assert batches == [3]


def test_files_of_all_lengths_do_not_pile_up(desk, monkeypatch):
    folder = desk.folder / "clips"
    for index in range(20):
        write_audio(folder / f"{index:02}.wav", 0.1 + index / 100)
    waiting, add = [], Runner.take

    def counted(self, message):
        add(self, message)
        waiting.append(sum(map(len, self.batcher.waiting.values())))

    monkeypatch.setattr(Runner, "take", counted)
    assert desk.encode(folder, options=["--batch-size", "2"]) == 0
    assert max(waiting) == 8
    for index in (0, 19):
        expected = desk.expected(folder / f"{index:02}.wav")
        states, _ = desk.read("npy", f"{index:02}")
        np.testing.assert_allclose(states, expected.states, atol=2e-5)


def test_states_too_large_for_the_type_are_skipped(desk, monkeypatch, capsys):
    whole = MusicEncoder.encode_windows

    def loud(self, wavs, *others):
        return whole(self, wavs, *others) * 1e6

    monkeypatch.setattr(MusicEncoder, "encode_windows", loud)
    assert (
        desk.encode(desk.music / "a.wav", options=["--dtype", "float16"]) == 1
    )
    assert "--dtype float32" in capsys.readouterr().err
    assert not (desk.out / "a.npy").exists()


def test_a_device_without_memory_is_explained(desk, monkeypatch, capsys):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(MusicEncoder, "encode_windows", full)
    assert desk.encode() == 2
    assert "--batch-size" in capsys.readouterr().err


def test_mistakes_of_ours_keep_their_traceback(desk, monkeypatch):
    def broken(*_):
        raise KeyError("mistake")

    monkeypatch.setattr(MusicEncoder, "encode_windows", broken)
    with pytest.raises(KeyError, match="mistake"):
        desk.encode()
