"""Logs, tables, shards and weights on a disk that fills up.

Authors
 * The mert_sb developers 2026
"""

import json
import os

import numpy as np
import pytest
import torch
from speechbrain.utils.train_logger import FileTrainLogger

from mert_sb.audio.examine import Finding
from mert_sb.audio.journal import Journal
from mert_sb.audio.rows import write_rows, write_table
from mert_sb.inference.tensors import save_weights
from mert_sb.pretraining.spikes import Reading, Step, write_spikes
from mert_sb.store import Shelf, ShelfWriter
from mert_sb.teachers.fitted import write_fitted
from mert_sb.writing import NoRoomError, appending
from tests.utils.small_disk import PAGE

BIG = 50_000


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
