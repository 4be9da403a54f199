"""Decoders find the beats of made songs.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest

from mert_sb.downstream.beats.decode import BarPointer, PeakPicking
from mert_sb.downstream.beats.metrics import f_measure, same_tempo, tempo
from tests.utils.made_beats import FRAME_RATE, made_song

DECODERS = [BarPointer(), BarPointer(beats_per_bar=[3, 4]), PeakPicking()]


@pytest.mark.parametrize("metre", [3, 4])
@pytest.mark.parametrize("bpm", [60, 75, 90, 110, 130, 150, 175, 200])
def test_beats_and_downbeats_are_recovered(bpm, metre):
    dice = np.random.default_rng(bpm * metre)
    activations, beats, downbeats = made_song(bpm, metre, dice)
    found = BarPointer(beats_per_bar=[3, 4])(activations, FRAME_RATE)
    assert f_measure(found[0], beats) >= 0.98
    assert f_measure(found[1], downbeats) >= 0.98
    assert same_tempo(tempo(found[0]), bpm)
    alone, _ = BarPointer()(activations, FRAME_RATE)
    assert f_measure(alone, beats) >= 0.98
    assert same_tempo(tempo(alone), bpm)


def test_a_metre_that_is_not_offered_is_not_found():
    dice = np.random.default_rng(0)
    activations, _, _ = made_song(120, 3, dice)
    decoder = BarPointer(beats_per_bar=[4])
    beats, downbeats = decoder(activations, FRAME_RATE)
    assert abs(4 * len(downbeats) - len(beats)) <= 4


def test_a_song_of_five_minutes_is_decoded():
    dice = np.random.default_rng(0)
    activations, beats, _ = made_song(125, 4, dice, seconds=300)
    found, _ = BarPointer(beats_per_bar=[3, 4])(activations, FRAME_RATE)
    assert f_measure(found, beats) >= 0.98


def test_another_frame_rate_is_another_tempo():
    dice = np.random.default_rng(0)
    activations, beats, _ = made_song(90, 4, dice)
    found, _ = BarPointer(min_bpm=70, max_bpm=260)(activations, 100)
    np.testing.assert_allclose(tempo(found), tempo(beats) * 100 / 75, rtol=0.01)


def test_tempo_stays_in_its_range():
    dice = np.random.default_rng(0)
    activations, _, _ = made_song(160, 4, dice)
    found, _ = BarPointer(min_bpm=55, max_bpm=100)(activations, FRAME_RATE)
    assert tempo(found) == pytest.approx(80, rel=0.02)


def test_downbeats_alone_are_as_slow_as_bars():
    dice = np.random.default_rng(0)
    activations, _, downbeats = made_song(120, 4, dice, missing=0)
    _, found = BarPointer()(activations, FRAME_RATE)
    assert f_measure(found, downbeats) >= 0.95


def test_frames_below_the_threshold_at_the_ends_have_no_beats():
    dice = np.random.default_rng(0)
    activations, beats, downbeats = made_song(
        120, 4, dice, seconds=20, missing=0
    )
    quiet = np.full((375, 2), 0.01)
    activations = np.concatenate([quiet, activations, quiet])
    decoder = BarPointer(beats_per_bar=[3, 4], threshold=0.2)
    found, firsts = decoder(activations, FRAME_RATE)
    assert f_measure(firsts - 5, downbeats) >= 0.98
    assert found[0] > 4.9 and found[-1] < 25.1
    assert f_measure(found - 5, beats) >= 0.98
    everywhere, _ = BarPointer(beats_per_bar=[3, 4])(activations, FRAME_RATE)
    assert everywhere[0] < 1.5


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("n_frames", [0, 1, 500])
def test_zeros_have_no_beats(decoder, n_frames):
    beats, downbeats = decoder(np.zeros((n_frames, 2)), FRAME_RATE)
    assert beats.shape == downbeats.shape == (0,)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_single_frame_may_be_a_beat(decoder):
    beats, downbeats = decoder(np.ones((1, 2)), FRAME_RATE)
    assert beats.tolist() == [0] and set(downbeats) <= {0}


@pytest.mark.parametrize("decoder", DECODERS)
def test_without_downbeat_activation_there_are_beats_only(decoder):
    dice = np.random.default_rng(0)
    activations, beats, _ = made_song(100, 4, dice, missing=0, false=0)
    activations[:, 1] = 0
    found, downbeats = decoder(activations, FRAME_RATE)
    assert f_measure(found, beats) >= 0.98
    assert len(downbeats) == 0


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(
    ("activations", "message"),
    [
        (np.zeros(5), "shape"),
        (np.zeros((5, 3)), "shape"),
        (np.full((5, 2), -0.1), "probabilities"),
        (np.full((5, 2), 1.1), "probabilities"),
        (np.full((5, 2), np.nan), "probabilities"),
    ],
)
def test_what_are_no_activations_is_refused(decoder, activations, message):
    with pytest.raises(ValueError, match=message):
        decoder(activations, FRAME_RATE)


def test_peaks_are_highest_within_70_ms_and_above_the_threshold():
    activations = np.zeros((200, 2))
    # Five frames are within 70 ms, six are not.
    activations[[20, 25, 60, 66, 100], 0] = [0.9, 0.8, 0.9, 0.8, 0.5]
    beats, _ = PeakPicking()(activations, FRAME_RATE)
    assert (beats * FRAME_RATE).round(6).tolist() == [20, 60, 66]
    beats, _ = PeakPicking(threshold=0.4, window=0.1)(activations, FRAME_RATE)
    assert (beats * FRAME_RATE).round(6).tolist() == [20, 60, 100]


def test_equal_neighbours_are_one_peak_in_their_middle():
    activations = np.zeros((100, 2))
    activations[10:14, 0] = 1
    activations[0, 0] = activations[99, 0] = 0.7
    activations[[50, 52], 0] = 0.8
    beats, _ = PeakPicking()(activations, FRAME_RATE)
    found = (beats * FRAME_RATE).round(6).tolist()
    assert found == [0, 11.5, 50, 52, 99]


def test_a_window_is_of_whole_frames_however_it_is_computed():
    assert 0.29 * 100 < 29
    activations = np.zeros((100, 2))
    activations[[10, 39, 69], 0] = [0.9, 0.8, 0.7]
    beats, _ = PeakPicking(window=0.29)(activations, 100)
    assert beats.tolist() == [0.1, 0.69]


def test_downbeats_go_to_the_nearest_beat_once():
    activations = np.zeros((100, 2))
    activations[[10, 50, 90], 0] = 0.9
    activations[[14, 55, 44], 1] = 0.9
    beats, downbeats = PeakPicking()(activations, FRAME_RATE)
    assert downbeats.tolist() == beats[:2].tolist()
    activations[:, 0] = 0
    _, downbeats = PeakPicking()(activations, FRAME_RATE)
    assert (downbeats * FRAME_RATE).round(6).tolist() == [14, 44, 55]


@pytest.mark.parametrize(
    "bpm", [{"min_bpm": 300, "max_bpm": 200}, {"downbeat_bpm": (72, 18)}]
)
def test_a_range_of_no_tempo_is_refused(bpm):
    with pytest.raises(ValueError, match="give the slower one first"):
        BarPointer(**bpm)
