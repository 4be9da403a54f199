"""Targets are at the nearest frame; neighbours share.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import torch

from mert_sb.downstream.beats.targets import hard, widened


def test_indices_are_the_benchmarks():
    dice = np.random.default_rng(0)
    times = np.append(dice.uniform(0, 10, 50), [0.5 / 75, 1.5 / 75])
    expected = torch.zeros(751)
    for time in times:
        expected[round(75 * time)] = 1
    assert hard(times, 751, 75).tolist() == expected.tolist()


def test_shares_of_beats_and_downbeats():
    beat = widened([10 / 75], 21, 75)
    assert beat[6:15].tolist() == pytest.approx(
        [0, 0, 0.5, 0.95, 1, 0.95, 0.5, 0, 0]
    )
    downbeat = widened([10 / 75], 21, 75, shares=(0.95, 0.5, 0.25))
    assert downbeat[6:15].tolist() == pytest.approx(
        [0, 0.25, 0.5, 0.95, 1, 0.95, 0.5, 0.25, 0]
    )


def test_the_highest_share_counts_in_any_order():
    one = widened([3.0, 5.0], 9, 1)
    assert one.tolist() == widened([5.0, 3.0], 9, 1).tolist()
    assert one.tolist() == pytest.approx(
        [0, 0.5, 0.95, 1, 0.95, 1, 0.95, 0.5, 0]
    )


@pytest.mark.parametrize("start", [0, 17, 30, 33])
def test_targets_of_a_crop_are_a_crop_of_the_targets(start):
    beats = np.arange(0.2, 4, 0.43)
    whole = widened(beats, 300, 75)
    crop = widened(beats - start / 75, 60, 75)
    assert crop.tolist() == whole[start : start + 60].tolist()


@pytest.mark.parametrize("function", [hard, widened])
def test_no_beats_and_beats_far_away_are_zeros(function):
    assert function([], 4, 75).tolist() == [0, 0, 0, 0]
    assert function([-1.0, 2.0], 4, 75).tolist() == [0, 0, 0, 0]
    assert function([0.0], 0, 75).shape == (0,)
