"""The other front end: log-mel frames at the convolutions' clock.

As MuQ (arXiv 2501.01108), MusicFM (arXiv 2311.03318) and MelHuBERT (arXiv 2211.09944) have
it, several times cheaper than seven convolutions over the waveform. Frame t is centred on
sample 320 t + 200, half a sample off the frame of ``mert_sb.frames``; its window of
``n_fft`` samples is wider than the convolutions' 400, and sees zeros beyond the clip.

B batch, S samples, T frames, F mel bins, K mel frames in a student frame, C channels.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb import frames
from mert_sb.student.padding import check_length, valid_frames, within

# Amplitudes below are silence: half of what 16 bits resolve, in one bin of 1,024.
FLOOR = 1e-7
CONVOLUTIONS = 2
KERNEL = 3


class MelFrontend(nn.Module):
    """Waveform to one vector a frame: log-mels, two convolutions over time.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_mels : int
        F, from 0 Hz to half the rate.
    n_fft : int
        Window of a mel frame in samples.
    stack : int
        K mel frames, evenly spaced, side by side in one student frame (MelHuBERT:
        2, of 10 ms).
    channels : int
        C, width of two convolutions of three frames, each followed by GELU (after
        Whisper, arXiv 2212.04356). 0: none, the log-mels go to the projection.
    mean : float
        Subtracted from log-mels (natural logarithm of mean magnitudes).
    std : float
        What they are then divided by.

    Raises
    ------
    ValueError
        If K does not divide the hop, the filters are too narrow, or ``std`` is not
        above zero.

    Example
    -------
    >>> MelFrontend(24_000, n_mels=64, channels=8)(torch.rand(2, 120_400)).shape
    torch.Size([2, 376, 8])
    >>> MelFrontend(24_000, n_mels=64, channels=0, stack=2).width
    128
    """

    def __init__(
        self,
        sample_rate,
        *,
        n_mels=128,
        n_fft=1024,
        stack=1,
        channels=512,
        mean=0.0,
        std=1.0,
    ):
        super().__init__()
        self.hop = frames.HOP_LENGTH // max(stack, 1)
        if self.hop * stack != frames.HOP_LENGTH or self.hop * (stack - 1) % 2:
            raise ValueError(
                f"mel_stack: {stack} mel frames do not lie evenly in a step of "
                f"{frames.HOP_LENGTH} samples; take 1, 2, 4, 5, 8 or 10"
            )
        if std <= 0:
            raise ValueError(f"mel_std: {std} is not above 0")
        self.n_fft = n_fft
        self.stack = stack
        self.mean = mean
        self.std = std
        # Made on the CPU even where modules are made without numbers; not saved.
        bank = mel_bank(n_mels, n_fft, sample_rate)
        window = torch.hann_window(n_fft, device="cpu")
        self.register_buffer("bank", bank / window.sum(), persistent=False)
        self.register_buffer("window", window, persistent=False)
        self.convs = nn.ModuleList()
        self.width = stack * n_mels
        for _ in range(CONVOLUTIONS if channels else 0):
            conv = nn.Conv1d(self.width, channels, KERNEL, padding=KERNEL // 2)
            nn.init.kaiming_normal_(conv.weight)
            self.convs.append(conv)
            self.width = channels

    def forward(self, wavs, valid_samples=None):
        """Transform and convolve.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        valid_samples : torch.Tensor, optional
            ``(B,)``; what lies after them is taken for silence. None: all valid.

        Returns
        -------
        torch.Tensor
            ``(B, T, C)``, or ``(B, T, K F)`` without convolutions.

        Raises
        ------
        ValueError
            If the clips are shorter than one frame.
        """
        check_length(wavs)
        if valid_samples is not None:
            wavs = wavs.masked_fill(~within(valid_samples, wavs.shape[-1]), 0)
        feats = self.log_mels(wavs).to(wavs.dtype).mT
        valid = valid_frames(valid_samples, feats.shape[-1])
        for conv in self.convs:
            if valid is not None:
                feats = feats * valid[:, None]
            feats = nn.functional.gelu(conv(feats))
        return feats.mT

    def log_mels(self, wavs):
        """Log-mel frames, shifted and scaled.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, K F)`` float32, earlier frames first.
        """
        n_samples = wavs.shape[-1]
        n_frames = frames.n_frames(n_samples)
        # The middle of a student's frame, less the way to its first mel frame.
        first = frames.RECEPTIVE_FIELD // 2 - self.hop * (self.stack - 1) // 2
        before = self.n_fft // 2 - first
        total = self.hop * (self.stack * n_frames - 1) + self.n_fft
        padded = nn.functional.pad(
            wavs.float(), (before, total - before - n_samples)
        )
        with torch.autocast(wavs.device.type, enabled=False):
            spectra = torch.stft(
                padded,
                self.n_fft,
                self.hop,
                window=self.window.float(),
                center=False,
                return_complex=True,
            )
            mels = spectra.abs().mT @ self.bank.float()
        mels = (mels.clamp(min=FLOOR).log() - self.mean) / self.std
        return mels.unflatten(1, (n_frames, self.stack)).flatten(2)


def mel_bank(n_mels, n_fft, sample_rate):
    """Triangular filters, evenly spaced in mels (HTK's, torchaudio's default).

    Arguments
    ---------
    n_mels : int
        F.
    n_fft : int
        Window in samples.
    sample_rate : int
        In Hz.

    Returns
    -------
    torch.Tensor
        ``(n_fft // 2 + 1, F)``, each filter 1 at its centre.

    Raises
    ------
    ValueError
        If a filter falls between two bins of the transform.

    Example
    -------
    >>> mel_bank(64, 1024, 24_000).shape
    torch.Size([513, 64])
    """
    options = {"dtype": torch.float64, "device": "cpu"}
    top = torch.tensor(sample_rate / 2, **options)
    top_mel = 2595 * torch.log10(1 + top / 700)
    mels = top_mel * torch.linspace(0, 1, n_mels + 2, **options)
    corners = 700 * (10 ** (mels / 2595) - 1)
    bins = top * torch.linspace(0, 1, n_fft // 2 + 1, **options)
    steps = corners.diff()
    up = (bins[:, None] - corners[:-2]) / steps[:-1]
    down = (corners[2:] - bins[:, None]) / steps[1:]
    bank = torch.minimum(up, down).clamp(min=0)
    empty = int((bank.sum(0) == 0).sum())
    if empty:
        raise ValueError(
            f"n_mels: {empty} of {n_mels} filters lie between two bins of n_fft "
            f"{n_fft} at {sample_rate} Hz; lower n_mels or raise n_fft"
        )
    return bank.float()
