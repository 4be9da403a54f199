"""Errors of writing name the file; what is written is whole or absent.

Authors
 * The mert_sb developers 2026
"""

import errno
import json
import pickle
import resource
import shutil
import signal

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from mert_sb.inference.commands.skipping import skipping
from mert_sb.inference.staging import staged_file, staged_folder
from mert_sb.recipe import keep_script
from mert_sb.writing import NoRoomError, whole, writing
from tests.utils.small_disk import PAGE, small_disk

BIG = 50_000


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


def test_a_script_is_kept_where_there_is_room(disk):
    keep_script(keep_script, disk.path)
    (disk.path / "recipe.py").unlink()
    disk.leave(0)
    with pytest.raises(NoRoomError, match="make room"):
        keep_script(keep_script, disk.path)


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
    with (
        pytest.raises(NoRoomError),
        staged_folder(disk.path / "new") as staging,
    ):
        write(staging / "a")
    assert not (disk.path / "new").exists()


def test_a_new_folder_that_others_use_hides_no_error(tmp_path):
    folder = tmp_path / "new"
    with pytest.raises(IsADirectoryError), staged_folder(folder) as staging:
        (staging / "a").write_text("1")
        (folder / "a").mkdir()
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_no_file_is_blamed_for_a_full_disk():
    skipped = {}
    with pytest.raises(NoRoomError), skipping("a.wav", skipped, ""):
        raise NoRoomError(errno.ENOSPC, "No space left on device", "b.wav")
    assert skipped == {}
