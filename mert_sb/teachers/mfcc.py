"""Cepstral frames: the features of HuBERT's first iteration.

HuBERT (arXiv 2106.07447) clusters 39 numbers a frame: 13 Mel cepstral coefficients after
Kaldi, their differences and the differences of these (``dump_mfcc_feature.py`` of its
simple_kmeans). The same here, a batch at a time and with a step of one student frame; at
16 kHz Kaldi's 25 ms are the student's 400 samples.

B batch, S samples, T frames, N samples of a window.

Authors
 * The mert_sb developers 2026
"""

import math

import torch
import torchaudio
from torch import nn

from mert_sb import frames
from mert_sb.teachers.features import FrameFeatures

# Kaldi's defaults, which HuBERT keeps.
PREEMPHASIS = 0.97
WINDOW_POWER = 0.85
LOWEST = 20.0
LIFTER = 22.0
FLOOR = torch.finfo(torch.float32).eps


class MFCCFrames(FrameFeatures):
    """Kaldi's cepstral coefficients and their differences.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_ceps : int
        Coefficients (HuBERT: 13, the first among them, no energy).
    n_mels : int
        Mel filters below them (Kaldi: 23).
    window_seconds : float
        Length of a window (Kaldi: 0.025).
    n_deltas : int
        Orders of differences beside the coefficients (HuBERT: 2).

    Raises
    ------
    ValueError
        If there are more coefficients than filters, or less than no differences.

    Example
    -------
    >>> MFCCFrames(24_000)(torch.rand(2, 24_080)).shape
    torch.Size([2, 75, 39])
    """

    def __init__(
        self,
        sample_rate,
        *,
        n_ceps=13,
        n_mels=23,
        window_seconds=0.025,
        n_deltas=2,
    ):
        if not 0 < n_ceps <= n_mels:
            raise ValueError(
                f"n_ceps: {n_ceps} coefficients of n_mels {n_mels} filters; there "
                "is one for each filter at most"
            )
        if n_deltas < 0:
            raise ValueError(f"n_deltas: {n_deltas}, but 0 is the least")
        super().__init__(
            sample_rate=sample_rate,
            dim=n_ceps * (1 + n_deltas),
            settings={
                "n_ceps": n_ceps,
                "n_mels": n_mels,
                "window_seconds": window_seconds,
                "n_deltas": n_deltas,
            },
        )
        self.n_deltas = n_deltas
        length = int(sample_rate * window_seconds)
        self.n_fft = 1 << (length - 1).bit_length()
        window = torch.hann_window(length, periodic=False).pow(WINDOW_POWER)
        self.register_buffer("window", window)
        self.register_buffer("bank", _bank(n_mels, self.n_fft, sample_rate))
        dct = torchaudio.functional.create_dct(n_ceps, n_mels, "ortho")
        turn = math.pi / LIFTER * torch.arange(n_ceps)
        self.register_buffer("dct", dct * (1 + LIFTER / 2 * turn.sin()))

    def forward(self, wavs):
        """Transform.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, F)``: coefficients, then each order of differences.
        """
        length = len(self.window)
        before = (length - frames.RECEPTIVE_FIELD) // 2
        after = length - frames.RECEPTIVE_FIELD - before
        windows = nn.functional.pad(wavs, (before, after)).unfold(
            -1, length, frames.HOP_LENGTH
        )
        windows = windows - windows.mean(-1, keepdim=True)
        former = torch.cat([windows[..., :1], windows[..., :-1]], dim=-1)
        windows = (windows - PREEMPHASIS * former) * self.window
        power = torch.fft.rfft(windows, n=self.n_fft).abs().square()
        rows = (power @ self.bank).clamp(min=FLOOR).log() @ self.dct
        orders = [rows.mT]
        for _ in range(self.n_deltas):
            orders.append(torchaudio.functional.compute_deltas(orders[-1]))
        return torch.cat(orders, dim=1).mT


def _bank(n_mels, n_fft, sample_rate):
    """Kaldi's filters ``(n_fft // 2 + 1, n_mels)``: triangles over the mel axis."""
    lines = torch.arange(n_fft // 2 + 1) * sample_rate / n_fft
    ends = torch.tensor([LOWEST, sample_rate / 2])
    low, high = (1127 * (1 + ends / 700).log()).tolist()
    step = (high - low) / (n_mels + 1)
    centres = low + step * torch.arange(1, n_mels + 1)
    away = 1127 * (1 + lines[:, None] / 700).log() - centres
    return (1 - (away / step).abs()).clamp(min=0)
