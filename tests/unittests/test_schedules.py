"""Schedules: the right number at each step, the same wherever it is read.

Authors
 * The mert_sb developers 2026
"""

from types import SimpleNamespace

import pytest
import speechbrain as sb
import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.utils.checkpoints import Checkpointer
from speechbrain.utils.data_pipeline import provides, takes
from speechbrain.utils.epoch_loop import EpochCounter

from mert_sb.pretraining.schedules import EpochStart, Schedule
from mert_sb.pretraining.stepping import SteppingBrain


def test_a_number_is_for_always():
    schedule = Schedule(0.8, "mask_probability", first=0)
    assert [schedule(now) for now in (0, 1, 10**9)] == [0.8] * 3
    assert schedule.last == 0.8 and schedule.starts == [0]
    # Nothing ends, however short training is.
    schedule.refuse_after(-1, "step")


def test_stages_begin_where_they_say():
    schedule = Schedule([[0, 2], [100, 5], [250, 10]], "mask_length", first=0)
    found = [schedule(now) for now in (-1, 0, 99, 100, 249, 250, 10**9)]
    assert found == [2, 2, 2, 5, 5, 10, 10]
    assert schedule.last == 10


def test_epochs_begin_at_one_and_what_is_before_counts_as_the_first():
    schedule = Schedule([[1, 74], [3, 376]], "crop_frames", first=1)
    assert [schedule(epoch) for epoch in range(5)] == [74, 74, 74, 376, 376]


@pytest.mark.parametrize(
    "value, message",
    [
        ([], "neither a number nor"),
        ("0.8", "neither a number nor"),
        (True, "neither a number nor"),
        (None, "neither a number nor"),
        ([0.8], "neither a number nor"),
        ([[0, 0.8, 1]], "neither a number nor"),
        ([[0.5, 0.8]], "neither a number nor"),
        ([[0, "much"]], "neither a number nor"),
        ({0: 0.8}, "neither a number nor"),
        ([[5, 0.8]], "must begin at 0"),
        ([[0, 0.1], [0, 0.2]], "after the one before"),
        ([[0, 0.1], [9, 0.2], [5, 0.3]], "after the one before"),
    ],
)
def test_what_is_no_schedule_is_refused(value, message):
    with pytest.raises(ValueError, match=f"mask_probability: .*{message}"):
        Schedule(value, "mask_probability", first=0)


def test_a_schedule_that_ends_after_training_is_refused():
    schedule = Schedule([[0, 0.4], [100, 0.8]], "mask_probability", first=0)
    schedule.refuse_after(100, "step")
    with pytest.raises(ValueError, match="mask_probability.*step 100.*step 99"):
        schedule.refuse_after(99, "step")


class Stepping(SimpleNamespace):
    epoch_began = SteppingBrain.epoch_began


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("lost", [0, 6, 7])
def test_the_start_of_an_epoch_does_not_move_within_it(factor, lost):
    """Nor by batches that a return after a divergence took back."""
    # What a return took back may end between two steps of the optimizer.
    brain = Stepping(
        optimizer_step=40,
        step=lost,
        grad_accumulation_factor=factor,
        recovery=SimpleNamespace(lost=lost),
    )
    began = EpochStart(SimpleNamespace(recoverables={"brain": brain}))
    for batch in range(1, 8):
        brain.step = lost + batch
        brain.optimizer_step += brain.step % factor == 0
        assert began() == 40


def test_before_there_is_a_brain_nothing_has_begun():
    assert EpochStart(SimpleNamespace(recoverables={}))() == 0


class Watched(sb.Brain):
    """Learns nothing and keeps what it was given."""

    recovery = SimpleNamespace(lost=0)
    epoch_began = SteppingBrain.epoch_began

    def compute_forward(self, batch, stage):
        self.seen.append(list(batch.began))
        return self.modules.model(torch.zeros(1, 1)).sum()

    def compute_objectives(self, predictions, batch, stage):
        return predictions


def watched(folder, epochs, num_workers, limit=None):
    """Six batches an epoch, three steps; what the reading processes saw."""
    checkpointer = Checkpointer(folder)
    counter = EpochCounter(epochs)
    checkpointer.add_recoverable("counter", counter)
    began = EpochStart(checkpointer)

    @takes("id")
    @provides("began")
    def pipeline(item):
        return began()

    rows = {str(row): {"wav": "a"} for row in range(12)}
    data = DynamicItemDataset(rows, [pipeline], ["began"])
    brain = Watched(
        {"model": torch.nn.Linear(1, 1)},
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        run_opts={
            "grad_accumulation_factor": 2,
            "optimizer_step_limit": limit,
            "noprogressbar": True,
            "ckpt_interval_steps": 2,
        },
        checkpointer=checkpointer,
    )
    brain.seen = []
    brain.fit(
        counter,
        data,
        train_loader_kwargs={"batch_size": 2, "num_workers": num_workers},
    )
    return brain.seen


@pytest.mark.parametrize("num_workers", [0, 1])
def test_readers_see_the_step_at_which_their_epoch_began(tmp_path, num_workers):
    seen = watched(tmp_path, 3, num_workers)
    assert seen == [[epoch * 3] * 2 for epoch in range(3) for _ in range(6)]


def test_a_restart_in_mid_epoch_sees_the_same_step(tmp_path):
    # Four steps: the second epoch ends after two of its six batches.
    watched(tmp_path, 3, 0, limit=4)
    seen = watched(tmp_path, 3, 0)
    assert seen[0] == [3, 3] and seen[-1] == [6, 6]
    # The second epoch is gone on with, not begun again.
    assert len(seen) < 12
