"""Loss spikes and recovery: levels, tables, judgements and good checkpoints.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mert_sb.checkpoints import CompleteCheckpointer
from mert_sb.pretraining.recovery import Recovery
from mert_sb.pretraining.spikes import LossWatch, Reading, Step, write_spikes


def watched(watch, losses, first=1):
    """Passes losses, each of one micro-batch, with its number as its clip."""
    for number, loss in enumerate(losses, first):
        watch.add(torch.tensor(loss), torch.tensor(1.0), [str(number)])
        watch.close(number)


def series(length):
    """A falling loss with two spikes and one that is no number."""
    rng = np.random.default_rng(0)
    losses = 5 + 3 * np.exp(-np.arange(length) / 20)
    losses += 0.1 * rng.standard_normal(length)
    losses[[33, 57]] += 30.0
    losses[46] = math.nan
    return losses.astype("float32")


def naive_spikes(losses, window, factor, interval):
    """Steps and thresholds, one by one."""
    found = []
    for index, loss in enumerate(losses):
        begin = index - index % interval
        before = losses[:begin]
        level = before[np.isfinite(before)][-window:].astype("float64")
        threshold = math.inf
        if len(level) >= 10:
            center = np.median(level)
            spread = 1.4826 * np.median(np.abs(level - center))
            threshold = center + factor * max(spread, 0.001 * center)
        if not loss <= threshold or math.isinf(loss):
            found.append((index + 1, pytest.approx(threshold)))
    return found


@pytest.mark.parametrize(("window", "interval"), [(10, 1), (25, 4), (60, 7)])
def test_spikes_are_those_of_a_running_median(window, interval):
    losses = series(70)
    watch, found = LossWatch(window=window, factor=8.0), []
    for begin in range(0, 70, interval):
        watched(watch, losses[begin : begin + interval].tolist(), begin + 1)
        reading = watch.read()
        found += [(s.number, reading.threshold) for s in reading.spikes]
        assert all(s.ids == [str(s.number)] for s in reading.spikes)
    assert found == naive_spikes(losses, window, 8.0, interval)
    assert {34, 47, 58} <= {number for number, _ in found}


def test_micro_batches_weigh_by_their_masked_frames():
    watch = LossWatch()
    for loss, share, clip in ((2.0, 0.5, "a"), (8.0, 0.25, "b")):
        watch.add(torch.tensor(loss), torch.tensor(share), [clip])
    watch.close(7)
    watch.add(torch.tensor(1.0), torch.tensor(0.0), ["c"])
    watch.close(8)
    first, second = watch.read().steps
    assert first == Step(7, pytest.approx((1.0 + 2.0) / 0.75), ["a", "b"])
    assert math.isnan(second.loss)


def test_a_step_that_was_not_finished_is_dropped():
    watch = LossWatch()
    watch.add(torch.tensor(100.0), torch.tensor(1.0), ["lost"])
    watch.drop()
    watched(watch, [2.0])
    assert watch.read().steps == [Step(1, 2.0, ["1"])]


def test_a_loss_that_never_varied_may_breathe():
    watch = LossWatch(window=10, factor=10.0)
    watched(watch, [5.0] * 10)
    watch.read()
    watched(watch, [5.04, 5.06], first=11)
    reading = watch.read()
    assert reading.threshold == pytest.approx(5.05)
    assert [step.number for step in reading.spikes] == [12]


def test_steps_are_read_once():
    watch = LossWatch()
    watched(watch, [1.0, 2.0])
    watch.gather()
    watched(watch, [3.0], first=3)
    assert [step.loss for step in watch.read().steps] == [1.0, 2.0, 3.0]
    assert watch.read().steps == []


class HostReads(TorchDispatchMode):
    """Counts what would make a GPU wait."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_losses_stay_on_the_device_until_they_are_read():
    watch = LossWatch()
    loss = torch.ones((), requires_grad=True) * 2
    with HostReads() as reads:
        for number in range(20):
            watch.add(loss, torch.ones(()), ["a"])
            watch.close(number)
    assert reads.count == 0
    with HostReads() as reads:
        float(loss.detach())
    assert reads.count == 1
    assert not any(total.requires_grad for _, total, _ in watch._closed)


def test_a_restarted_watch_goes_on_exactly(tmp_path):
    losses = series(70)

    def reading_of(last, restart):
        watch = LossWatch(window=25, factor=8.0)
        watched(watch, losses[:30].tolist())
        watch.read()
        watched(watch, losses[30:last].tolist(), first=31)
        if restart:
            watch.gather()
            folder = tmp_path / str(last)
            CompleteCheckpointer(folder, {"losses": watch}).save_checkpoint()
            watch = LossWatch(window=25, factor=8.0)
            watched(watch, [1000.0], first=99)
            CompleteCheckpointer(
                folder, {"losses": watch}
            ).recover_if_possible()
        watched(watch, losses[last:44].tolist(), first=last + 1)
        return watch.read()

    for last in (30, 40):
        assert reading_of(last, True) == reading_of(last, False)


