"""Spectrograms whose frames lie on the student's clock, at any sample rate.

The hop is 320 samples at the student's rate and as long in time at others: 588 at
44.1 kHz, 640 at 48 kHz. So masks made at 24 kHz fit the file's own frames, and only
have to be stretched over frequency.

C channels, F bins, T frames, S samples.

Authors
 * The mert_sb developers 2026
"""

import math
from typing import NamedTuple

import torch

from mert_sb.frames import HOP_LENGTH

# Shares of the student's band between which its masks are averaged for what lies
# above: the topmost bins hold what resampling has left of the music.
TOP = (10 / 12, 11 / 12)


class Grid(NamedTuple):
    """Window and hop of a short-time Fourier transform.

    Arguments
    ---------
    n_fft : int
        Samples of a window, Hann's.
    hop : int
        Samples from a frame to the next.

    Example
    -------
    >>> Grid(2048, 320).n_bins
    1025
    """

    n_fft: int
    hop: int

    @property
    def n_bins(self):
        """F."""
        return self.n_fft // 2 + 1


def grid_at(rate, sample_rate, n_fft):
    """The grid of another rate, if the student's frames lie on its samples.

    Arguments
    ---------
    rate : int
        Of the audio, in Hz.
    sample_rate : int
        The student's.
    n_fft : int
        At the student's rate; at others the least power of two that lasts as long.

    Returns
    -------
    Grid or None
        None where the hop would not be a whole number.

    Example
    -------
    >>> grid_at(44_100, 24_000, 2048), grid_at(32_000, 24_000, 2048)
    (Grid(n_fft=4096, hop=588), None)
    """
    if rate == sample_rate:
        return Grid(n_fft, HOP_LENGTH)
    if rate * HOP_LENGTH % sample_rate:
        return None
    longer = 2 ** math.ceil(math.log2(n_fft * rate / sample_rate))
    return Grid(longer, rate * HOP_LENGTH // sample_rate)


def spectrum(wavs, grid):
    """Short-time Fourier transform of centred frames.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(..., S)``.
    grid : Grid
        Window and hop.

    Returns
    -------
    torch.Tensor
        ``(..., F, T)`` complex, T being ``S // hop + 1``.

    Example
    -------
    >>> spectrum(torch.zeros(2, 3_200), Grid(2048, 320)).shape
    torch.Size([2, 1025, 11])
    """
    window = torch.hann_window(grid.n_fft, device=wavs.device)
    # Zeros around: also clips shorter than a window have frames.
    frames = torch.stft(
        wavs.float().reshape(-1, wavs.shape[-1]),
        grid.n_fft,
        grid.hop,
        window=window,
        pad_mode="constant",
        return_complex=True,
    )
    return frames.view(*wavs.shape[:-1], *frames.shape[-2:])


def waveform(frames, grid, length):
    """The inverse of ``spectrum``.

    Arguments
    ---------
    frames : torch.Tensor
        ``(..., F, T)`` complex.
    grid : Grid
        Window and hop.
    length : int
        S.

    Returns
    -------
    torch.Tensor
        ``(..., S)`` float32.

    Example
    -------
    >>> wavs = torch.rand(2, 3_001)
    >>> again = waveform(
    ...     spectrum(wavs, Grid(2048, 320)), Grid(2048, 320), 3_001
    ... )
    >>> (again - wavs).abs().max().item() < 1e-6
    True
    """
    window = torch.hann_window(grid.n_fft, device=frames.device)
    wavs = torch.istft(
        frames.reshape(-1, *frames.shape[-2:]),
        grid.n_fft,
        grid.hop,
        window=window,
        length=length,
    )
    return wavs.view(*frames.shape[:-2], length)


def magnitude(frames):
    """Mean of the channels' magnitudes.

    Arguments
    ---------
    frames : torch.Tensor
        ``(..., C, F, T)`` complex.

    Returns
    -------
    torch.Tensor
        ``(..., F, T)``.

    Example
    -------
    >>> magnitude(torch.ones(3, 2, 5, 4, dtype=torch.complex64)).shape
    torch.Size([3, 5, 4])
    """
    return frames.abs().mean(-3)


def stretched(masks, sample_rate, rate, n_bins):
    """Masks of the student's bins for the bins of another rate.

    Between bins they are interpolated. Above 11/12 of the student's band (11 kHz of
    12) there is their mean from 10/12 to 11/12.

    Arguments
    ---------
    masks : torch.Tensor
        ``(..., F, T)`` at the student's rate.
    sample_rate : int
        The student's, in Hz.
    rate : int
        Of the audio.
    n_bins : int
        At that rate.

    Returns
    -------
    torch.Tensor
        ``(..., n_bins, T)``.

    Example
    -------
    >>> stretched(torch.rand(4, 1025, 7), 24_000, 44_100, 2049).shape
    torch.Size([4, 2049, 7])
    """
    n_own = masks.shape[-2]
    if (rate, n_bins) == (sample_rate, n_own):
        return masks
    first, last = (round(share * (n_own - 1)) for share in TOP)
    top = masks[..., first:last, :].mean(-2, keepdim=True)
    place = torch.arange(n_bins, dtype=torch.float64) * (
        (rate / (n_bins - 1)) / (sample_rate / (n_own - 1))
    )
    lower = place.floor().long().clamp(max=n_own - 2)
    share = (place - lower).clamp(0, 1).to(masks)[:, None]
    lower = lower.to(masks.device)
    below, above = masks[..., lower, :], masks[..., lower + 1, :]
    between = below * (1 - share) + above * share
    inside = (place <= last).to(masks.device)[:, None]
    return torch.where(inside, between, top)
