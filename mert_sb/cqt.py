"""The constant-Q transform by spectrum folding (B batch, S samples, T frames, F bins).

Bin ``k`` correlates the clip with a Hann-windowed complex tone of frequency
``fmin 2^(k / bins_per_octave)`` and length ``l_k = ceil(Q sample_rate / f_k)``, every
``hop_length`` samples; the result equals nnAudio's ``CQT(norm=1, window="hann",
center=True, pad_mode="constant")`` magnitude within float32 rounding. Convolving with
65,536-tap kernels costs 6.6 GFLOP a second of audio. Here instead:

1. one FFT of the clip, of length ``N = P hop_length``;
2. a product with the few thousand points of each kernel's spectrum that matter, which
   for a Hann window is known in closed form (three Dirichlet kernels);
3. sampling every ``hop_length`` samples is folding the spectrum modulo ``P``: with P
   points a row, a sum over rows;
4. one inverse FFT of length ``P``, whose first T points are the frames.

Clips of more than ``BLOCK_FRAMES`` go through in overlapping blocks of that length: the
kernels' spectra grow with a clip, and would be made anew for each length of whole songs.

Steps 2 and 3 are one product of matrices for each of the P columns. A window about its
centre has a real spectrum: those of odd length are centred half a sample early, so the
clip's spectrum is turned by half a sample for them. Neighbouring bins, which see about
the same rows, share a product, in the precision that PyTorch is set to for float32
(``torch.set_float32_matmul_precision``).

Authors
 * The mert_sb developers 2026
"""

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.frames import HOP_LENGTH

# A Hann window's side lobes fall as 1 / (pi u^3) at u bins of 1 / l_k from its
# centre: beyond 32 lie 3e-5 of the kernel's norm.
SIDE_LOBES = 32
# Spectra are kept for this many clip lengths (12 MB for five seconds, 336 bins).
KEPT_LENGTHS = 4
# Frames of a block of a longer clip; 32 s at 24 kHz.
BLOCK_FRAMES = 2400
# Bins share a product while so many times their points are multiplied, zeros too.
MOST_ZEROS = 1.5


class _Bins(NamedTuple):
    """Bins that share a product: their rows, and their spectra ``(P, bins, rows)``."""

    is_odd: bool
    first_row: int
    kernels: torch.Tensor


class _Spectra(NamedTuple):
    """All bins for one length of clips."""

    groups: list
    first_row: int
    stop_row: int
    half_sample: torch.Tensor  # (P, rows, 1) complex
    order: torch.Tensor  # Where each bin is in the groups.


def _smooth(number):
    """Smallest integer of factors 2, 3 and 5 that is not below a number."""
    best = 1 << max(0, math.ceil(math.log2(number)))
    five = 1
    while five < best:
        three = five
        while three < best:
            two = three << max(0, math.ceil(math.log2(number / three)))
            best = min(best, two)
            three *= 3
        five *= 5
    return best


def _dirichlet(nu, length):
    """Sum of exp(-2 pi i nu n) over ``length`` points about zero, a real number."""
    half = math.pi * nu
    return torch.where(
        half.sin().abs() < 1e-12,
        torch.full_like(nu, float(length)),
        (length * half).sin() / half.sin(),
    )