@pytest.mark.parametrize(
    ("settings", "name"), [({"window": 9}, "window"), ({"factor": 0}, "factor")]
)
def test_impossible_watches_are_refused(settings, name):
    with pytest.raises(ValueError, match=name):
        LossWatch(**settings)


def test_the_table_has_a_row_a_spike_and_none_twice(tmp_path):
    path = tmp_path / "spikes.csv"
    calm = Reading([Step(6, 2.0, ["x"])], 2.0, 0.1, 3.0)
    write_spikes(path, calm)
    assert not path.exists()
    clips = ['é, "音"', "b;c"]
    steps = [Step(7, 9.0, clips), Step(8, 2.0, ["d"]), Step(9, math.nan, [])]
    for returns, times in ((0, 2), (1, 1)):
        for _ in range(times):
            write_spikes(path, Reading(steps, 2.0, 0.1, 3.0), returns)
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    places = [(row["step"], row["returns"]) for row in rows]
    assert places == [("7", "0"), ("9", "0"), ("7", "1"), ("9", "1")]
    assert json.loads(rows[0]["ids"]) == clips
    assert (rows[0]["loss"], rows[0]["threshold"]) == ("9.0", "3.0")


def interval(first, *losses, level=(2.0, 0.1)):
    """A reading; a loss for each step."""
    steps = [Step(first + i, loss, []) for i, loss in enumerate(losses)]
    return Reading(steps, *level, math.nan)


def test_patience_is_counted_in_log_intervals_in_a_row():
    recovery = Recovery(max_returns=1, factor=10.0, patience=2)
    recovery.judge(interval(1, 2.0, 9.0, 2.9))
    assert (recovery.high, recovery.good_until) == (0, 0)
    recovery.judge(interval(4, 9.0, 9.0, 2.0))
    assert (recovery.high, recovery.good_until) == (1, 0)
    recovery.judge(interval(7, 2.0, 2.0, 2.0))
    assert (recovery.high, recovery.good_until) == (0, 6)
    recovery.judge(interval(10, 9.0))
    assert recovery.reason is None
    # The level of the first high interval holds.
    recovery.judge(interval(11, 9.0, level=(8.0, 1.0)))
    assert recovery.reason.startswith("Step 11: the loss stayed above 3 for 2")
    assert recovery.good_until == 6


def test_losses_without_a_number_are_high_even_without_a_level():
    recovery = Recovery(max_returns=1, patience=1)
    no_level = (0.0, math.inf)
    recovery.judge(interval(1, 500.0, math.nan, 500.0, level=no_level))
    assert recovery.reason is None
    recovery.judge(interval(4, math.nan, math.inf, 5.0, level=no_level))
    assert recovery.reason is not None


def test_the_newest_good_checkpoint_is_returned_to_and_never_deleted(tmp_path):
    checkpointer = CompleteCheckpointer(tmp_path, {"w": torch.nn.Linear(1, 1)})
    recovery = Recovery(max_returns=1)
    recovery.good_until = 8

    def save(**meta):
        checkpointer.save_and_keep_only(
            meta=meta,
            end_of_epoch=False,
            ckpt_predicate=recovery.deletable(checkpointer),
        )
        kept = checkpointer.list_checkpoints()
        return sorted(checkpoint.meta.get("step", -1) for checkpoint in kept)

    save()
    assert recovery.newest_good(checkpointer) is None
    assert save(step=5) == [5]
    assert save(step=8) == [5, 8]
    assert recovery.newest_good(checkpointer).meta["step"] == 8
    assert save(step=12) == [8, 12]
    assert save(step=16) == [8, 16]
    recovery.good_until = 16
    assert recovery.newest_good(checkpointer).meta["step"] == 16
    assert save(step=20) == [16, 20]
    recovery = Recovery()
    recovery.good_until = 16
    assert save(step=24) == [24]


def test_a_window_is_passed_over_and_no_more():
    recovery = Recovery(max_returns=1)
    recovery.to_skip = 2
    assert [recovery.skips() for _ in range(4)] == [True, True, False, False]
    assert recovery.to_skip == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"max_returns": -1},
        {"patience": 0},
        {"skip_steps": -1},
        {"factor": 0.0},
        {"lr_factor": 0.0},
        {"lr_factor": 1.5},
    ],
)
def test_impossible_recoveries_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Recovery(**settings)
