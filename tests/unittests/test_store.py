"""The shelf: what is written is read back, whole shards only.

Authors
 * The mert_sb developers 2026
"""

import multiprocessing
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mert_sb import store
from mert_sb.store import Shelf, ShelfWriter, differences

STAMP = {"teacher": "A", "sample_rate": 24_000, "checksum": None}


def codes(n, seed=0, length=7):
    """Arrays of n keys and as many lengths."""
    rng = np.random.default_rng(seed)
    return {
        f"{seed}/{key}": rng.integers(60_000, size=(key % length + 1, 3, 2))
        for key in range(n)
    }


def assert_holds(shelf, arrays):
    assert len(shelf) == len(arrays)
    for key, array in arrays.items():
        assert key in shelf
        assert shelf[key].dtype == shelf.dtype
        np.testing.assert_array_equal(shelf[key], array.astype(shelf.dtype))


def written(folder, n_shards=3, n=20, dtype="uint16"):
    """A shelf's content, after writing it."""
    writer = ShelfWriter(folder, STAMP, dtype=dtype)
    arrays = {}
    for seed in range(n_shards):
        shard = codes(n, seed)
        writer.write(f"{seed:06d}", shard)
        arrays |= shard
    return arrays


@pytest.mark.parametrize("dtype", ["uint16", "float16", "int64"])
@pytest.mark.parametrize("n_shards", [1, 3, 40])
def test_ragged_arrays_of_many_shards_come_back(tmp_path, n_shards, dtype):
    arrays = written(tmp_path, n_shards, dtype=dtype)
    assert_holds(Shelf(tmp_path, STAMP), arrays)


def test_the_largest_code_comes_back(tmp_path):
    writer = ShelfWriter(tmp_path, STAMP, dtype="uint16")
    writer.write("0", {"a": np.array([[0, 1_023, 2**16 - 1]])})
    assert Shelf(tmp_path)["a"].tolist() == [[0, 1_023, 2**16 - 1]]


def test_arrays_are_views_that_cannot_be_changed(tmp_path):
    arrays = written(tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        Shelf(tmp_path)[next(iter(arrays))][:] = 0


def test_strided_arrays_and_subclasses_are_written_in_order(tmp_path):
    array = np.arange(24).reshape(4, 6)
    writer = ShelfWriter(tmp_path, STAMP, dtype="uint16")
    writer.write("0", {"turned": array.T, "thinned": array[::2, ::3]})
    assert_holds(
        Shelf(tmp_path), {"turned": array.T, "thinned": array[::2, ::3]}
    )


def test_keys_may_be_any_text(tmp_path):
    keys = [
        "Füße/Øre.flac",
        "音楽",
        "a b",
        "a\nb",
        "x" * 500,
        "é",
        "e\u0301",
        "",
    ]
    arrays = {key: np.full((1, 2), n) for n, key in enumerate(keys)}
    ShelfWriter(tmp_path, STAMP, dtype="uint16").write("0", arrays)
    assert_holds(Shelf(tmp_path), arrays)


def test_an_unknown_key_names_itself_and_the_shelf(tmp_path):
    written(tmp_path)
    shelf = Shelf(tmp_path)
    assert "absent" not in shelf
    with pytest.raises(KeyError) as error:
        shelf["absent"]
    assert "'absent'" in str(error.value)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("constant", [0, 7, 2**64 - 1])
def test_keys_of_equal_hash_are_told_apart(tmp_path, monkeypatch, constant):
    monkeypatch.setattr(store, "_hash", lambda key: constant)
    arrays = written(tmp_path)
    shelf = Shelf(tmp_path)
    assert_holds(shelf, arrays)
    assert "absent" not in shelf


def test_an_empty_shelf_opens_and_holds_nothing(tmp_path):
    ShelfWriter(tmp_path, STAMP, dtype="uint16")
    shelf = Shelf(tmp_path, STAMP)
    assert len(shelf) == 0
    assert "a" not in shelf


def test_a_folder_that_is_no_shelf_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="shelf.json.*extract_targets"):
        Shelf(tmp_path / "absent")


