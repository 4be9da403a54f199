"""The constant-Q transform by spectrum folding (B batch, S samples, T frames).

Bin ``k`` correlates the clip with a Hann-windowed complex tone of frequency
``fmin 2^(k / bins_per_octave)`` and length ``l_k = ceil(Q sample_rate / f_k)``, every
``hop_length`` samples; the result equals nnAudio's ``CQT(norm=1, window="hann",
center=True, pad_mode="constant")`` magnitude within float32 rounding. Convolving with
65,536-tap kernels costs 6.6 GFLOP a second of audio. Here instead:

1. one FFT of the clip, of length ``N = P hop_length``;
2. a product with the few thousand bins of each kernel's spectrum that matter, which
   for a Hann window is known in closed form (three Dirichlet kernels);
3. sampling every ``hop_length`` samples is folding the spectrum modulo ``P``;
4. one inverse FFT of length ``P``, whose first T points are the frames.

Clips of more than ``BLOCK_FRAMES`` go through in overlapping blocks of that length: the
kernels' spectra grow with a clip, and would be made anew for each length of whole songs.

Authors
 * The mert_sb developers 2026
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.frames import HOP_LENGTH

# A Hann window's side lobes fall as 1 / (pi u^3) at u bins of 1 / l_k from its
# centre: beyond 32 lie 3e-5 of the kernel's norm.
SIDE_LOBES = 32
# Spectra are kept for this many clip lengths (16 MB for five seconds, 336 bins).
KEPT_LENGTHS = 4
# Frames of a block of a longer clip; 32 s at 24 kHz.
BLOCK_FRAMES = 2400


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


def _dirichlet(nu, start, length):
    """Sum over n of exp(-2 pi i nu n), n from ``start``, ``length`` terms."""
    half = math.pi * nu
    ratio = torch.where(
        half.sin().abs() < 1e-12,
        torch.full_like(nu, float(length)),
        (length * half).sin() / half.sin(),
    )
    phase = -2 * math.pi * nu * (start + (length - 1) / 2)
    return torch.polar(ratio.abs(), phase) * ratio.sign()


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
        first_rows, kernels = self._kernels(period, wavs.device)
        spectrum = torch.fft.fft(wavs.float(), n=period * self.hop_length)
        spectrum = spectrum.view(-1, self.hop_length, period)
        # Short kernels of low Q reach below zero and above half the rate.
        below = max(0, -min(first_rows))
        spectrum = torch.cat(
            [spectrum[:, self.hop_length - below :], spectrum], dim=1
        )
        folded = torch.stack(
            [
                (spectrum[:, below + row :][:, : len(kernel)] * kernel).sum(1)
                for row, kernel in zip(first_rows, kernels, strict=True)
            ],
            dim=1,
        )
        frames = torch.fft.ifft(folded)[..., :n_frames]
        return frames.abs().transpose(1, 2)

    def _kernels(self, period, device):
        """Each kernel's significant spectrum as rows of ``period`` bins."""
        key = (period, device)
        if key not in self._spectra:
            if len(self._spectra) == KEPT_LENGTHS:
                self._spectra.pop(next(iter(self._spectra)))
            pairs = [self._kernel(k, period) for k in range(self.n_bins)]
            self._spectra[key] = (
                [row for row, _ in pairs],
                [kernel.to(device) for _, kernel in pairs],
            )
        return self._spectra[key]

    def _kernel(self, k, period):
        """First row and rows ``(R, period)`` of kernel k's conjugate spectrum."""
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
        start = -((length + 1) // 2)  # nnAudio's centring of odd lengths
        turn = torch.polar(
            torch.tensor(1.0, dtype=torch.float64),
            torch.tensor(2 * math.pi * start / length, dtype=torch.float64),
        )
        # Hann, 1/2 - 1/4 (exp + exp), normalised to an L1 norm of one (its sum
        # is l / 2) and scaled by sqrt(l), nnAudio's "librosa" normalisation.
        window = 0.5 * _dirichlet(nu, start, length)
        window -= (
            0.25 * turn.conj() * _dirichlet(nu - 1 / length, start, length)
        )
        window -= 0.25 * turn * _dirichlet(nu + 1 / length, start, length)
        window[(bins < low) | (bins > high)] = 0
        kernel = window.conj() * (2 / math.sqrt(length))
        # The sum over a spectrum of length N under an inverse FFT of length P.
        kernel /= self.hop_length
        return row, kernel.to(torch.complex64).view(n_rows, period)
