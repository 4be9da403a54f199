"""The search over starts of beats finds what a search over all states finds.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest

from mert_sb.downstream.beats.rings import Rings

SETTINGS = {"transition_lambda": 3, "observation_lambda": 3}
CASES = [(1, 50, 3), (2, 37, 3), (3, 64, 3), (4, 1, 3), (2, 5, 9), (3, 40, 9)]


@pytest.fixture(params=CASES, ids=str)
def case(request):
    """Rings of 3 to 7 frames, and likelihoods of a song that may begin at a beat."""
    n_beats, n_frames, parts = request.param
    settings = {"transition_lambda": 3, "observation_lambda": parts}
    rings = Rings((60 / 7, 20), 1, **settings)
    assert rings.intervals.tolist() == [3, 4, 5, 6, 7]
    dice = np.random.default_rng(n_frames)
    log_heads = dice.normal(size=(n_beats, n_frames))
    log_heads[0, 0] += 6 * (parts == 9)
    return rings, log_heads, dice.normal(size=n_frames), parts


def dense_model(rings, log_heads, log_rest, parts):
    """All states (beat, ring, place), transitions and likelihoods, as matrices."""
    states = [
        (beat, ring, place)
        for beat in range(len(log_heads))
        for ring, interval in enumerate(rings.intervals)
        for place in range(interval)
    ]
    moves = np.full((len(states), len(states)), -np.inf)
    for source, (beat, ring, place) in enumerate(states):
        interval = rings.intervals[ring]
        if place + 1 < interval:
            moves[source, source + 1] = 0
            continue
        chances = np.exp(-3 * abs(rings.intervals / interval - 1))
        for other, chance in enumerate(np.log(chances / chances.sum())):
            after = ((beat + 1) % len(log_heads), other, 0)
            moves[source, states.index(after)] = chance
    heard = [
        log_heads[beat] if parts * place < rings.intervals[ring] else log_rest
        for beat, ring, place in states
    ]
    return states, moves, np.array(heard)


def slow_viterbi(moves, heard):
    """The best path's states and log-probability, over a dense matrix."""
    # Before the first frame every state is as likely.
    scores = np.full(len(moves), -np.log(len(moves)))
    sources = []
    for frame in heard.T:
        candidates = scores[:, None] + moves
        sources.append(candidates.argmax(0))
        scores = candidates.max(0) + frame
    path = [scores.argmax()]
    for source in sources[:0:-1]:
        path.append(source[path[-1]])
    return path[::-1], scores.max()


def states_of(path, rings, n_frames):
    """A path's state of each frame."""
    return [
        (number, ring, place)
        for start, ring, number in zip(
            path.starts, path.rings, path.numbers, strict=True
        )
        for place in range(rings.intervals[ring])
        if 0 <= start + place < n_frames
    ]


def test_the_path_is_that_of_a_search_over_all_states(case):
    rings, log_heads, log_rest, parts = case
    states, moves, heard = dense_model(*case)
    expected, log_probability = slow_viterbi(moves, heard)
    path = rings.best_path(log_heads, log_rest)
    found = states_of(path, rings, len(log_rest))
    assert found == [states[index] for index in expected]
    assert parts == 3 or 0 in path.starts
    assert path.starts[0] + rings.intervals[path.rings[0]] > 0
    assert path.log_probability == pytest.approx(log_probability, abs=1e-9)


def test_few_candidates_at_once_change_nothing(case, monkeypatch):
    rings, log_heads, log_rest, _ = case
    expected = rings.best_path(log_heads, log_rest)
    monkeypatch.setattr("mert_sb.downstream.beats.rings.CANDIDATES", 1)
    found = rings.best_path(log_heads, log_rest)
    assert found.starts.tolist() == expected.starts.tolist()
    assert found.log_probability == expected.log_probability


def test_memory_is_of_starts_not_of_states():
    rings = Rings((55, 215), 75, transition_lambda=100, observation_lambda=16)
    sums = rings._running_sums(np.zeros((4, 9000)), np.zeros(9000))
    table, sources = rings._search(*sums)
    assert sources.nbytes == 9000 * 4 * 62
    assert table.shape == (4, 82 + 21, 62)


def test_the_benchmarks_states():
    rings = Rings((55, 215), 75, transition_lambda=100, observation_lambda=16)
    assert rings.intervals.tolist() == list(range(21, 83))
    assert rings.intervals.sum() == 3193
    for interval, head in zip(rings.intervals, rings.heads, strict=True):
        places = np.arange(interval)
        assert head == (places / interval < 1 / 16).sum()
    # From 50 frames to 80 is beyond exp(-36), to 60 is not.
    assert rings.changes[59, 29] == -np.inf
    assert rings.changes[39, 29] == pytest.approx(-20, abs=2)
    assert np.exp(rings.changes).sum(0) == pytest.approx(1)


@pytest.mark.parametrize("bpm", [(215, 55), (55, 5000)])
def test_a_range_without_rings_is_refused(bpm):
    with pytest.raises(ValueError, match="slowest, fastest"):
        Rings(bpm, 75, **SETTINGS)