def test_differences_name_keys_and_both_values_but_not_what_is_left_open():
    found = {"a": 1, "b": 2, "extra": 3}
    assert differences(found, {"a": 1, "b": 3, "c": 4, "extra": None}) == [
        "b is 2, not 3",
        "c is None, not 4",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_only_shards_that_are_asked_for_are_mapped(tmp_path):
    arrays = written(tmp_path)

    def mapped():
        lines = Path("/proc/self/maps").read_text().splitlines()
        return sum(str(tmp_path) in line for line in lines)

    shelf = Shelf(tmp_path)
    assert mapped() == 0
    shelf[next(iter(arrays))]
    assert mapped() == 2
    assert_holds(shelf, arrays)
    assert mapped() == 6


@pytest.mark.parametrize("opened", [Shelf, ShelfWriter])
def test_another_fingerprint_is_refused_with_the_key_named(tmp_path, opened):
    arrays = written(tmp_path)
    options = {} if opened is Shelf else {"dtype": "uint16"}
    other = {**STAMP, "sample_rate": 16_000}
    with pytest.raises(ValueError, match="sample_rate is 24000, not 16000"):
        opened(tmp_path, other, **options)
    assert_holds(Shelf(tmp_path), arrays)


def test_another_dtype_is_refused_with_both_named(tmp_path):
    written(tmp_path)
    with pytest.raises(ValueError, match="dtype is uint16, not float16"):
        ShelfWriter(tmp_path, STAMP, dtype="float16")


@pytest.mark.parametrize("change", [lambda d: d[:-100], lambda d: d + b"00"])
def test_a_damaged_shard_names_itself(tmp_path, change):
    written(tmp_path)
    path = tmp_path / "shard-000001" / "data.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match="shard-000001 is damaged; delete"):
        Shelf(tmp_path, STAMP)


def test_a_second_writer_continues(tmp_path):
    arrays = written(tmp_path)
    writer = ShelfWriter(tmp_path, STAMP, dtype="uint16")
    assert [writer.done(f"{n:06d}") for n in range(4)] == [True] * 3 + [False]
    more = codes(5, seed=9)
    writer.write("000003", more)
    assert writer.done("000003")
    assert_holds(Shelf(tmp_path, STAMP), arrays | more)


def test_a_second_writer_leaves_the_first_ones_fingerprint(tmp_path):
    written(tmp_path)
    # What it leaves open is not compared, and not forgotten either.
    ShelfWriter(tmp_path, {"teacher": "A"}, dtype="uint16")
    assert Shelf(tmp_path).fingerprint == STAMP


def stopped(*_):
    raise KeyboardInterrupt


def test_a_shard_half_written_is_as_if_it_were_not(tmp_path, monkeypatch):
    arrays = written(tmp_path)
    writer = ShelfWriter(tmp_path, STAMP, dtype="uint16")
    for part in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, part, stopped)
            with pytest.raises(KeyboardInterrupt):
                writer.write("000003", codes(5, seed=9))
        assert not writer.done("000003")
        assert_holds(Shelf(tmp_path), arrays)
    more = codes(6, seed=9)
    writer.write("000003", more)
    assert_holds(Shelf(tmp_path), arrays | more)


def test_what_another_process_left_half_written_is_not_read(tmp_path):
    arrays = written(tmp_path)
    left = tmp_path / ".000003.1"
    left.mkdir()
    (left / "keys.npy").write_bytes(b"half")
    assert_holds(Shelf(tmp_path), arrays)


def write_some(folder, rank):
    """What one of several processes does."""
    writer = ShelfWriter(folder, STAMP, dtype="uint16")
    for seed in range(rank, 12, 3):
        writer.write(f"{seed:06d}", codes(10, seed))


def test_several_processes_share_a_folder(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=write_some, args=(tmp_path, rank))
        for rank in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    arrays = {}
    for seed in range(12):
        arrays |= codes(10, seed)
    assert_holds(Shelf(tmp_path, STAMP), arrays)


def test_two_hundred_thousand_keys_open(tmp_path):
    writer = ShelfWriter(tmp_path, STAMP, dtype="uint16")
    for shard in range(2):
        keys = range(shard * 100_000, (shard + 1) * 100_000)
        arrays = {f"{k:06d}": np.array([[k % 2**16]]) for k in keys}
        writer.write(str(shard), arrays)
    shelf = Shelf(tmp_path)
    assert len(shelf) == 200_000
    for key in (0, 99_999, 100_000, 199_999):
        assert shelf[f"{key:06d}"].item() == key % 2**16
    assert "200000" not in shelf


class Rows(torch.utils.data.Dataset):
    """A data set that holds a shelf."""

    def __init__(self, shelf, keys):
        self.shelf, self.keys = shelf, keys

    def __len__(self):
        return len(self.keys)

    def __getitem__(self, index):
        return torch.from_numpy(self.shelf[self.keys[index]].astype("int64"))


def test_workers_read_what_the_main_process_reads(tmp_path):
    arrays = written(tmp_path)
    loader = torch.utils.data.DataLoader(
        Rows(Shelf(tmp_path), list(arrays)),
        batch_size=None,
        num_workers=2,
        multiprocessing_context="fork",
    )
    for read, array in zip(loader, arrays.values(), strict=True):
        assert torch.equal(read, torch.from_numpy(array))


def test_a_pickled_shelf_reads_the_same(tmp_path):
    arrays = written(tmp_path)
    assert_holds(pickle.loads(pickle.dumps(Shelf(tmp_path))), arrays)
