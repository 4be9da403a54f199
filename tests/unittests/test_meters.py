"""Meters: weighted means, forgotten once read; a clock that knows waiting from work.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.pretraining import meters
from mert_sb.pretraining.meters import Clock, Meters


def test_means_are_weighted():
    meter = Meters()
    for value, weight in ((1.0, 1), (2.0, 3), (5.0, 4)):
        meter.add({"loss": torch.tensor(value)}, weight=weight)
    assert meter.read() == {"loss": pytest.approx((1 + 6 + 20) / 8)}


def test_weights_may_be_tensors_such_as_counts_of_masked_frames():
    meter = Meters()
    for value, frames in ((1.0, 10), (4.0, 20)):
        weight = torch.ones(frames, dtype=torch.bool).sum()
        meter.add({"loss": torch.tensor(value)}, weight=weight)
    assert meter.read() == {"loss": pytest.approx(3.0)}


def test_names_added_now_and_then_have_means_of_their_own():
    meter = Meters()
    meter.add({"loss": torch.tensor(1.0), "norm": torch.tensor(7.0)})
    meter.add({"loss": torch.tensor(2.0)})
    assert meter.read() == {"loss": 1.5, "norm": 7.0}


def test_a_reading_empties_the_meter():
    meter = Meters()
    meter.add({"loss": torch.tensor(1.0)})
    meter.read()
    assert meter.read() == {}
    meter.add({"loss": torch.tensor(5.0)})
    assert meter.read() == {"loss": 5.0}


def test_batches_without_a_masked_frame_weigh_nothing():
    meter = Meters()
    nothing = torch.zeros(3, dtype=torch.bool).sum()
    meter.add({"loss": torch.tensor(9.0)}, weight=nothing)
    assert meter.read() == {"loss": 0.0}
    meter.add({"loss": torch.tensor(9.0)}, weight=nothing)
    meter.add({"loss": torch.tensor(2.0)}, weight=nothing + 5)
    assert meter.read() == {"loss": 2.0}


def test_graphs_are_not_kept():
    meter = Meters()
    value = torch.ones((), requires_grad=True)
    meter.add({"loss": 2 * value})
    assert not any(total.requires_grad for total in meter._sums.values())


def test_half_precision_numbers_are_read_as_plain_ones():
    meter = Meters()
    meter.add({"loss": torch.tensor(0.5, dtype=torch.bfloat16)})
    read = meter.read()
    assert read == {"loss": 0.5}
    assert type(read["loss"]) is float


@pytest.fixture
def now(monkeypatch):
    """A wrist watch to be set by hand."""
    watch = {"time": 100.0}
    monkeypatch.setattr(meters.time, "perf_counter", lambda: watch["time"])
    return watch


def test_waiting_and_working_are_told_apart(now):
    clock = Clock()
    for wait, work in ((3.0, 1.0), (1.0, 5.0)):
        now["time"] += wait
        clock.arrived()
        now["time"] += work
        clock.finished(audio_seconds=20.0)
    assert clock.read() == {"audio_per_second": 4.0, "data_wait": 0.4}


def test_a_reading_starts_the_clock_anew(now):
    clock = Clock()
    now["time"] += 5.0
    clock.arrived()
    clock.finished(audio_seconds=50.0)
    clock.read()
    now["time"] += 1.0
    clock.arrived()
    now["time"] += 1.0
    clock.finished(audio_seconds=6.0)
    assert clock.read() == {"audio_per_second": 3.0, "data_wait": 0.5}


def test_a_pause_counts_neither_as_waiting_nor_as_work(now):
    clock = Clock()
    now["time"] += 1_000.0
    clock.restart()
    now["time"] += 1.0
    clock.arrived()
    now["time"] += 1.0
    clock.finished(audio_seconds=6.0)
    assert clock.read() == {"audio_per_second": 3.0, "data_wait": 0.5}


def test_a_clock_read_at_once_divides_by_no_zero(now):
    assert Clock().read() == {"audio_per_second": 0.0, "data_wait": 0.0}
