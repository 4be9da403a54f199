"""Upstreams: what turns clips into pooled states, for a probe to look at.

Each has ``sample_rate``, ``n_states`` and ``dim``, and maps clips ``(B, S)`` to
``(B, N, D)``. Which one an experiment has is said by a YAML of its own.

B batch, S samples, T frames, N states, D width.

Authors
 * The mert_sb developers 2026
"""

import torch
import torchaudio
from torch import nn

from mert_sb.downstream.frozen import Frozen
from mert_sb.downstream.pooling import mean_over_time


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

    def __init__(self, encoder, *, sample_rate, n_states, dim, settings):
        super().__init__()
        self.encoder = encoder
        self.settings = settings
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
        pooled = mean_over_time(states.float(), wavs.shape[1], wav_lens)
        return pooled.transpose(0, 1)


class MelStatistics(nn.Module):
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
        super().__init__()
        self.settings = {"n_mels": n_mels, "n_mfcc": n_mfcc}
        self.sample_rate, self.n_states = sample_rate, 1
        self.dim = 2 * (n_mfcc or n_mels)
        # 75 frames a second at 24 kHz, as the student's.
        self.hop_length = sample_rate // 75
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate, n_fft=2048, hop_length=self.hop_length, n_mels=n_mels
        )
        matrix = torch.eye(n_mels)
        if n_mfcc is not None:
            matrix = torchaudio.functional.create_dct(n_mfcc, n_mels, "ortho").T
        self.register_buffer("matrix", matrix)

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
        bands = (self.mel(wavs.float()) + 1e-5).log()
        feats = (self.matrix @ bands).mT
        n_frames = torch.full((len(wavs),), feats.shape[1], device=wavs.device)
        if wav_lens is not None:
            n_samples = (wav_lens * wavs.shape[1]).round()
            n_frames = n_samples.long() // self.hop_length + 1
        positions = torch.arange(feats.shape[1], device=wavs.device)
        valid = (positions < n_frames[:, None]).unsqueeze(-1)
        count = n_frames[:, None]
        mean = (feats * valid).sum(1) / count
        variance = ((feats - mean[:, None]).square() * valid).sum(1) / count
        return torch.cat([mean, variance.sqrt()], dim=-1).unsqueeze(1)


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
