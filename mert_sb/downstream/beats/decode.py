"""From activations to beats: a bar pointer, or peaks.

A decoder takes activations ``(T, 2)``, probabilities that a frame has a beat and that it
has a downbeat, and gives times in seconds; frame t is at t / frame_rate.

The bar pointer is our own: on PyPI madmom 0.16.1 does not build on these Pythons,
madmom-infer 0.2.0 has no decoder of beats alone and keeps T x states in memory.

Sources: Krebs, Boeck and Widmer, ISMIR 2015 (states); Boeck, Krebs and Widmer, ISMIR
2016 (bars); Foscarin, Schlueter and Widmer, "Beat This!", ISMIR 2024 (peaks).

T frames, N beats, K downbeats.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
from scipy.ndimage import maximum_filter1d

from mert_sb.downstream.beats.rings import Rings

# Least and, taken from 1, greatest likelihood of a frame.
SMALLEST = 1e-7


class BarPointer:
    """Decodes with a dynamic Bayesian network over tempo and place in the bar.

    Arguments
    ---------
    min_bpm : float
        Slowest tempo, beats per minute.
    max_bpm : float
        Fastest tempo.
    beats_per_bar : tuple of int
        Metres to choose from by likelihood: beats and downbeats are decoded together.
        Empty: each alone, as the benchmark does.
    downbeat_bpm : tuple of (float, float)
        Slowest and fastest rate of downbeats, if they are decoded alone.
    transition_lambda : float
        The higher, the steadier the tempo.
    observation_lambda : float
        The first of so many parts of a beat is where it is heard.
    threshold : float
        Frames before the first and after the last activation of at least this are left
        out.

    Raises
    ------
    ValueError
        If a range of tempi is none.

    Example
    -------
    >>> activations = np.full((300, 2), 0.01)
    >>> for frame in range(10, 300, 40):
    ...     activations[frame - 1 : frame + 2, 0] = 0.5, 0.9, 0.5
    >>> activations[50::120, 1] = 0.8
    >>> beats, downbeats = BarPointer(beats_per_bar=(3, 4))(activations, 80)
    >>> beats
    array([0.125, 0.625, 1.125, 1.625, 2.125, 2.625, 3.125, 3.625])
    >>> downbeats
    array([0.625, 2.125, 3.625])
    """

    def __init__(
        self,
        *,
        min_bpm=55,
        max_bpm=215,
        beats_per_bar=(),
        downbeat_bpm=(18, 72),
        transition_lambda=100,
        observation_lambda=16,
        threshold=0.0,
    ):
        for slow, fast in ((min_bpm, max_bpm), downbeat_bpm):
            if not 0 < slow < fast:
                raise ValueError(
                    f"tempo from {slow} to {fast} bpm: give the slower one first"
                )
        self.bpm = min_bpm, max_bpm
        self.beats_per_bar = tuple(beats_per_bar)
        self.downbeat_bpm = tuple(downbeat_bpm)
        self.transition_lambda = transition_lambda
        self.observation_lambda = observation_lambda
        self.threshold = threshold

    def __call__(self, activations, frame_rate):
        """Decode.

        Arguments
        ---------
        activations : numpy.ndarray
            ``(T, 2)`` from 0 to 1: beat, downbeat. A column of zeros has no beats.
        frame_rate : float
            Frames per second.

        Returns
        -------
        tuple of (numpy.ndarray, numpy.ndarray)
            Beats ``(N,)`` and downbeats ``(K,)``, seconds, ascending.

        Raises
        ------
        ValueError
            If the activations' shape or values are others.
        """
        activations = _checked(activations)
        kept = np.flatnonzero(activations.max(1) >= self.threshold)
        first, end = (kept[0], kept[-1] + 1) if len(kept) else (0, 0)
        activations = activations[first:end]
        if self.beats_per_bar and activations.any(0).all():
            beats, downbeats = self._together(activations, frame_rate)
        else:
            beats, downbeats = (
                self._alone(column, bpm, frame_rate)
                for column, bpm in zip(
                    activations.T, (self.bpm, self.downbeat_bpm), strict=True
                )
            )
        return (beats + first) / frame_rate, (downbeats + first) / frame_rate

    def _rings(self, bpm, frame_rate):
        return Rings(
            bpm,
            frame_rate,
            transition_lambda=self.transition_lambda,
            observation_lambda=self.observation_lambda,
        )

    def _alone(self, activation, bpm, frame_rate):
        """Frames of the beats of one column."""
        if not activation.any():
            return np.zeros(0)
        rings = self._rings(bpm, frame_rate)
        path = rings.best_path(
            _log(activation)[None], self._log_rest(activation)
        )
        return _highest(path, rings, activation)[0]

    def _together(self, activations, frame_rate):
        """Frames of beats and of downbeats, in the likeliest metre."""
        rings = self._rings(self.bpm, frame_rate)
        either = activations.max(1)
        downbeat = np.clip(activations[:, 1], SMALLEST, None)
        other = np.clip(activations[:, 0] - downbeat, SMALLEST, None)
        rest = self._log_rest(either)
        paths = [
            rings.best_path(
                _log(np.stack([downbeat] + [other] * (n_beats - 1))), rest
            )
            for n_beats in self.beats_per_bar
        ]
        path = max(paths, key=lambda path: path.log_probability)
        frames, numbers = _highest(path, rings, np.maximum(downbeat, other))
        return frames, frames[numbers == 0]

    def _log_rest(self, activation):
        """Log-likelihood of frames between beats."""
        return _log(1 - activation) - np.log(self.observation_lambda - 1)


class PeakPicking:
    """Takes the peaks of activations; downbeats go to the nearest beat.

    Arguments
    ---------
    threshold : float
        What a peak must exceed.
    window : float
        Seconds around it in which nothing is higher.

    Example
    -------
    >>> activations = np.zeros((300, 2))
    >>> activations[[50, 52, 100, 150, 151], 0] = [0.9, 0.8, 0.4, 0.9, 0.9]
    >>> activations[153, 1] = 0.9
    >>> PeakPicking()(activations, 100)
    (array([0.5 , 1.505]), array([1.505]))
    """

    def __init__(self, *, threshold=0.5, window=0.07):
        self.threshold = threshold
        self.window = window

    def __call__(self, activations, frame_rate):
        """Decode.

        Arguments
        ---------
        activations : numpy.ndarray
            ``(T, 2)`` from 0 to 1: beat, downbeat.
        frame_rate : float
            Frames per second.

        Returns
        -------
        tuple of (numpy.ndarray, numpy.ndarray)
            Beats ``(N,)`` and downbeats ``(K,)``, seconds, ascending. A peak of
            equal neighbours is at their middle.

        Raises
        ------
        ValueError
            If the activations' shape or values are others.
        """
        beats, downbeats = (
            self._peaks(column, frame_rate) / frame_rate
            for column in _checked(activations).T
        )
        if len(beats):
            nearest = abs(downbeats[:, None] - beats).argmin(1)
            downbeats = beats[np.unique(nearest)]
        return beats, downbeats

    def _peaks(self, activation, frame_rate):
        """Frames, not whole ones where neighbours are equal."""
        # The product may fall short of a whole number of frames.
        reach = int(self.window * frame_rate + 1e-6)
        highest = maximum_filter1d(activation, 2 * reach + 1, mode="nearest")
        is_peak = (activation > self.threshold) & (activation == highest)
        frames = np.flatnonzero(is_peak)
        groups = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
        return np.array([group.mean() for group in groups if len(group)])


def _checked(activations):
    """Activations as a decoder needs them, or an error."""
    activations = np.asarray(activations, dtype=float)
    if activations.ndim != 2 or activations.shape[1] != 2:
        raise ValueError(
            f"activations have shape {activations.shape}, not (frames, 2): a "
            "column of beats and one of downbeats"
        )
    if not ((activations >= 0) & (activations <= 1)).all():
        raise ValueError(
            "activations are to be probabilities, from 0 to 1; give logits "
            "through a sigmoid"
        )
    return activations


def _log(likelihood):
    return np.log(np.clip(likelihood, SMALLEST, 1 - SMALLEST))


def _highest(path, rings, activation):
    """Frame of the highest activation in each beat's head, and numbers of beats."""
    found = []
    heads = path.starts + rings.heads[path.rings]
    for start, end, number in zip(
        path.starts, heads, path.numbers, strict=True
    ):
        head = activation[max(start, 0) : max(end, 0)]
        if len(head):
            found.append((max(start, 0) + head.argmax(), number))
    frames, numbers = np.array(found, int).reshape(-1, 2).T
    return frames, numbers
