"""Features on disk: written piece by piece, whole or absent.

Authors
 * The mert_sb developers 2026
"""

import os
import time

import numpy as np
import pytest
import torch

from mert_sb.inference.commands.staged import (
    MeanFile,
    NotFiniteError,
    StatesFile,
)
from mert_sb.inference.commands.writers import STORES, NpyFolder
from mert_sb.inference.features import Features, mean_over_time


def states(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=["npy", "npz", "hdf5"])
def store(request, tmp_path):
    if request.param == "hdf5":
        pytest.importorskip("h5py")
    return STORES[request.param](tmp_path / "out")


def keep(store, name, array, times=None):
    """Keep an array under a name."""
    store.folder.mkdir(exist_ok=True)
    staged = store.folder.parent / "staged.npy"
    np.save(staged, array)
    store.keep(staged, name, times)
    assert not staged.exists()


def test_the_same_features_are_the_same_bytes_on_another_day(store):
    contents = []
    for second in (10**9, 10**9 + 100_000):
        store.folder.mkdir(exist_ok=True)
        staged = store.folder.parent / "staged.npy"
        np.save(staged, states(3, 50, 4))
        os.utime(staged, (second, second))
        store.keep(staged, "a", np.arange(50.0))
        [path] = store.folder.iterdir()
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("shape", [(3, 50, 4), (50, 4), (1, 50, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_pieces_make_the_file_that_numpy_would_write(tmp_path, shape, dtype):
    whole = states(*shape)
    file = StatesFile(tmp_path / "a.npy", dtype, 50)
    for piece in whole.split([7, 1, 42], dim=-2):
        file.add(piece)
    file.finish()
    np.save(tmp_path / "b.npy", whole.numpy().astype(dtype))
    read = (tmp_path / "a.npy").read_bytes()
    assert read == (tmp_path / "b.npy").read_bytes()


def test_a_file_that_lacks_frames_is_not_finished(tmp_path):
    file = StatesFile(tmp_path / "a.npy", "float32", 50)
    file.add(states(2, 49, 4))
    with pytest.raises(ValueError, match="49 of 50 frames"):
        file.finish()


def test_waiting_files_are_not_open(tmp_path):
    files = [StatesFile(tmp_path / f"{i}.npy", "float32", 1) for i in range(9)]
    assert not list(tmp_path.iterdir())
    for file in files:
        file.close()


def test_the_mean_is_that_of_encode_file(tmp_path):
    pieces = states(3, 50, 4).split(20, dim=-2)
    file = MeanFile(tmp_path / "a.npy", "float32", 50)
    for piece in pieces:
        file.add(piece)
    file.finish()
    expected = mean_over_time(Features(piece, None) for piece in pieces)
    np.testing.assert_array_equal(
        np.load(tmp_path / "a.npy"), expected.states.numpy()
    )


@pytest.mark.parametrize("kind", [StatesFile, MeanFile])
@pytest.mark.parametrize(
    ("value", "remedy"),
    [(7e4, "--dtype float32"), (float("nan"), "--precision fp32")],
)
def test_what_float16_cannot_hold_is_refused(tmp_path, kind, value, remedy):
    file = kind(tmp_path / "a.npy", "float16", 2)
    with pytest.raises(NotFiniteError, match=remedy):
        file.add(torch.full((2, 4), value))
        file.finish()
    file.close()


def test_a_name_is_there_once_it_is_kept(store):
    assert store.names() == set()
    keep(store, "b/a é", states(2, 4))
    keep(store, "c.d", states(2, 4))
    assert store.names() == {"b/a é", "c.d"}
    store.remove(["c.d", "absent"])
    assert store.names() == {"b/a é"}
    store.remove(["b/a é"])
    assert store.names() == set()


def test_keeping_again_replaces(store):
    keep(store, "a", np.zeros((2, 3)), np.zeros(3))
    keep(store, "a", np.ones((4, 5)))
    assert store.names() == {"a"}


def test_temporary_files_are_no_outputs(tmp_path):
    (tmp_path / ".part").mkdir()
    np.save(tmp_path / ".part" / "0.npy", np.zeros(2))
    assert NpyFolder(tmp_path).names() == set()


@pytest.mark.parametrize("form", ["npz", "hdf5"])
def test_a_packed_file_holds_states_and_times(tmp_path, form):
    load = np.load
    if form == "hdf5":
        load = pytest.importorskip("h5py").File
    times = np.arange(50.0)
    store = STORES[form](tmp_path / "out")
    keep(store, "a", states(2, 50, 4).numpy(), times)
    (path,) = store.folder.iterdir()
    with load(path) as file:
        np.testing.assert_array_equal(file["states"], states(2, 50, 4))
        np.testing.assert_array_equal(file["times"], times)


def test_the_same_features_are_the_same_bytes(store, monkeypatch):
    array, times = states(2, 9, 4).numpy(), np.arange(9.0)
    keep(store, "a", array, times)
    later = time.time() + 10_000
    monkeypatch.setattr(time, "time", lambda: later)
    keep(store, "b", array, times)
    assert store.path("a").read_bytes() == store.path("b").read_bytes()
