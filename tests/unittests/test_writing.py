"""Errors of writing name the file; what is written is whole or absent.

Authors
 * The mert_sb developers 2026
"""

import errno
import json
import os
import pickle
import resource
import shutil
import signal

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from speechbrain.utils.train_logger import FileTrainLogger

from mert_sb.audio.examine import Finding
from mert_sb.audio.journal import Journal
from mert_sb.audio.rows import write_rows, write_table
from mert_sb.inference.commands.skipping import skipping
from mert_sb.inference.staging import staged_file, staged_folder
from mert_sb.inference.tensors import save_weights
from mert_sb.pretraining.spikes import Reading, Step, write_spikes
from mert_sb.store import Shelf, ShelfWriter
from mert_sb.teachers.fitted import write_fitted
from mert_sb.writing import NoRoomError, appending, whole, writing
from tests.faults.small_disk import PAGE, small_disk

BIG = 50_000


@pytest.fixture(scope="module")
def mounted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disk")
    with small_disk(folder / "small", 400_000) as disk:
        yield disk


@pytest.fixture
def disk(mounted):
    mounted.clear()
    return mounted


def by_torch(path):
    torch.save({"a": torch.zeros(BIG)}, path)


def by_safetensors(path):
    save_file({"a": torch.zeros(BIG)}, path)


def by_numpy(path):
    with open(path, "wb") as file:
        np.save(file, np.zeros(BIG))


def by_numpy_packed(path):
    with open(path, "wb") as file:
        np.savez(file, a=np.zeros(BIG))


def by_soundfile(path):
    soundfile.write(path, np.zeros(BIG), 24_000, "FLOAT", format="WAV")


def by_python(path):
    path.write_bytes(bytes(2 * BIG))


def by_json(path):
    with open(path, "w") as file:
        json.dump(["a" * 100] * BIG, file)


def by_copying(path):
    source = path.parents[2] / "source"
    source.write_bytes(bytes(2 * BIG))
    shutil.copy(source, path)


def by_hdf5(path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=np.zeros(BIG))


WRITERS = [
    by_torch,
    by_safetensors,
    by_numpy,
    by_numpy_packed,
    by_soundfile,
    by_python,
    by_json,
    by_copying,
    by_hdf5,
]


@pytest.mark.parametrize("room", [0, 1, 3, 7])
@pytest.mark.parametrize("write", WRITERS)
def test_every_library_says_the_same_on_a_full_disk(disk, write, room):
    folder = disk.path / "results"
    folder.mkdir()
    disk.leave(room * PAGE)
    with pytest.raises(NoRoomError) as caught, whole(folder / "a.out") as aside:
        write(aside)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(folder / "a.out")
    text = str(caught.value)
    assert text.startswith("[Errno 28] No space left on device; make room")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("write", WRITERS)
def test_with_room_it_is_written(disk, write):
    folder = disk.path / "results"
    folder.mkdir()
    with small_disk(disk.path / "room", 10**7) as room:
        (room.path / "results").mkdir()
        path = room.path / "results" / "a.out"
        with whole(path) as aside:
            write(aside)
        assert [p.name for p in path.parent.iterdir()] == ["a.out"]
        assert path.stat().st_size > BIG


def test_a_limit_on_sizes_of_files_is_named(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, limits[1]))
    try:
        with (
            pytest.raises(NoRoomError, match="limit on sizes") as caught,
            whole(tmp_path / "a") as aside,
        ):
            by_python(aside)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def test_other_errors_are_left_alone_or_named(tmp_path):
    with pytest.raises(RuntimeError, match="^shapes$"), writing(tmp_path / "a"):
        raise RuntimeError("shapes")
    with pytest.raises(ValueError), writing(tmp_path / "a"):
        raise ValueError
    absent = tmp_path / "absent" / "a"
    with pytest.raises(FileNotFoundError) as caught, writing(tmp_path / "b"):
        absent.write_text("")
    assert caught.value.filename == str(absent)
    with pytest.raises(OSError) as caught, writing(tmp_path / "c"):
        raise OSError(errno.EIO, "Input/output error")
    assert caught.value.filename == str(tmp_path / "c")
    assert not isinstance(caught.value, NoRoomError)


def test_the_innermost_name_stays(tmp_path):
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    with pytest.raises(NoRoomError) as caught, writing(outer), writing(inner):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(inner)


def test_the_error_outlives_a_process():
    error = NoRoomError(errno.ENOSPC, "No space left on device", "a.npy")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is NoRoomError and str(again) == str(error)


def test_what_was_there_stays(disk):
    path = disk.path / "a.json"
    write_rows(path, {"a": {"wav": "b"}})
    before = path.read_bytes()
    disk.leave(PAGE)
    rows = {str(number): {"wav": "c" * 100} for number in range(1_000)}
    with pytest.raises(NoRoomError, match="a.json"):
        write_rows(path, rows)
    with pytest.raises(NoRoomError, match="b.csv"):
        write_table(disk.path / "b.csv", ["a"], [["c" * 100]] * 1_000)
    assert path.read_bytes() == before
    disk.widen()
    assert [p.name for p in disk.path.iterdir()] == ["a.json"]
    write_rows(path, rows)
    assert len(json.loads(path.read_text())) == 1_000


