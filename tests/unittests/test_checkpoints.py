"""Checkpoints: complete or absent, whatever kills the run.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from speechbrain.utils.checkpoints import (
    ckpt_recency,
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)

from mert_sb.checkpoints import MARKER, CompleteCheckpointer


@register_checkpoint_hooks
class Number:
    """Something to save, which may be killed half way."""

    def __init__(self, value=0):
        self.value = value
        self.killed = False

    @mark_as_saver
    def save(self, path):
        text = str(self.value)
        with open(path, "w") as file:
            file.write(text[:1])
            if self.killed:
                raise KeyboardInterrupt
            file.write(text[1:])

    @mark_as_loader
    def load(self, path, end_of_epoch):
        del end_of_epoch
        with open(path) as file:
            self.value = int(file.read())


@pytest.fixture
def number():
    return Number()


@pytest.fixture
def checkpointer(tmp_path, number):
    model = torch.nn.Linear(2, 1)
    return CompleteCheckpointer(tmp_path, {"model": model, "number": number})


def save(checkpointer, number, value, **meta):
    number.value = value
    return checkpointer.save_checkpoint(meta)


def kill_while_saving(checkpointer, number, value):
    number.killed = True
    with pytest.raises(KeyboardInterrupt):
        save(checkpointer, number, value)
    number.killed = False


def recovered(checkpointer, number):
    number.value = -1
    checkpointer.recover_if_possible()
    return number.value


def test_the_newest_whole_checkpoint_is_recovered(checkpointer, number):
    weight = checkpointer.recoverables["model"].weight
    for value in (10, 11, 12):
        with torch.no_grad():
            weight.fill_(value)
        save(checkpointer, number, value)
    with torch.no_grad():
        weight.zero_()
    assert recovered(checkpointer, number) == 12
    assert (weight == 12).all()


def test_a_run_killed_while_saving_goes_on_from_the_one_before(
    checkpointer, number
):
    save(checkpointer, number, 10)
    kill_while_saving(checkpointer, number, 99)
    assert len(checkpointer.list_checkpoints()) == 1
    assert recovered(checkpointer, number) == 10
    # SpeechBrain alone would take the half-written one.
    assert len(list(checkpointer.checkpoints_dir.iterdir())) == 2


def test_a_run_killed_in_its_first_saving_starts_anew(checkpointer, number):
    kill_while_saving(checkpointer, number, 99)
    assert recovered(checkpointer, number) == -1


def test_a_checkpoint_without_its_marker_is_invisible(checkpointer, number):
    whole = save(checkpointer, number, 10, loss=2.0)
    unmarked = save(checkpointer, number, 11, loss=1.0)
    (unmarked.path / MARKER).unlink()
    assert [c.path for c in checkpointer.list_checkpoints()] == [whole.path]
    for search in ({}, {"min_key": "loss"}, {"max_key": "loss"}):
        assert checkpointer.find_checkpoint(**search).path == whole.path


def test_the_unfinished_are_discarded_and_the_whole_kept(checkpointer, number):
    whole = [save(checkpointer, number, value).path for value in (10, 11)]
    kill_while_saving(checkpointer, number, 99)
    checkpointer.discard_unfinished()
    assert set(checkpointer.checkpoints_dir.iterdir()) == set(whole)
    assert recovered(checkpointer, number) == 11


@pytest.mark.parametrize("gone", ["CKPT.yaml", "model.ckpt", MARKER])
def test_a_run_killed_while_deleting_leaves_nothing_that_counts(
    checkpointer, number, gone
):
    half = save(checkpointer, number, 10, loss=1.0)
    (half.path / gone).unlink()
    whole = save(checkpointer, number, 11, loss=2.0)
    for search in ({}, {"min_key": "loss"}):
        assert checkpointer.find_checkpoint(**search).path == whole.path
    checkpointer.discard_unfinished()
    assert list(checkpointer.checkpoints_dir.iterdir()) == [whole.path]


def test_a_checkpoint_of_an_earlier_version_counts(checkpointer, number):
    former = save(checkpointer, number, 10)
    (former.path / MARKER).write_text("")
    checkpointer.discard_unfinished()
    assert recovered(checkpointer, number) == 10


def test_what_is_no_checkpoint_is_not_discarded(checkpointer, number):
    manifest = checkpointer.checkpoints_dir / "train.json"
    manifest.write_text("{}")
    (checkpointer.checkpoints_dir / "tensorboard").mkdir()
    checkpointer.discard_unfinished()
    assert manifest.is_file()
    assert (checkpointer.checkpoints_dir / "tensorboard").is_dir()


def test_the_marker_is_written_last(checkpointer, number, monkeypatch):
    from mert_sb import checkpoints

    seen = []

    def watch(descriptor):
        seen.append(list(checkpointer.checkpoints_dir.glob(f"*/{MARKER}")))

    monkeypatch.setattr(checkpoints.os, "fsync", watch)
    checkpoint = save(checkpointer, number, 10)
    # Each file, CKPT.yaml too, is on the disk before the marker says so.
    assert seen == [[]] * (len(checkpoint.paramfiles) + 1)
    assert (checkpoint.path / MARKER).is_file()


def test_best_and_latest_are_kept(checkpointer, number):
    for value, loss in enumerate([3.0, 1.0, 2.0, 2.5]):
        number.value = value
        checkpointer.save_and_keep_only(
            meta={"loss": loss},
            min_keys=["loss"],
            num_to_keep=1,
            importance_keys=[ckpt_recency],
        )
    kept = checkpointer.list_checkpoints()
    assert sorted(c.meta["loss"] for c in kept) == [1.0, 2.5]
    assert all((c.path / MARKER).exists() for c in kept)
    assert recovered(checkpointer, number) == 3
    checkpointer.recover_if_possible(min_key="loss")
    assert number.value == 1


def test_an_unfinished_one_costs_no_whole_one(checkpointer, number):
    for loss in (1.0, 2.0):
        checkpointer.save_and_keep_only(
            meta={"loss": loss},
            min_keys=["loss"],
            importance_keys=[ckpt_recency],
        )
        kill_while_saving(checkpointer, number, 99)
    kept = checkpointer.list_checkpoints()
    assert sorted(c.meta["loss"] for c in kept) == [1.0, 2.0]


def test_meta_and_names_are_speechbrains(checkpointer):
    checkpoint = checkpointer.save_checkpoint(
        meta={"step": 7}, end_of_epoch=False, name="seven"
    )
    assert checkpoint.path.name == "CKPT+seven"
    assert checkpointer.find_checkpoint().meta["step"] == 7
    assert not checkpointer.find_checkpoint().meta["end-of-epoch"]
