"""The tail: zeros after a clip, so that it has as many frames as the clock says.

A clip of 30 s has 2,249 frames of the student, and with 320 zeros behind it 2,250, 75 a
second, as the benchmark's targets (its v1, task GTZANBT).

S samples, T frames.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb import frames

TAIL = frames.HOP_LENGTH


def add_tail(wavs):
    """Lengthen clips with silence.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(..., S)``.

    Returns
    -------
    torch.Tensor
        ``(..., S + 320)``.

    Example
    -------
    >>> add_tail(torch.ones(2, 1_000)).shape
    torch.Size([2, 1320])
    """
    return torch.nn.functional.pad(wavs, (0, TAIL))


def n_frames(n_samples):
    """Frames of a clip that gets a tail.

    Arguments
    ---------
    n_samples : int
        S, without the tail.

    Returns
    -------
    int
        T.

    Example
    -------
    >>> n_frames(720_000)
    2250
    """
    return frames.n_frames(n_samples + TAIL)
