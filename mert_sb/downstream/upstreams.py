"""Upstreams: what turns clips into states, for a probe to look at.

Each has ``sample_rate``, ``n_states`` and ``dim``, and maps clips ``(B, S)`` to
``(B, N, D)``, pooled, or for tasks that look at frames to ``(B, N, T, D)``. Which one an
experiment has is said by a YAML of its own.

B batch, S samples, T frames, N states, D width.

Authors
 * The mert_sb developers 2026
"""

import torch
import torchaudio
from torch import nn

from mert_sb.downstream.frozen import Frozen
from mert_sb.downstream.pooling import at_every_frame, mean_over_time
from mert_sb.frames import CENTRED_PADDING, HOP_LENGTH, n_frames


class PooledStates(nn.Module):
    """Means over time of an encoder's hidden states.

    Arguments
    ---------
    encoder : torch.nn.Module
        A ``MERT``.
    sample_rate : int
        In Hz.
    n_states : int
        N, one more than the encoder has layers.
    dim : int
        D.
    settings : dict
        Of the encoder, to tell its states from another's.
    subsample : int
        The encoder's: frames of ``mert_sb.frames`` in one of its own.

    Example
    -------
    >>> class Encoder(nn.Module):
    ...     def forward(self, wavs, wav_lens, output_hidden_states):
    ...         return torch.zeros(3, len(wavs), 9, 8)
    >>> upstream = PooledStates(
    ...     Encoder(), sample_rate=24_000, n_states=3, dim=8, settings={}
    ... )
    >>> upstream(torch.zeros(2, 3_000)).shape
    torch.Size([2, 3, 8])
    """

    def __init__(
        self, encoder, *, sample_rate, n_states, dim, settings, subsample=1
    ):
        super().__init__()
        self.encoder = encoder
        self.settings, self.subsample = settings, subsample
        self.sample_rate, self.n_states, self.dim = sample_rate, n_states, dim

    def forward(self, wavs, wav_lens=None):
        """Encode and pool.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip.

        Returns
        -------
        torch.Tensor
            ``(B, N, D)`` float32.
        """
        states = self.encoder(wavs, wav_lens, output_hidden_states=True)
        pooled = mean_over_time(
            states.float(), wavs.shape[1], wav_lens, self.subsample
        )
        return pooled.transpose(0, 1)


class FrameStates(PooledStates):
    """An encoder's hidden states, frame by frame; made as ``PooledStates``.

    Those of an encoder that joins frames come at every frame, see ``at_every_frame``.

    Example
    -------
    >>> class Encoder(nn.Module):
    ...     def forward(self, wavs, wav_lens, output_hidden_states):
    ...         return torch.zeros(3, len(wavs), 9, 8)
    >>> upstream = FrameStates(
    ...     Encoder(), sample_rate=24_000, n_states=3, dim=8, settings={}
    ... )
    >>> upstream(torch.zeros(2, 3_000)).shape
    torch.Size([2, 3, 9, 8])
    """

    def forward(self, wavs, wav_lens=None, **conditions):
        """Encode.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip.
        **conditions : dict
            For the encoder, such as ``statistics`` where clips are windows.

        Returns
        -------
        torch.Tensor
            ``(B, N, T, D)`` float32, T as ``mert_sb.frames.n_frames`` says.
        """
        states = self.encoder(
            wavs, wav_lens, output_hidden_states=True, **conditions
        ).float()
        states = at_every_frame(states, wavs.shape[1], self.subsample, wav_lens)
        return states.transpose(0, 1)


