"""Chroma frames: how much of each pitch class sounds, whatever the octave.

MERT v0 clusters chroma of 264 bins (arXiv 2306.00107): not 264 pitches, but one octave in
steps of a twenty-second of a semitone, as librosa's ``chroma_stft(n_chroma=264)`` gives
it; the authors' benchmark of probes (MARBLE) calls it so. A spectral line is often wider
than such a step: it is spread over the pitch classes that it may stand for, by a Gaussian
whose width is the distance to the next line.

B batch, S samples, T frames, C chroma bins.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.teachers.features import FrameFeatures
from mert_sb.teachers.mel import centred_magnitudes

# librosa's: lines weigh by a Gaussian about 880 Hz, two octaves wide.
A0 = 27.5
CENTRE_OCTAVE = 5.0
OCTAVE_WIDTH = 2.0
# Power below which a frame has no pitch: its chroma is zero, not noise scaled up.
SILENCE = 1e-8


class ChromaFrames(FrameFeatures):
    """Chroma of power spectra, its greatest value one.

    Tuning is not estimated (librosa's function does it clip by clip): a clip's codes
    must not depend on where it was cut.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_chroma : int
        C, a multiple of 12; bin 0 is C (arXiv 2306.00107: 264).
    n_fft : int
        Samples of a window (librosa: 2,048; the paper does not say).

    Raises
    ------
    ValueError
        If ``n_chroma`` is not a multiple of 12.

    Example
    -------
    >>> tone = torch.sin(torch.arange(24_080) * 2 * torch.pi * 440 / 24_000)
    >>> chroma = ChromaFrames(24_000, n_chroma=12)(tone[None])
    >>> chroma.shape, chroma[0, 37].argmax().item()  # A is 9 above C
    (torch.Size([1, 75, 12]), 9)
    """

    def __init__(self, sample_rate, *, n_chroma=264, n_fft=2048):
        if n_chroma < 12 or n_chroma % 12:
            raise ValueError(
                f"n_chroma: {n_chroma} is not a multiple of 12, the semitones of an "
                "octave"
            )
        super().__init__(
            sample_rate=sample_rate,
            dim=n_chroma,
            settings={"n_chroma": n_chroma, "n_fft": n_fft},
        )
        self.register_buffer("bank", chroma_bank(sample_rate, n_chroma, n_fft))
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
            ``(B, T, C)``, from 0 to 1; 0 for frames of silence.
        """
        chroma = centred_magnitudes(wavs, self.window).square() @ self.bank
        greatest = chroma.amax(-1, keepdim=True)
        chroma = chroma / greatest.clamp(min=SILENCE)
        return torch.where(greatest > SILENCE, chroma, 0.0)


def chroma_bank(sample_rate, n_chroma, n_fft):
    """What each spectral line gives to each chroma bin.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_chroma : int
        C.
    n_fft : int
        Samples of a window.

    Returns
    -------
    torch.Tensor
        ``(n_fft // 2 + 1, C)`` float32; nothing of line 0, which has no pitch.

    Example
    -------
    >>> bank = chroma_bank(24_000, 12, 2048)
    >>> bank[75].argmax().item()  # line 75 is 879 Hz
    9
    """
    lines = torch.arange(1, n_fft // 2 + 1, dtype=torch.float64)
    octaves = (lines * sample_rate / n_fft / A0).log2()
    width = (n_chroma * (1 + 1 / lines).log2()).clamp(min=1)
    bins = torch.arange(n_chroma, dtype=torch.float64)
    # A is bin 9 of 12 when C is bin 0.
    away = n_chroma * octaves[:, None] + 9 * (n_chroma // 12) - bins
    away = (away + n_chroma / 2).remainder(n_chroma) - n_chroma / 2
    bank = (-0.5 * (2 * away / width[:, None]).square()).exp()
    bank = torch.nn.functional.normalize(bank, dim=1)
    loudness = (
        -0.5 * ((octaves - CENTRE_OCTAVE) / OCTAVE_WIDTH).square()
    ).exp()
    bank = bank * loudness[:, None]
    none = bank.new_zeros(1, n_chroma)
    return torch.cat([none, bank]).float()
