"""Metrics of beats are mir_eval's, and say what no beats count.

Authors
 * The mert_sb developers 2026
"""

import json
import warnings
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from mert_sb.downstream.beats import metrics as beat_metrics

CASE = Path(__file__).parents[1] / "samples/mir_eval_beats.json"
NONE = np.zeros(0)


@pytest.fixture(params=range(12))
def files(request):
    """Estimates and references of five files, some of them almost right."""
    dice = np.random.default_rng(request.param)
    references, estimates = [], []
    for _ in range(5):
        reference = np.sort(dice.uniform(0, 30, dice.integers(2, 60)))
        if request.param % 2:
            reference = np.arange(dice.uniform(0, 1), 30, 0.5)
        estimate = reference + dice.normal(0, 0.04, len(reference))
        kept = estimate[dice.random(len(estimate)) < 0.9][
            :: dice.integers(1, 3)
        ]
        references.append(reference)
        estimates.append(np.sort(abs(kept)))
    return estimates, references


def test_scores_are_those_of_mir_evals_own_test_case():
    case = json.loads(CASE.read_text(encoding="utf-8"))
    beats = [
        mir_eval.beat.trim_beats(np.array(case[name]))
        for name in ("estimate", "reference")
    ]
    found = beat_metrics.f_measure(*beats), *beat_metrics.continuity(*beats)
    assert found == pytest.approx(tuple(case["scores"].values()), abs=1e-12)


@pytest.mark.parametrize("tolerance", [0.07, 0.02])
def test_scores_of_a_file_are_mir_evals(files, tolerance):
    for estimate, reference in zip(*files, strict=True):
        found = beat_metrics.f_measure(estimate, reference, tolerance=tolerance)
        assert found == pytest.approx(
            mir_eval.beat.f_measure(reference, estimate, tolerance)
        )
        expected = mir_eval.beat.continuity(reference, estimate)
        assert beat_metrics.continuity(estimate, reference) == expected


def test_pooled_counts_are_of_all_files(files):
    estimates, references = files
    matches = sum(
        len(mir_eval.util.match_events(reference, estimate, 0.07))
        for estimate, reference in zip(estimates, references, strict=True)
    )
    precision = matches / sum(map(len, estimates))
    recall = matches / sum(map(len, references))
    expected = 2 * precision * recall / (precision + recall)
    assert beat_metrics.pooled_f(estimates, references) == pytest.approx(
        expected
    )


def test_pooled_is_not_the_mean_of_files():
    estimates = [np.array([1.0]), np.array([1.0, 2.0, 3.0])]
    references = [np.array([9.0]), np.array([1.0, 2.0, 3.0])]
    assert beat_metrics.pooled_f(estimates, references) == 0.75


def test_the_first_five_seconds_count():
    assert beat_metrics.f_measure([1.0, 9.0], [2.0, 9.0]) == 0.5


@pytest.mark.parametrize("pair", [(NONE, NONE), ([1.0], NONE), (NONE, [1.0])])
def test_no_beats_are_no_matches_and_no_warning(pair):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert beat_metrics.f_measure(*pair) == 0
        assert beat_metrics.continuity(*pair) == (0, 0, 0, 0)


def test_estimates_in_files_without_beats_are_wrong():
    found = beat_metrics.pooled_f([[1.0], [3.0, 4.0]], [[1.0], NONE])
    assert found == pytest.approx(2 * 1 / (3 + 1))


def test_tempo_is_finer_than_frames():
    frames = np.round(np.arange(0, 30, 60 / 128) * 75)
    assert beat_metrics.tempo(frames / 75) == pytest.approx(128, rel=1e-3)


def test_tempo_does_not_mind_gaps_or_extra_beats():
    beats = np.delete(np.arange(0, 30, 0.5), [7, 20, 21])
    beats = np.sort(np.append(beats, [4.1, 8.2]))
    assert beat_metrics.tempo(beats) == pytest.approx(120)


def test_tempo_of_wild_intervals_is_of_their_median():
    assert beat_metrics.tempo([0.0, 1.0, 4.0]) == 30
    assert beat_metrics.tempo([1.0]) == beat_metrics.tempo(NONE) == 0


@pytest.mark.parametrize(
    ("estimate", "first", "second"),
    [
        (103.9, True, True),
        (96.1, True, True),
        (104.1, False, False),
        (50, False, True),
        (201, False, True),
        (300, False, True),
        (33, False, True),
        (150, False, False),
        (0, False, False),
    ],
)
def test_tempo_accuracies_allow_four_percent(estimate, first, second):
    octaves = (1, 2, 3, 1 / 2, 1 / 3)
    assert beat_metrics.same_tempo(estimate, 100) == first
    found = beat_metrics.same_tempo(estimate, 100, factors=octaves)
    assert found == second