class MelFrames(nn.Module):
    """Log-mel bands, or their cosine coefficients, frame by frame: the plain rival.

    A frame is centred where the student's frame of the same index is, within half a
    sample.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_mels : int
        Bands.
    n_mfcc : int, optional
        Cosine coefficients of the bands instead, so many; None: the bands.

    Example
    -------
    >>> MelFrames(sample_rate=24_000, n_mels=64)(torch.rand(2, 24_000)).shape
    torch.Size([2, 1, 74, 64])
    """

    def __init__(self, *, sample_rate=24_000, n_mels=128, n_mfcc=None):
        super().__init__()
        self.settings = {"n_mels": n_mels, "n_mfcc": n_mfcc}
        self.sample_rate, self.n_states = sample_rate, 1
        self.dim = n_mfcc or n_mels
        self.hop_length = HOP_LENGTH
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate,
            n_fft=2048,
            hop_length=self.hop_length,
            n_mels=n_mels,
        )
        matrix = torch.eye(n_mels)
        if n_mfcc is not None:
            matrix = torchaudio.functional.create_dct(n_mfcc, n_mels, "ortho").T
        self.register_buffer("matrix", matrix)

    def bands(self, wavs):
        """Log-mel bands or coefficients of centred frames.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, S // 320 + 1, D)`` at 24 kHz, the first centred on sample 0.
        """
        if wavs.shape[1] <= self.mel.n_fft // 2:
            raise ValueError(
                f"a clip of {wavs.shape[1]} samples is too short for log-mel "
                f"bands: more than {self.mel.n_fft // 2} are needed"
            )
        bands = (self.mel(wavs.float()) + 1e-5).log()
        return (self.matrix @ bands).mT

    def forward(self, wavs, wav_lens=None):
        """Bands of each frame.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        wav_lens : torch.Tensor, optional
            Not used: a frame sees its surroundings only.

        Returns
        -------
        torch.Tensor
            ``(B, 1, T, D)`` float32, T as of the student.
        """
        feats = self.bands(nn.functional.pad(wavs, (CENTRED_PADDING, 0)))
        # Its first frame is centred before the student's first.
        return feats[:, None, 1 : 1 + n_frames(wavs.shape[1])]


class MelStatistics(MelFrames):
    """Mean and standard deviation of log-mel bands over time: the plain rival.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_mels : int
        Bands.
    n_mfcc : int, optional
        Cosine coefficients of the bands instead, so many; None: the bands.

    Example
    -------
    >>> upstream = MelStatistics(sample_rate=24_000, n_mels=128)
    >>> upstream(torch.rand(2, 24_000)).shape
    torch.Size([2, 1, 256])
    >>> MelStatistics(sample_rate=24_000, n_mfcc=20).dim
    40
    """

    def __init__(self, *, sample_rate=24_000, n_mels=128, n_mfcc=None):
        super().__init__(sample_rate=sample_rate, n_mels=n_mels, n_mfcc=n_mfcc)
        self.dim = 2 * (n_mfcc or n_mels)

    def forward(self, wavs, wav_lens=None):
        """Statistics of each clip.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip.

        Returns
        -------
        torch.Tensor
            ``(B, 1, D)`` float32.
        """
        feats = self.bands(wavs)
        count = torch.full((len(wavs), 1), feats.shape[1], device=wavs.device)
        if wav_lens is not None:
            n_samples = (wav_lens * wavs.shape[1]).round().long()
            count = (n_samples // self.hop_length + 1)[:, None]
        positions = torch.arange(feats.shape[1], device=wavs.device)
        valid = (positions < count).unsqueeze(-1)
        mean = (feats * valid).sum(1) / count
        variance = ((feats - mean[:, None]).square() * valid).sum(1) / count
        return torch.cat([mean, variance.sqrt()], dim=-1).unsqueeze(1)


def mel_upstream(*, frames=False, **options):
    """The plain rival, pooled or frame by frame.

    Arguments
    ---------
    frames : bool
        Every frame's bands instead of their statistics over time.
    **options : dict
        As of ``MelFrames``.

    Returns
    -------
    MelFrames or MelStatistics
        Ready to use.

    Example
    -------
    >>> mel_upstream(n_mels=64).dim, mel_upstream(frames=True, n_mels=64).dim
    (128, 64)
    """
    return (MelFrames if frames else MelStatistics)(**options)


class FrozenUpstream(Frozen):
    """An upstream that is run in each step and never learns: slower than the cache.

    Arguments
    ---------
    upstream : torch.nn.Module
        Any of this module's.

    Example
    -------
    >>> FrozenUpstream(MelStatistics(sample_rate=16_000)).sample_rate
    16000
    """

    def __init__(self, upstream):
        super().__init__(upstream)
        self.settings = upstream.settings
        self.sample_rate = upstream.sample_rate
        self.n_states, self.dim = upstream.n_states, upstream.dim
