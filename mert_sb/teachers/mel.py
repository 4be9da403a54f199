"""Log-mel frames: what the ear's filter bank makes of each student frame.

B batch, S samples, T frames, F mel bins.

Authors
 * The mert_sb developers 2026
"""

import torch
import torchaudio
from torch import nn

from mert_sb import frames

N_FFT = 1024
FLOOR = 1e-5


class MelFrames(nn.Module):
    """Log-mel frames centred on the student's.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_mels : int
        F.

    Example
    -------
    >>> MelFrames(24_000, n_mels=64)(torch.rand(2, 120_400)).shape
    torch.Size([2, 376, 64])
    """

    def __init__(self, sample_rate, *, n_mels=128):
        super().__init__()
        bank = torchaudio.functional.melscale_fbanks(
            N_FFT // 2 + 1, 0.0, sample_rate / 2, n_mels, sample_rate
        )
        self.register_buffer("bank", bank)
        self.register_buffer("window", torch.hann_window(N_FFT))

    def forward(self, wavs):
        """Transform.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, F)``, natural logarithm of magnitudes.
        """
        # Frame t then lies on sample 320 t + 200, the middle of the student's.
        padding = N_FFT // 2 - frames.RECEPTIVE_FIELD // 2
        spectra = torch.stft(
            nn.functional.pad(wavs, (padding, padding)),
            N_FFT,
            frames.HOP_LENGTH,
            window=self.window,
            center=False,
            return_complex=True,
        )
        return (spectra.abs().mT @ self.bank).clamp(min=FLOOR).log()
