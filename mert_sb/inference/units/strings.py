"""Strings of units, and where in a file the tokens of a string lie.

T frames, N tokens, n units of a string.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import torch

from mert_sb import frames


class UnitString(NamedTuple):
    """Units of a file, and the tokens that its string of units is made of.

    Arguments
    ---------
    units : torch.Tensor
        ``(T,)`` int64, one a frame.
    tokens : torch.Tensor
        ``(N,)`` int64.
    starts : torch.Tensor
        ``(N,)`` float64, where each token begins, in seconds from the start of
        the file: half a frame's step before the centre of its first frame.
    ends : torch.Tensor
        ``(N,)`` float64, where it ends, which is where the next begins.

    Example
    -------
    >>> string = UnitString(*torch.zeros(4, 0))
    >>> len(string.tokens)
    0
    """

    units: torch.Tensor
    tokens: torch.Tensor
    starts: torch.Tensor
    ends: torch.Tensor


def string_of(units, collapse):
    """The string that tokens stand over.

    Arguments
    ---------
    units : torch.Tensor
        ``(T,)``.
    collapse : bool
        Whether a run of one unit counts once.

    Returns
    -------
    tuple of (torch.Tensor, torch.Tensor)
        ``(n,)`` units and ``(n,)`` the frames that each lasts.

    Example
    -------
    >>> string_of(torch.tensor([3, 3, 5]), True)
    (tensor([3, 5]), tensor([2, 1]))
    """
    if collapse:
        return torch.unique_consecutive(units, return_counts=True)
    return units, torch.ones_like(units)


def token_edges(sizes, lengths, sample_rate, subsample=1):
    """Times between tokens.

    Arguments
    ---------
    sizes : list of int
        N, the units of each token.
    lengths : torch.Tensor
        ``(n,)`` the frames of each unit of the string.
    sample_rate : int
        In Hz.
    subsample : int
        The student's: frames joined into one.

    Returns
    -------
    torch.Tensor
        ``(N + 1,)`` float64 seconds, in the middle between the centres of frames.

    Example
    -------
    >>> lengths = torch.tensor([2, 1, 72])
    >>> token_edges([2, 1], lengths, 24_000).diff()
    tensor([0.0400, 0.9600], dtype=torch.float64)
    """
    # Frames of the file that are over after each unit of the string.
    over = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    last = torch.tensor([0, *sizes]).cumsum(0)
    centres = frames.centre(over[last].double(), subsample)
    return (centres - frames.hop_length(subsample) / 2) / sample_rate
