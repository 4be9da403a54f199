"""Progress: what is written where, how often, and whether its numbers are right.

Authors
 * The mert_sb developers 2026
"""

import io
import sys

import pytest
import torch

from mert_sb.progress import VARIABLE, Progress
from tests.utils.progress_lines import read_lines


class Screen(io.StringIO):
    """A stream that is a terminal, or is not."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        """Whether it is a terminal."""
        return self.terminal


class Time:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def file():
    """A stream that is no terminal."""
    return Screen(terminal=False)


def test_a_line_comes_at_most_every_thirty_seconds(time, file):
    with Progress("prepare", 100, stream=file, clock=time) as progress:
        for _ in range(90):
            time.now += 1.0
            progress.update()
            expected = int((time.now - 100) // 30)
            assert len(read_lines(file.getvalue())) == expected
    *running, last = read_lines(file.getvalue())
    assert [line["done"] for line in running] == [30, 60, 90]
    assert {line["state"] for line in running} == {"running"}
    assert (last["state"], last["done"], last["total"]) == ("done", 90, 100)


def test_no_line_comes_without_an_update(time, file):
    with Progress("prepare", 100, stream=file, clock=time) as progress:
        time.now += 1000.0
        assert file.getvalue() == ""
        progress.update()
        assert len(read_lines(file.getvalue())) == 1


def test_rates_and_time_left_are_those_of_the_clock(time, file):
    with Progress("prepare", 100, "clip", stream=file, clock=time) as progress:
        time.now += 40.0
        progress.update(20, seconds=3600.0, loss=0.123456, epoch=3)
        (line,) = read_lines(file.getvalue())
        assert line == {
            "job": "prepare",
            "state": "running",
            "done": 20,
            "total": 100,
            "unit": "clip",
            "per_second": 0.5,
            "audio_hours": 1.0,
            "times_real_time": 90.0,
            "elapsed_s": 40,
            "left_s": 160,
            "loss": 0.1235,
            "epoch": 3,
        }
        assert (progress.rate, progress.left) == (0.5, 160.0)
        time.now += 40.0
        progress.update(30, seconds=3600.0)
    _, line, last = read_lines(file.getvalue())
    assert (line["per_second"], line["left_s"]) == (0.625, 80)
    assert (line["audio_hours"], line["times_real_time"]) == (2.0, 90.0)
    assert (last["left_s"], last["elapsed_s"]) == (0, 80)


def test_what_an_earlier_run_did_does_not_count_for_the_rate(time, file):
    with Progress("grid", 100, "run", stream=file, clock=time) as progress:
        progress.skip(60)
        time.now += 50.0
        progress.update(10)
    line = read_lines(file.getvalue())[0]
    assert (line["done"], line["total"]) == (70, 100)
    assert (line["per_second"], line["left_s"]) == (0.2, 150)


def test_what_is_not_known_is_left_out(time, file):
    with Progress("train", stream=file, clock=time) as progress:
        time.now += 60.0
        progress.update(0)
        progress.update(3)
        assert progress.left != progress.left  # NaN
    assert not {"total", "left_s"} & set(read_lines(file.getvalue())[0])
    assert read_lines(file.getvalue())[0]["per_second"] == 0


def test_nothing_done_is_nothing_said(time, file):
    with Progress("a", 0, stream=file, clock=time) as progress:
        time.now += 60.0
        progress.update(0)
    with Progress("b", 9, stream=file, clock=time) as progress:
        progress.skip(9)
    terminal = Screen(terminal=True)
    with Progress("c", 0, stream=terminal, clock=time):
        pass
    assert file.getvalue() == terminal.getvalue() == ""


def test_what_ends_by_an_error_does_not_say_it_is_done(time, file):
    with pytest.raises(KeyError):
        with Progress("a", 9, stream=file, clock=time) as progress:
            progress.update(9)
            raise KeyError("a")
    assert file.getvalue() == ""
    with Progress("b", 9, stream=file, clock=time) as progress:
        progress.update(9)
    assert [line["job"] for line in read_lines(file.getvalue())] == ["b"]


def test_a_part_leaves_a_line_only_if_it_lasts(time, file):
    options = {"stream": file, "clock": time}
    with Progress("outer", 2, **options) as outer:
        for seconds in (5.0, 35.0):
            with Progress("inner", 2, **options) as inner:
                for _ in range(2):
                    time.now += seconds
                    inner.update()
            outer.update()
    told = [
        (line["job"], line["state"]) for line in read_lines(file.getvalue())
    ]
    assert told == [
        ("inner", "running"),
        ("inner", "running"),
        ("inner", "done"),
        ("outer", "running"),
        ("outer", "done"),
    ]


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("way", ["argument", "process", "rank"])
def test_it_can_be_quiet(monkeypatch, time, terminal, way):
    screen = Screen(terminal)
    if way == "process":
        Progress.silence()
    if way == "rank":
        monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    options = {"quiet": way == "argument", "stream": screen, "clock": time}
    with Progress("a", 9, **options) as progress:
        time.now += 60.0
        progress.update(9)
        assert progress.done == 9 and progress.rate == 0.15
    assert screen.getvalue() == ""


def test_the_first_process_speaks(monkeypatch, time, file):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    with Progress("a", 9, stream=file, clock=time) as progress:
        progress.update(9)
    assert len(read_lines(file.getvalue())) == 1


def test_a_terminal_has_a_bar_and_no_lines(time):
    screen = Screen(terminal=True)
    with Progress("prepare", 4, stream=screen, clock=time) as progress:
        progress.skip(1)
        time.now += 60.0
        progress.update(3, seconds=7200.0, loss=0.5)
    text = screen.getvalue()
    assert "progress " not in text
    assert "\r" in text and "1/4" in text and "4/4" in text
    assert "2.0 h, 120 x real time" in text and "loss=0.5" in text
    assert text.endswith("\n")


def test_an_inner_bar_vanishes_and_a_line_is_above_the_bars(
    monkeypatch, time, capsys
):
    screen = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress("outer", 2, clock=time) as outer:
        with Progress("inner", 2, clock=time) as inner:
            inner.update(2)
        Progress.write("a line")
        outer.update(2)
    assert capsys.readouterr().out == "a line\n"
    last = screen.getvalue().split("\r")[-1]
    assert "outer" in last and "inner" not in last


def test_the_interval_can_be_set(monkeypatch, time, file):
    monkeypatch.setenv(VARIABLE, "0")
    with Progress("a", 9, stream=file, clock=time) as progress:
        progress.update()
        progress.update()
    assert len(read_lines(file.getvalue())) == 3
    monkeypatch.setenv(VARIABLE, "often")
    with pytest.raises(ValueError, match=f"{VARIABLE}: 'often' is no number"):
        Progress("a", 9)
