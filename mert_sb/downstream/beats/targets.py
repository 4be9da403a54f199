"""Targets of frames from times of beats.

Frame t is at t / frame_rate: a beat's is the nearest, of two the even one, as in the
benchmark. Files of beats: see ``beats.annotations``.

T frames, N beats.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import torch

from mert_sb.downstream.beats.annotations import (
    bar_positions,
    read_beats,
    within,
    write_beats,
)

__all__ = [
    "bar_positions",
    "hard",
    "read_beats",
    "widened",
    "within",
    "write_beats",
]


def hard(times, n_frames, frame_rate):
    """One at frames of beats, else zero.

    Arguments
    ---------
    times : numpy.ndarray
        ``(N,)`` seconds; those outside are no error.
    n_frames : int
        T.
    frame_rate : float
        Frames per second.

    Returns
    -------
    torch.Tensor
        ``(T,)``.

    Example
    -------
    >>> hard([0.5, 1.0, 9.0], 5, 3)
    tensor([0., 0., 1., 1., 0.])
    """
    return widened(times, n_frames, frame_rate, shares=())


def widened(times, n_frames, frame_rate, shares=(0.95, 0.5)):
    """One at frames of beats, less at their neighbours on both sides.

    The benchmark leaves out the first beat's left and the last one's right neighbours;
    here all have both, also those of beats outside the clip, so that targets of a crop
    are a crop of the targets.

    Arguments
    ---------
    times : numpy.ndarray
        ``(N,)`` seconds.
    n_frames : int
        T.
    frame_rate : float
        Frames per second.
    shares : tuple of float
        Targets of the nearest neighbours, the next, and so on; the highest counts.

    Returns
    -------
    torch.Tensor
        ``(T,)``.

    Example
    -------
    >>> widened([0.0, 4.0], 8, 1)
    tensor([1.0000, 0.9500, 0.5000, 0.9500, 1.0000, 0.9500, 0.5000, 0.0000])
    >>> widened([-2.0], 3, 1, shares=(0.5, 0.25, 0.125))
    tensor([0.2500, 0.1250, 0.0000])
    """
    # No frame is written outside: the margin takes what is not in the clip.
    reach = len(shares)
    targets = np.zeros(n_frames + 2 * reach, np.float32)
    indices = np.round(np.asarray(times, float) * frame_rate).astype(int)
    for offset in range(-reach, reach + 1):
        share = shares[abs(offset) - 1] if offset else 1
        places = indices + offset + reach
        places = places[(places >= 0) & (places < len(targets))]
        targets[places] = np.maximum(targets[places], share)
    return torch.from_numpy(targets[reach : reach + n_frames].copy())
