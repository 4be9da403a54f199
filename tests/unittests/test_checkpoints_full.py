"""Checkpoints on a disk that fills up at each of their files.

Authors
 * The mert_sb developers 2026
"""

import errno

import pytest
import torch
from speechbrain.utils import distributed
from speechbrain.utils.epoch_loop import EpochCounter
from torch import nn

from mert_sb import checkpoints
from mert_sb.checkpoints import MARKER, CompleteCheckpointer
from mert_sb.pretraining.recovery import Recovery
from mert_sb.pretraining.spikes import LossWatch
from mert_sb.writing import NoRoomError
from tests.utils.small_disk import PAGE


def checkpointer(folder, weight=0.0):
    """Of objects of each kind that is saved."""
    model = nn.Linear(60, 60)
    nn.init.constant_(model.weight, weight)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 60)).sum().backward()
    optimizer.step()
    nn.init.constant_(model.weight, weight)
    counter = EpochCounter(9)
    counter.current = int(weight)
    recoverables = {
        "counter": counter,
        "model": model,
        "optimizer": optimizer,
        "losses": LossWatch(),
        "recovery": Recovery(),
    }
    return CompleteCheckpointer(folder, recoverables)


def test_each_file_may_find_no_room(disk):
    named, room = set(), 0
    while True:
        disk.clear()
        folder = disk.path / "save"
        first = checkpointer(folder, 1.0).save_checkpoint()
        files = {p.name: p.read_bytes() for p in first.path.iterdir()}
        disk.leave(room)
        second = checkpointer(folder, 2.0)
        try:
            second.save_and_keep_only(num_to_keep=2)
        except NoRoomError as error:
            named.add(error.filename.rpartition("/")[2].partition("+")[0])
            assert str(folder) in error.filename
            assert "No space left on device; make room" in str(error)
        else:
            break
        # The one before is as it was, and of the new one nothing is left.
        assert [p.name for p in folder.iterdir()] == [first.path.name]
        assert files == {p.name: p.read_bytes() for p in first.path.iterdir()}
        again = checkpointer(folder, 3.0)
        again.recover_if_possible()
        assert again.recoverables["model"].weight[0, 0] == 1.0
        disk.widen()
        second.save_and_keep_only(num_to_keep=2)
        again.recover_if_possible()
        assert again.recoverables["model"].weight[0, 0] == 2.0
        room += PAGE
    parts = {f"{name}.ckpt" for name in second.recoverables}
    # A page's worth of room more each time: each file in its turn has none.
    assert parts | {"CKPT.yaml"} <= named, named
    kept = second.list_checkpoints()
    assert len(kept) == 2 and all((c.path / MARKER).exists() for c in kept)


def test_who_finds_no_room_asks_no_other_process_for_anything(
    tmp_path, monkeypatch
):
    """They wait in a barrier; it would wait for them in its turn."""
    asked = []

    def full(checkpoint):
        asked.clear()
        raise OSError(errno.ENOSPC, "No space left on device")

    def broadcast(value, src=0):
        asked.append(value)
        return value

    monkeypatch.setattr(checkpoints, "_mark", full)
    monkeypatch.setattr(distributed, "ddp_broadcast", broadcast)
    with pytest.raises(NoRoomError):
        checkpointer(tmp_path).save_checkpoint()
    assert asked == [] and list(tmp_path.iterdir()) == []
