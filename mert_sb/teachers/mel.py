"""Log-mel frames: what the ear's filter bank makes of each student frame.

B batch, S samples, T frames, F mel bins.

Authors
 * The mert_sb developers 2026
"""

import torch
import torchaudio
from torch import nn

from mert_sb import frames
from mert_sb.teachers.features import FrameFeatures

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
    n_fft : int
        Samples of a window.
    fmin : float
        Lower end of the first filter in Hz; the last ends at half the rate.

    Example
    -------
    >>> MelFrames(24_000, n_mels=64)(torch.rand(2, 120_400)).shape
    torch.Size([2, 376, 64])
    """

    def __init__(self, sample_rate, *, n_mels=128, n_fft=N_FFT, fmin=0.0):
        super().__init__()
        bank = torchaudio.functional.melscale_fbanks(
            n_fft // 2 + 1, fmin, sample_rate / 2, n_mels, sample_rate
        )
        self.register_buffer("bank", bank)
        self.register_buffer("window", torch.hann_window(n_fft))

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
        magnitudes = centred_magnitudes(wavs, self.window)
        return (magnitudes @ self.bank).clamp(min=FLOOR).log()


class LogMelFrames(FrameFeatures):
    """Log-mel frames; 229 bins and 300 clusters are a teacher of MERT v0.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_mels : int
        F (arXiv 2306.00107: 229).
    n_fft : int
        Samples of a window; the paper says nothing of it. Of 229 filters some
        would hear no spectral line at 1,024.
    fmin : float
        Lower end of the first filter in Hz.

    Raises
    ------
    ValueError
        If a filter lies between two spectral lines and would hear nothing.

    Example
    -------
    >>> LogMelFrames(16_000)(torch.rand(2, 16_080)).shape
    torch.Size([2, 50, 229])
    """

    def __init__(self, sample_rate, *, n_mels=229, n_fft=2048, fmin=0.0):
        settings = {"n_mels": n_mels, "n_fft": n_fft, "fmin": fmin}
        super().__init__(sample_rate=sample_rate, dim=n_mels, settings=settings)
        self.mel = MelFrames(sample_rate, **settings)
        deaf = (self.mel.bank.sum(0) == 0).sum().item()
        if deaf:
            raise ValueError(
                f"n_mels: {deaf} of {n_mels} mel filters lie between the spectral "
                f"lines of n_fft {n_fft} at {sample_rate} Hz and hear nothing; raise "
                "n_fft or fmin, or lower n_mels"
            )

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
        return self.mel(wavs)


def centred_magnitudes(wavs, window):
    """Magnitude spectra of windows centred on the student's frames.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(B, S)``.
    window : torch.Tensor
        ``(n_fft,)``, of even length.

    Returns
    -------
    torch.Tensor
        ``(B, T, n_fft // 2 + 1)``.

    Example
    -------
    >>> centred_magnitudes(torch.rand(2, 720), torch.hann_window(512)).shape
    torch.Size([2, 2, 257])
    """
    n_fft = len(window)
    # Frame t then lies on sample 320 t + 200, the middle of the student's.
    padding = n_fft // 2 - frames.RECEPTIVE_FIELD // 2
    spectra = torch.stft(
        nn.functional.pad(wavs, (padding, padding)),
        n_fft,
        frames.HOP_LENGTH,
        window=window,
        center=False,
        return_complex=True,
    )
    return spectra.abs().mT