LONG = "x" * 3_000


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_line_that_finds_no_room_is_taken_back(disk, room):
    path = disk.path / "log.txt"
    logger = FileTrainLogger(path)
    with appending(path):
        logger.log_stats({"note": LONG}, verbose=False)
    before = path.read_bytes()
    disk.leave(room * PAGE)
    with pytest.raises(NoRoomError, match="log.txt"):
        for _ in range(20):
            with appending(path):
                logger.log_stats({"note": LONG}, verbose=False)
    lines = path.read_text().splitlines()
    assert set(lines) == {f"note: {LONG}"} and path.read_bytes()[-1:] == b"\n"
    assert path.read_bytes().startswith(before)


def test_a_table_of_spikes_keeps_its_rows(disk):
    path = disk.path / "spikes.csv"

    def spike(number):
        steps = [Step(number, 9.0, [LONG])]
        write_spikes(path, Reading(steps, 2.0, 0.1, 3.0))

    spike(1)
    disk.leave(PAGE)
    with pytest.raises(NoRoomError, match="spikes.csv"):
        for number in range(2, 20):
            spike(number)
    found = len(path.read_text().splitlines())
    disk.widen()
    spike(99)
    lines = path.read_text().splitlines()
    assert len(lines) == found + 1 and lines[-1].startswith("99,")
    assert all(line.count(LONG) == 1 for line in lines[1:])


def test_a_journal_goes_on_where_there_was_no_room(disk):
    path = disk.path / "prepare.jsonl"
    stat = os.stat(disk.path)
    finding = Finding(8_000, 8_000, "")
    names = [f"{number}{LONG}" for number in range(40)]
    disk.leave(20 * PAGE)
    with pytest.raises(NoRoomError, match="prepare.jsonl") as caught:
        with Journal(path, {}) as journal:
            for name in names:
                journal.add(name, stat, finding)
    assert caught.value.filename == str(path)
    disk.widen()
    with Journal(path, {}) as journal:
        known = [journal.find(name, stat) == finding for name in names]
        assert 15 < sum(known) < 40 and known == sorted(known, reverse=True)
        for name in names[sum(known) :]:
            journal.add(name, stat, finding)
    again = Journal(path, {})
    assert all(again.find(name, stat) == finding for name in names)


@pytest.mark.parametrize("room", range(8))
def test_a_shard_is_whole_or_absent(disk, room):
    folder = disk.path / "shelf"
    writer = ShelfWriter(folder, {"a": 1}, dtype="float32")
    first = {"a": np.ones((3, 2), np.float32)}
    writer.write("0", first)
    second = {"b": np.ones(5_000, np.float32), "c": np.zeros(9, np.float32)}
    disk.leave(room * PAGE)
    with pytest.raises(NoRoomError, match="shelf"):
        writer.write("1", second)
    assert not writer.done("1")
    assert {p.name for p in folder.iterdir()} == {"shelf.json", "shard-0"}
    np.testing.assert_array_equal(Shelf(folder)["a"], first["a"])
    disk.widen()
    writer.write("1", second)
    np.testing.assert_array_equal(Shelf(folder)["b"], second["b"])


@pytest.mark.parametrize("room", [0, 1, 9])
def test_fitted_files_and_weights_are_whole_or_absent(disk, room):
    tensors = {"a": torch.zeros(BIG)}
    disk.leave(room * PAGE)
    for name, write in (
        ("a", lambda path: write_fitted(path, "kmeans", tensors, {}, {})),
        ("b", lambda path: save_weights(tensors, path)),
    ):
        path = disk.path / f"{name}.safetensors"
        with pytest.raises(NoRoomError) as caught:
            write(path)
        assert caught.value.filename == str(path)
    assert not (disk.path / "a.safetensors").exists()
    assert not list(disk.path.glob("*.tmp"))


@pytest.mark.parametrize("write", WRITERS)
def test_a_folder_that_finds_no_room_keeps_what_it_had(disk, write):
    folder = disk.path / "results"
    folder.mkdir()
    (folder / "former").write_text("1")
    disk.leave(2 * PAGE)
    with pytest.raises(NoRoomError) as caught:
        with staged_folder(folder) as staging:
            write(staging / "a")
    assert str(folder) in caught.value.filename
    with pytest.raises(NoRoomError) as caught:
        with staged_file(folder / "b") as staging:
            write(staging)
    assert str(folder) in caught.value.filename
    assert [path.name for path in folder.iterdir()] == ["former"]
    with pytest.raises(NoRoomError), staged_folder(disk.path / "new") as staging:
        write(staging / "a")
    assert not (disk.path / "new").exists()


def test_no_file_is_blamed_for_a_full_disk():
    skipped = {}
    with pytest.raises(NoRoomError), skipping("a.wav", skipped, ""):
        raise NoRoomError(errno.ENOSPC, "No space left on device", "b.wav")
    assert skipped == {}
