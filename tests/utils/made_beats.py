"""Activations of songs that nobody plays: beats with jitter, some missing, some false.

Authors
 * The mert_sb developers 2026
"""

import numpy as np

FRAME_RATE = 75


def made_song(
    bpm, metre, dice, *, seconds=60, jitter=0.01, missing=0.05, false=0.05
):
    """Activations ``(T, 2)``, beats and downbeats of a song at one tempo.

    Activations are bumps of about five frames on a floor of noise, as a network's are;
    ``missing`` and ``false`` are shares of the beats, ``jitter`` seconds.
    """
    period = 60 / bpm
    beats = np.arange(dice.uniform(0, period), seconds - 0.1, period)
    is_first = np.arange(len(beats)) % metre == dice.integers(metre)
    heard = dice.random(len(beats)) >= missing
    at = beats + dice.normal(0, jitter, len(beats))
    n_false = round(false * len(beats))
    columns = [
        (at[heard], (0.5, 0.95)),
        (dice.uniform(0, seconds, n_false), (0.3, 0.8)),
        (at[heard & is_first], (0.4, 0.9)),
        (dice.choice(beats, n_false // metre), (0.3, 0.6)),
    ]
    bumps = [
        _bumps(seconds, places, dice.uniform(*heights, len(places)))
        for places, heights in columns
    ]
    activations = np.stack(
        [np.maximum(*bumps[:2]), np.maximum(*bumps[2:])], axis=1
    )
    noise = dice.uniform(0, 0.03, activations.shape)
    return np.minimum(activations + noise, 1), beats, beats[is_first]


def _bumps(seconds, places, heights):
    """A column of frames with a bump at each place, 20 ms to where it is 0.6."""
    column = np.zeros(seconds * FRAME_RATE)
    nearest = np.round(places * FRAME_RATE).astype(int)
    frames = nearest[:, None] + np.arange(-8, 9)
    values = heights[:, None] * np.exp(
        -(((frames / FRAME_RATE - places[:, None]) / 0.02) ** 2) / 2
    )
    inside = (frames >= 0) & (frames < len(column))
    np.maximum.at(column, frames[inside], values[inside])
    return column
