"""Files of beats are read as they are meant, or refused with file and line.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest

from mert_sb.downstream.beats.annotations import (
    bar_positions,
    logger,
    read_beats,
    within,
    write_beats,
)


@pytest.fixture
def warned(monkeypatch):
    """Warnings of the module, formatted."""
    found = []
    monkeypatch.setattr(
        logger,
        "warning",
        lambda message, *values: found.append(message % values),
        raising=False,
    )
    return found


@pytest.fixture
def read(tmp_path):
    """Reads a text as a file of beats; gives lists."""

    def read_text(text, name="a.beats"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        times, positions = read_beats(path)
        assert times.dtype == float and positions.dtype == int
        return times.tolist(), positions.tolist()

    return read_text


@pytest.mark.parametrize(
    ("text", "times", "positions"),
    [
        ("0.217\t3\n0.7\t4\n1.2\t1\n", [0.217, 0.7, 1.2], [3, 4, 1]),
        ("# a\n\n% b\n0.5 1 # c\n  1.0\t2%d\r\n", [0.5, 1.0], [1, 2]),
        ("0.5\n1.0\n", [0.5, 1.0], [0, 0]),
        ("0.5\t1.0\n1e0\t2", [0.5, 1.0], [1, 2]),
        ("0.5\n1.0\t1\n", [0.5, 1.0], [0, 1]),
        ("", [], []),
        ("# nothing\n\n", [], []),
        (b"\xef\xbb\xbf0.5\t1\n", [0.5], [1]),
        (b"# caf\xe9\n0.5\t1\n", [0.5], [1]),
    ],
)
def test_text_is_read(read, warned, text, times, positions):
    assert read(text) == (times, positions)
    assert warned == []


@pytest.mark.parametrize(
    "row",
    ["x\t1", "0.5\tone", "0.5,1", "0.5\t1\t4", "nan\t1", "inf", "0.5\t1.5",
     "0.5\t-1", "0.5\tnan", "0:30\t1"],
)  # fmt: skip
def test_an_unreadable_row_is_refused_with_file_and_line(read, row):
    with pytest.raises(ValueError, match=r"a\.beats:3: .*place in the bar"):
        read(f"# a\n0.1\t1\n{row}\n0.9\t2\n")


def test_unsorted_times_are_sorted(read, warned):
    assert read("1.0\t2\n0.5\t1\n") == ([0.5, 1.0], [1, 2])
    assert len(warned) == 1
    assert "a.beats" in warned[0] and "sorted" in warned[0]


@pytest.mark.parametrize(
    "text", ["0.5\t1\n0.501\t4\n1.0\t2\n", "0.5\n0.5005\t1\n1.0\t2\n"]
)
def test_times_within_a_millisecond_are_one_beat(read, warned, text):
    assert read(text) == ([0.5, 1.0], [1, 2])
    assert len(warned) == 1
    assert "a.beats: 1 beats come twice" in warned[0]


def test_times_two_milliseconds_apart_are_two_beats(read, warned):
    assert read("0.5\t1\n0.502\t2\n")[0] == [0.5, 0.502]
    assert warned == []


def test_times_before_zero_are_dropped(read, warned):
    assert read("-0.1\t4\n0.0\t1\n") == ([0.0], [1])
    assert warned and "before 0" in warned[0]


def test_beats_beyond_the_end_are_dropped(warned):
    times, positions = np.array([1.0, 29.9, 30.0, 31.0]), np.array([1, 2, 3, 4])
    kept = within(times, positions, 30, "rock.00000")
    assert [values.tolist() for values in kept] == [[1.0, 29.9], [1, 2]]
    assert len(warned) == 1 and "rock.00000: 2 beats" in warned[0]
    within(times, positions, 60, "rock.00000")
    assert len(warned) == 1


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "a.beats"
    times, positions = np.array([0.217, 0.7, 1.2]), np.array([0, 4, 1])
    write_beats(path, times, positions)
    assert path.read_text() == "0.217\n0.700\t4\n1.200\t1\n"
    found = read_beats(path)
    assert [values.tolist() for values in found] == [
        times.tolist(),
        positions.tolist(),
    ]
    write_beats(path, np.zeros(0), np.zeros(0, int))
    assert path.read_text() == ""


def jams(**times):
    """JAMS as GTZAN-Rhythm has it, and an annotation of another kind."""
    annotations = [
        {
            "namespace": "beat",
            "sandbox": {"annotation_type": kind},
            "data": [
                {"time": time, "duration": 0.0, "value": 1, "confidence": 1}
                for time in values
            ],
        }
        for kind, values in times.items()
    ]
    other = {"namespace": "tempo", "sandbox": {}, "data": [{"value": 120}]}
    return json.dumps({"annotations": [other, *annotations]})


def test_jams_are_read(read, warned):
    text = jams(beat=[0.2, 0.7, 1.2, 1.7, 2.2], downbeat=[0.7, 1.701])
    assert read(text, "a.wav.jams") == (
        [0.2, 0.7, 1.2, 1.7, 2.2],
        [2, 1, 2, 1, 2],
    )
    assert read(jams(beat=[0.2, 0.7]), "a.jams") == ([0.2, 0.7], [0, 0])
    assert read(jams(beat=[], downbeat=[]), "a.jams") == ([], [])
    assert warned == []


def test_jams_with_unsorted_beats_are_sorted(read, warned):
    assert read(jams(beat=[0.7, 0.2, 0.2]), "a.jams")[0] == [0.2, 0.7]
    assert len(warned) == 2


@pytest.mark.parametrize(
    "text",
    ["0.5\t1\n", "[]", "{}", jams(downbeat=[0.7]),
     jams(beat=["soon"]), '{"annotations": [{"namespace": "beat"}]}'],
)  # fmt: skip
def test_what_is_not_jams_of_beats_is_refused(read, text):
    with pytest.raises(ValueError, match=r'a\.jams: .*namespace "beat"'):
        read(text, "a.jams")


@pytest.mark.parametrize(
    ("downbeats", "positions"),
    [
        ([3, 7], [2, 3, 4, 1, 2, 3, 4, 1, 2, 3]),
        ([0, 3, 6, 9], [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]),
        ([1.1, 3.9], [3, 1, 2, 3, 1, 2, 3, 4, 5, 6]),
        ([7, 9], [2, 1, 2, 1, 2, 1, 2, 1, 2, 1]),
        ([2], [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ([1.9, 2.1], [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ([], [0] * 10),
    ],
)
def test_positions_are_counted_from_downbeats(downbeats, positions):
    assert bar_positions(np.arange(10.0), downbeats).tolist() == positions
    assert bar_positions([], downbeats).tolist() == []


def test_a_time_of_jams_that_is_no_number_is_refused(read):
    with pytest.raises(ValueError, match="a time is not finite"):
        read(jams(beat=[0.2, float("nan")]), "a.jams")


def test_a_downbeat_far_from_any_beat_is_told(read, warned):
    read(jams(beat=[0.2, 0.7, 1.2], downbeat=[0.7, 9.0]), "a.jams")
    assert "1 downbeats are far from any beat" in "".join(map(str, warned))
