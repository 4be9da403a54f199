"""From waveforms to what the encoder sees: front end, projection, mask.

B batch, S samples, T frames, C channels, F features that are projected, D width.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb.cqt import CQT
from mert_sb.student.dropout import Dropout
from mert_sb.student.frontend import ConvFrontend
from mert_sb.student.mel import MelFrontend
from mert_sb.student.padding import (
    check_statistics,
    valid_frames,
    valid_samples,
)
from mert_sb.student.products import Linear
from mert_sb.student.statistics import normalize


class _ScaleGradient(torch.autograd.Function):
    """Identity whose gradient is multiplied by a number."""

    @staticmethod
    def forward(ctx, feats, factor):
        ctx.factor = factor
        return feats.view_as(feats)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.factor, None


class StudentInputs(nn.Module):
    """The student's part before its encoder.

    Arguments
    ---------
    settings : dict
        ``MERT``'s, complete.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> settings = MERT(num_layers=0, conv_channels=8, embed_dim=16).settings
    >>> hidden, valid, feats = StudentInputs(settings).embed(
    ...     torch.rand(2, 8_000)
    ... )
    >>> hidden.shape, valid, feats.shape
    (torch.Size([2, 24, 16]), None, torch.Size([2, 24, 8]))
    """

    def __init__(self, settings):
        super().__init__()
        self.normalize_wavs = settings["normalize_wavs"]
        self.feature_grad_mult = settings["feature_grad_mult"]
        self.subsample = settings["subsample"]
        if self.subsample < 1:
            raise ValueError(f"subsample: {self.subsample} is less than 1")
        self.frontend = build_frontend(settings).requires_grad_(
            self.feature_grad_mult != 0
        )
        self.cqt = None
        n_tones = settings["feature_extractor_cqt"]
        if n_tones:
            self.cqt = CQT(
                settings["sample_rate"],
                n_bins=n_tones,
                bins_per_octave=n_tones // 7,
            )
        input_dim = (self.frontend.width + n_tones) * self.subsample
        embed_dim = settings["embed_dim"]
        plain = settings["projection_norm"]
        self.feature_norm = nn.LayerNorm(
            input_dim, elementwise_affine=not plain
        )
        self.projection = Linear(input_dim, embed_dim)
        self.projection_norm = nn.Identity()
        if plain:
            self.projection_norm = nn.LayerNorm(
                embed_dim, elementwise_affine=False
            )
        self.input_dropout = Dropout(settings["input_dropout"])
        self.mask_embedding = nn.Parameter(torch.rand(embed_dim))

    def embed(self, wavs, wav_lens=None, mask=None, statistics=None, show=None):
        """Project the front end's features, some frames hidden.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip, in (0, 1]. None: all valid.
        mask : torch.Tensor, optional
            ``(B, T)`` bool, frames to hide.
        statistics : mert_sb.student.statistics.WavStatistics, optional
            Of the whole recordings.
        show : callable, optional
            As in ``MERT.forward``.

        Returns
        -------
        tuple of (torch.Tensor, torch.Tensor or None, torch.Tensor)
            The encoder's input ``(B, T, D)``, which of its frames are valid, and
            the front end's output.

        Raises
        ------
        ValueError
            If a clip is shorter than a frame, the mask is of other frames, or the
            statistics do not belong to these clips.
        """
        check_statistics(statistics, wavs, wav_lens)
        samples = valid_samples(wavs, wav_lens)
        if self.normalize_wavs:
            wavs = normalize(wavs, samples, statistics)
            if statistics is not None:
                statistics = statistics.normalized()
        feats = self._features(wavs, samples, statistics)
        joined = feats
        if self.cqt is not None:
            # As in the original, CQT frame t, centred on sample 320 t, joins
            # convolution frame t; what is left over is dropped.
            tones = self.cqt(wavs)[:, : feats.shape[1]]
            joined = torch.cat([feats, tones.to(feats.dtype)], dim=-1)
        hidden = self.projection(self.feature_norm(self._stacked(joined)))
        hidden = self.input_dropout(self.projection_norm(hidden))
        if mask is not None:
            self._check_mask(mask, hidden)
            embedding = self.mask_embedding.to(hidden.dtype)
            hidden = (show or _embedding_shown)(hidden, mask, embedding)
        valid = valid_frames(samples, hidden.shape[1], self.subsample)
        return hidden, valid, feats

    def _features(self, wavs, samples, statistics):
        """Front end ``(B, T, C)`` with its gradient slowed or stopped."""
        # Log-mels look at samples beside a frame; the norm over time, at all.
        mel = isinstance(self.frontend, MelFrontend)
        condition = samples if mel else statistics
        if self.feature_grad_mult == 0:
            with torch.no_grad():
                return self.frontend(wavs, condition)
        feats = self.frontend(wavs, condition)
        if self.feature_grad_mult == 1:
            return feats
        return _ScaleGradient.apply(feats, self.feature_grad_mult)

    def _stacked(self, feats):
        """Neighbouring frames side by side, what is left over dropped."""
        if self.subsample == 1:
            return feats
        n_frames = feats.shape[1] // self.subsample
        if n_frames == 0:
            raise ValueError(
                f"clips of {feats.shape[1]} frames are shorter than one of "
                f"subsample: {self.subsample}"
            )
        feats = feats[:, : n_frames * self.subsample]
        return feats.unflatten(1, (n_frames, self.subsample)).flatten(2)

    @staticmethod
    def _check_mask(mask, hidden):
        """Refuse a mask of other frames than the student's."""
        if mask.shape != hidden.shape[:2]:
            raise ValueError(
                f"mask: shape {tuple(mask.shape)}, but the student has "
                f"{hidden.shape[1]} frames of {len(hidden)} clips"
            )


def _embedding_shown(hidden, mask, embedding):
    """The mask embedding at masked frames."""
    return torch.where(mask.unsqueeze(-1), embedding, hidden)


def build_frontend(settings):
    """The front end that settings choose.

    Arguments
    ---------
    settings : dict
        ``MERT``'s, complete.

    Returns
    -------
    ConvFrontend or MelFrontend
        With its ``width``, the C of its output.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> settings = MERT(num_layers=0, frontend="mel").settings
    >>> build_frontend(settings).width
    512
    """
    if settings["frontend"] == "conv":
        return ConvFrontend(
            channels=settings["conv_channels"],
            norm=settings["conv_norm"],
            bias=settings["conv_bias"],
            recompute=settings["checkpoint_layers"],
        )
    return MelFrontend(
        settings["sample_rate"],
        n_mels=settings["n_mels"],
        n_fft=settings["n_fft"],
        stack=settings["mel_stack"],
        channels=settings["mel_channels"],
        mean=settings["mel_mean"],
        std=settings["mel_std"],
    )