class CQT(nn.Module):
    """Constant-Q magnitudes of clips.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_bins : int
        Number of bins (mert_model.py:339: 336).
    bins_per_octave : int
        48 in MERT (``n_bins // 7``, mert_model.py:524).
    fmin : float
        Frequency of the lowest bin in Hz (C1).
    hop_length : int
        Samples between frames.

    Raises
    ------
    ValueError
        If the highest bin lies above half the sample rate.

    Example
    -------
    >>> cqt = CQT(24_000, n_bins=84, bins_per_octave=12)
    >>> tone = torch.sin(torch.arange(24_000) * 2 * torch.pi * 440 / 24_000)
    >>> magnitudes = cqt(tone[None])
    >>> magnitudes.shape, magnitudes[0, 37].argmax().item()  # A4 is 45 above C1
    (torch.Size([1, 76, 84]), 45)
    """

    def __init__(
        self,
        sample_rate,
        *,
        n_bins=336,
        bins_per_octave=48,
        fmin=32.7,
        hop_length=HOP_LENGTH,
    ):
        super().__init__()
        top = fmin * 2 ** ((n_bins - 1) / bins_per_octave)
        if top > sample_rate / 2:
            raise ValueError(
                f"the highest of {n_bins} CQT bins, {top:.0f} Hz, lies above half "
                f"the sample rate of {sample_rate} Hz; lower n_bins or fmin"
            )
        self.sample_rate = sample_rate
        self.n_bins = n_bins
        self.hop_length = hop_length
        quality = 1 / (2 ** (1 / bins_per_octave) - 1)
        self.frequencies = [
            fmin * 2 ** (k / bins_per_octave) for k in range(n_bins)
        ]
        self.lengths = [
            math.ceil(quality * sample_rate / f) for f in self.frequencies
        ]
        self._spectra = {}

    def forward(self, wavs):
        """Transform a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, n_bins)`` float32 magnitudes, T = S // hop_length + 1; frame t
            is centred on sample ``t * hop_length``.
        """
        with torch.autocast(wavs.device.type, enabled=False):
            return self._by_blocks(wavs.float())

    def _by_blocks(self, wavs):
        """All frames, those of long clips in blocks."""
        n_frames = wavs.shape[-1] // self.hop_length + 1
        if n_frames <= BLOCK_FRAMES:
            return self._transform(wavs, n_frames)
        # Frames beside a block that its own kernels reach into.
        beside = (max(self.lengths) // 2 + 1) // self.hop_length + 1
        n_blocks = -(-n_frames // BLOCK_FRAMES)
        after = (n_blocks * BLOCK_FRAMES + beside) * self.hop_length
        padded = F.pad(wavs, (beside * self.hop_length, after - wavs.shape[-1]))
        blocks = padded.unfold(
            -1,
            (BLOCK_FRAMES + 2 * beside) * self.hop_length,
            BLOCK_FRAMES * self.hop_length,
        )
        # One after another: together their spectra would not fit into memory.
        parts = [
            self._transform(block, beside + BLOCK_FRAMES)[:, beside:]
            for block in blocks.unbind(1)
        ]
        return torch.cat(parts, dim=1)[:, :n_frames]

    def _transform(self, wavs, n_frames):
        """The first frames of clips, by one FFT."""
        reach = max(self.lengths) // 2 + 1
        period = _smooth(math.ceil((wavs.shape[-1] + reach) / self.hop_length))
        spectra = self._spectra_for(period, wavs.device)
        even = self._rows(wavs, period, spectra)
        turned = [even, even * spectra.half_sample]
        turned = [torch.view_as_real(part).flatten(2) for part in turned]
        folded = []
        for is_odd, first, kernels in spectra.groups:
            rows = slice(first, first + kernels.shape[-1])
            folded.append(kernels @ turned[is_odd][:, rows])
        folded = torch.cat(folded, dim=1).unflatten(2, (-1, 2))
        frames = torch.fft.ifft(torch.view_as_complex(folded), dim=0)
        frames = frames[:n_frames].abs().index_select(1, spectra.order)
        return frames.permute(2, 0, 1).contiguous()

    def _rows(self, wavs, period, spectra):
        """The spectrum's rows that matter, ``(P, rows, B)``."""
        spectrum = torch.fft.fft(wavs, n=period * self.hop_length)
        spectrum = spectrum.view(-1, self.hop_length, period)
        first, stop = spectra.first_row, spectra.stop_row
        if first < 0:  # Short kernels of low Q reach below zero.
            rows = torch.cat([spectrum[:, first:], spectrum[:, :stop]], dim=1)
        else:
            rows = spectrum[:, first:stop]
        return rows.permute(2, 1, 0).contiguous()

    def _spectra_for(self, period, device):
        """The kernels' spectra for an FFT of so many columns, built once."""
        key = (period, device)
        if key not in self._spectra:
            if len(self._spectra) == KEPT_LENGTHS:
                self._spectra.pop(next(iter(self._spectra)))
            self._spectra[key] = self._build(period, device)
        return self._spectra[key]

    def _build(self, period, device):
        pairs = [self._kernel(k, period) for k in range(self.n_bins)]
        first = min(row for row, _ in pairs)
        stop = max(row + len(kernel) for row, kernel in pairs)
        groups, order = [], []
        for is_odd in (False, True):
            bins = [
                k for k in range(self.n_bins) if self.lengths[k] % 2 == is_odd
            ]
            for members in _neighbours(bins, pairs):
                lowest, kernels = _joined([pairs[k] for k in members])
                kernels = kernels.to(device)
                groups.append(_Bins(is_odd, lowest - first, kernels))
                order += members
        points = torch.arange(
            first * period, stop * period, dtype=torch.float64
        )
        angle = points * (-math.pi / (period * self.hop_length))
        half_sample = torch.polar(torch.ones_like(angle), angle)
        half_sample = half_sample.to(torch.complex64).view(-1, period).T
        return _Spectra(
            groups,
            first,
            stop,
            half_sample.unsqueeze(2).contiguous().to(device),
            torch.tensor(order).argsort().to(device),
        )

    def _kernel(self, k, period):
        """First row and rows ``(R, period)`` of kernel k's real spectrum."""
        n_fft = period * self.hop_length
        length = self.lengths[k]
        frequency = self.frequencies[k] / self.sample_rate
        reach = min(SIDE_LOBES / length, 0.5 - 1 / n_fft)
        low = math.floor((frequency - reach) * n_fft)
        high = math.ceil((frequency + reach) * n_fft)
        row = low // period
        n_rows = high // period - row + 1
        bins = row * period + torch.arange(n_rows * period, dtype=torch.float64)
        nu = bins / n_fft - frequency
        # Hann, 1/2 + 1/4 (exp + exp) about its centre, normalised to an L1 norm of
        # one (its sum is l / 2) and scaled by sqrt(l), nnAudio's "librosa" one.
        window = 0.5 * _dirichlet(nu, length)
        window += 0.25 * _dirichlet(nu - 1 / length, length)
        window += 0.25 * _dirichlet(nu + 1 / length, length)
        window[(bins < low) | (bins > high)] = 0
        # The sum over a spectrum of length N under an inverse FFT of length P.
        kernel = window * (2 / math.sqrt(length) / self.hop_length)
        return row, kernel.float().view(n_rows, period)


def _neighbours(bins, pairs):
    """Bins in groups that see about the same rows."""
    group, used = [], 0
    for k in bins:
        row, kernel = pairs[k]
        first = min([row, *(pairs[j][0] for j in group)])
        stop = max(pairs[j][0] + len(pairs[j][1]) for j in [*group, k])
        used += len(kernel)
        if group and (len(group) + 1) * (stop - first) > MOST_ZEROS * used:
            yield group
            group, used = [], len(kernel)
        group = [*group, k]
    if group:
        yield group


def _joined(pairs):
    """First row and spectra ``(P, bins, rows)`` of a group."""
    first = min(row for row, _ in pairs)
    stop = max(row + len(kernel) for row, kernel in pairs)
    joined = torch.zeros(pairs[0][1].shape[1], len(pairs), stop - first)
    for index, (row, kernel) in enumerate(pairs):
        rows = slice(row - first, row - first + len(kernel))
        joined[:, index, rows] = kernel.T
    return first, joined
