"""Decoders and loss agree with published ones, where these are installed.

Not among the test requirements: madmom (0.17), madmom-infer (0.2), beat-this (1.1).

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import torch

from mert_sb.downstream.beats.decode import SMALLEST, BarPointer, PeakPicking
from mert_sb.downstream.beats.losses import ShiftTolerant
from tests.utils.made_beats import FRAME_RATE, made_song


def songs():
    """Activations of made songs with few and with many errors, and of noise."""
    for seed in range(8):
        dice = np.random.default_rng(seed)
        bpm, metre = dice.uniform(60, 200), dice.integers(3, 5)
        share = (0.02, 0.1, 0.4)[seed % 3]
        song, _, _ = made_song(
            bpm, metre, dice, seconds=20, missing=share, false=share
        )
        if seed % 4 == 3:
            song = dice.beta(0.2, 2, (1500, 2))
        # A downbeat is a beat. Published ones cannot have 0 and 1.
        song = np.clip(song, 1e-4, 0.999)
        song[:, 0] = song.max(axis=1)
        yield song


def published(name):
    """A module, or no test."""
    return pytest.importorskip(name, exc_type=ImportError)


@pytest.mark.filterwarnings("ignore")
def test_beats_alone_are_madmoms():
    module = published("madmom.features.beats")
    for_beats = module.DBNBeatTrackingProcessor(fps=FRAME_RATE)
    for_downbeats = module.DBNBeatTrackingProcessor(
        min_bpm=18, max_bpm=72, fps=FRAME_RATE
    )
    for song in songs():
        beats, downbeats = BarPointer()(song, FRAME_RATE)
        np.testing.assert_allclose(beats, for_beats(song[:, 0]))
        np.testing.assert_allclose(downbeats, for_downbeats(song[:, 1]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", ["madmom", "madmom_infer"])
def test_beats_and_downbeats_are_madmoms(package):
    module = published(f"{package}.features.downbeats")
    decoder = module.DBNDownBeatTrackingProcessor(
        [3, 4], fps=FRAME_RATE, num_tempi=None, threshold=0
    )
    for song in songs():
        # Its columns exclude one another.
        beat, downbeat = song.T
        other = np.maximum(beat - downbeat, SMALLEST)
        expected = decoder(np.stack([other, downbeat], axis=1))
        found = BarPointer(beats_per_bar=(3, 4))(song, FRAME_RATE)
        np.testing.assert_allclose(found[0], expected[:, 0])
        firsts = expected[expected[:, 1] == 1, 0]
        np.testing.assert_allclose(found[1], firsts)


def test_peaks_are_those_of_beat_this():
    module = published("beat_this.model.postprocessor")
    decoder = module.Postprocessor(type="minimal", fps=50)
    for song in songs():
        logits = torch.tensor(song).logit()
        expected = decoder(logits[:, 0], logits[:, 1])
        found = PeakPicking()(song, 50)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs)


@pytest.mark.parametrize("tolerance", [1, 3, 4])
def test_the_shift_tolerant_loss_is_that_of_beat_this(tolerance):
    module = published("beat_this.model.loss")
    published_loss = module.ShiftTolerantBCELoss(5, tolerance)
    loss = ShiftTolerant(tolerance=tolerance, positive_weight=(5, 5))
    beats = np.arange(0.3, 10, 0.47)
    targets = loss.targets(beats, beats, 750, FRAME_RATE)
    for song in songs():
        logits = torch.tensor(song).logit()[:750].float()
        expected = published_loss(logits.T, targets.T)
        found = loss(logits[None], targets[None], torch.tensor([750]))
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)
