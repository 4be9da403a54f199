"""Temporary folders of killed processes go; those of living ones stay.

Authors
 * The mert_sb developers 2026
"""

import errno
import multiprocessing
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from mert_sb import leftovers
from mert_sb.inference.staging import staged_folder
from mert_sb.leftovers import temporary_folder
from mert_sb.store import Shelf, ShelfWriter

HOLDING = """
import sys, time
from mert_sb.leftovers import temporary_folder
with temporary_folder(sys.argv[1], ".part") as folder:
    (folder / "a").write_text("half")
    print(folder.name, flush=True)
    time.sleep(600)
"""
LEFT = f".part{leftovers.MACHINE}4567"


def children(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.skipif(leftovers.fcntl is None, reason="no locks here")
def test_a_folder_stays_while_its_process_lives_and_not_longer(tmp_path):
    script = [sys.executable, "-c", HOLDING, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.Popen(script, stdout=subprocess.PIPE, text=True, env=env)
    try:
        name = run.stdout.readline().strip()
        with temporary_folder(tmp_path, ".part") as ours:
            assert children(tmp_path) == {name, ours.name}
        assert children(tmp_path) == {name}
    finally:
        run.kill()
        run.communicate()
    with temporary_folder(tmp_path, ".part") as ours:
        assert children(tmp_path) == {ours.name}


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), temporary_folder(tmp_path, ".part") as ours:
        (ours / "a").write_text("half")
        raise KeyError
    assert children(tmp_path) == set()


def test_other_names_are_left_alone(tmp_path):
    # The second is where mert-sb encode works.
    others = {"shard-01234567", ".part", ".part0123", ".part-not-hexa"}
    for name in others:
        (tmp_path / name).mkdir()
    with temporary_folder(tmp_path, ".part"):
        pass
    assert children(tmp_path) == others


def test_without_locks_nothing_is_removed_but_ones_own(tmp_path, monkeypatch):
    def refuse(handle, how):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(leftovers.fcntl, "flock", refuse)
    (tmp_path / LEFT).mkdir()
    with temporary_folder(tmp_path, ".part") as ours:
        assert children(tmp_path) == {LEFT, ours.name}
    assert children(tmp_path) == {LEFT}


def test_what_another_machine_made_goes_after_a_day(tmp_path, monkeypatch):
    """Its lock need not be seen here."""
    monkeypatch.setattr(leftovers, "MACHINE", "0123")
    with temporary_folder(tmp_path, ".part") as theirs:
        monkeypatch.setattr(leftovers, "MACHINE", "4567")
        monkeypatch.setattr(leftovers.fcntl, "flock", lambda *_: None)
        with temporary_folder(tmp_path, ".part") as ours:
            assert children(tmp_path) == {theirs.name, ours.name}
        past = time.time() - 1.1 * leftovers.DAY
        os.utime(theirs, (past, past))
        with temporary_folder(tmp_path, ".part") as ours:
            assert children(tmp_path) == {ours.name}


def test_a_name_that_is_taken_is_passed_over(tmp_path, monkeypatch):
    drawn = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(leftovers.secrets, "token_hex", lambda n: next(drawn))
    with (
        temporary_folder(tmp_path, ".part") as first,
        temporary_folder(tmp_path, ".part") as second,
    ):
        names = [first.name[-4:], second.name[-4:]]
        assert first.is_dir() and names == ["aaaa", "bbbb"]


def test_a_folder_that_another_took_for_left_is_made_anew(
    tmp_path, monkeypatch
):
    lock, taken = leftovers._lock, []

    def lock_too_late(path):
        if not taken:
            taken.append(path.name)
            path.rmdir()
        return lock(path)

    monkeypatch.setattr(leftovers, "_lock", lock_too_late)
    with temporary_folder(tmp_path, ".part") as ours:
        assert ours.is_dir() and ours.name not in taken
    assert taken and children(tmp_path) == set()


def test_the_next_writer_of_a_shelf_removes_a_half_shard(tmp_path):
    writer = ShelfWriter(tmp_path, {"teacher": "a"}, dtype="uint16")
    (tmp_path / LEFT).mkdir()
    (tmp_path / LEFT / "keys.npy").write_bytes(b"half")
    writer.write("0", {"x": np.zeros((3, 2))})
    assert children(tmp_path) == {"shelf.json", "shard-0"}


STAMP = {"teacher": "a"}


def test_the_faster_of_two_processes_writes_the_shard(tmp_path, monkeypatch):
    writer = ShelfWriter(tmp_path, STAMP, dtype="uint16")
    replace = os.replace

    def too_late(source, target):
        shutil.copytree(source, target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", too_late)
    writer.write("0", {"x": np.ones((3, 2))})
    assert children(tmp_path) == {"shelf.json", "shard-0"}
    assert (Shelf(tmp_path)["x"] == 1).all()


def die_before_the_header(folder):
    """What a process does that is killed when its header has no name yet."""
    os.replace = lambda source, target: os._exit(9)
    ShelfWriter(folder, STAMP, dtype="uint16")


@pytest.mark.skipif(leftovers.fcntl is None, reason="no locks here")
def test_the_next_writer_of_a_shelf_removes_a_half_header(tmp_path):
    context = multiprocessing.get_context("fork")
    process = context.Process(target=die_before_the_header, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 9 and children(tmp_path)
    ShelfWriter(tmp_path, STAMP, dtype="uint16")
    assert children(tmp_path) == {"shelf.json"}


def test_a_shard_may_be_read_by_whom_the_folder_lets(tmp_path):
    former = os.umask(0o022)
    try:
        writer = ShelfWriter(tmp_path, {"teacher": "a"}, dtype="uint16")
        writer.write("0", {"x": np.zeros((3, 2))})
    finally:
        os.umask(former)
    assert (tmp_path / "shard-0").stat().st_mode & 0o777 == 0o755


def test_the_next_export_removes_a_half_one(tmp_path):
    (tmp_path / LEFT).mkdir()
    (tmp_path / LEFT / "student.safetensors").write_bytes(b"half")
    with staged_folder(tmp_path) as staging:
        (staging / "a").write_text("whole")
    assert children(tmp_path) == {"a"}
