"""The front end: seven strided convolutions from waveform to frames.

Kernels 10, 3, 3, 3, 3, 2, 2 and strides 5, 2, 2, 2, 2, 2, 2 (MERT_RVQ-VAE_CQT_95M.yaml,
``conv_feature_layers``), each followed by GELU; group norm after the first layer, or
layer norm after each.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.frames import HOP_LENGTH, KERNELS, RECEPTIVE_FIELD, STRIDES
from mert_sb.student.padding import check_length
from mert_sb.student.statistics import clip_statistics
from mert_sb.student.tiles import StridedConv, dtype_of_tiles, in_tiles


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of ``(B, C, T)``.

    Arguments
    ---------
    channels : int
        C.

    Example
    -------
    >>> ChannelNorm(4)(torch.rand(2, 4, 5)).shape
    torch.Size([2, 4, 5])
    """

    def __init__(self, channels):
        super().__init__(channels)

    def forward(self, feats):
        """Normalise.

        Arguments
        ---------
        feats : torch.Tensor
            ``(B, C, T)``.

        Returns
        -------
        torch.Tensor
            ``(B, C, T)``.
        """
        return super().forward(feats.transpose(1, 2)).transpose(1, 2)


class TimeNorm(nn.GroupNorm):
    """Norm of each channel of ``(B, C, T)`` over time.

    Arguments
    ---------
    channels : int
        C.

    Example
    -------
    >>> norm, feats = TimeNorm(4), torch.rand(2, 4, 9)
    >>> variance, mean = torch.var_mean(feats, -1, correction=0)
    >>> torch.allclose(norm(feats, (mean, variance)), norm(feats), atol=1e-5)
    True
    """

    def __init__(self, channels):
        super().__init__(channels, channels)

    def forward(self, feats, moments=None):
        """Normalise.

        Arguments
        ---------
        feats : torch.Tensor
            ``(B, C, T)``.
        moments : tuple of (torch.Tensor, torch.Tensor), optional
            Mean and variance ``(B, C)`` to use instead of those of ``feats``.

        Returns
        -------
        torch.Tensor
            ``(B, C, T)``.
        """
        if moments is None:
            return super().forward(feats)
        mean, variance = moments
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        return torch.addcmul(shift[..., None], feats, scale[..., None])


class ConvFrontend(nn.Module):
    """Waveform to one feature vector a frame.

    Arguments
    ---------
    channels : int
        Width of each layer (the original: 512).
    norm : str
        ``"group"``, one norm over time after the first layer (fairseq
        ``extractor_mode: default``), or ``"layer"``, over channels after each.
    bias : bool
        Whether the convolutions have a bias.
    recompute : bool
        On a CPU, whether training runs them again in place of keeping what lies
        between them.

    Example
    -------
    >>> ConvFrontend(channels=8)(torch.rand(2, 120_400)).shape
    torch.Size([2, 376, 8])
    """

    def __init__(
        self, *, channels=512, norm="group", bias=False, recompute=False
    ):
        super().__init__()
        self.recompute = recompute
        if norm not in ("group", "layer"):
            raise ValueError(
                f"conv_norm: {norm!r} is neither 'group' nor 'layer'"
            )
        self.layers = nn.ModuleList()
        self.width = channels
        width = 1
        for index, (kernel, stride) in enumerate(
            zip(KERNELS, STRIDES, strict=True)
        ):
            layer = nn.ModuleDict(
                {"conv": nn.Conv1d(width, channels, kernel, stride, bias=bias)}
            )
            nn.init.kaiming_normal_(layer["conv"].weight)
            if norm == "layer":
                layer["norm"] = ChannelNorm(channels)
            elif index == 0:
                layer["norm"] = TimeNorm(channels)
            self.layers.append(layer)
            width = channels

    def forward(self, wavs, statistics=None):
        """Convolve.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        statistics : mert_sb.student.statistics.WavStatistics, optional
            Of the recordings that these clips are parts of, for the norm over
            time. None: the clips' own.

        Returns
        -------
        torch.Tensor
            ``(B, T, C)``.

        Raises
        ------
        ValueError
            If the clips are shorter than one frame.
        """
        check_length(wavs)
        convolutions = [layer["conv"] for layer in self.layers]
        dtype = dtype_of_tiles(wavs, convolutions)
        if dtype is not None:
            with torch.autocast("cpu", enabled=False):
                return self._in_tiles(wavs, statistics, dtype)
        feats = wavs.unsqueeze(1)
        for layer in self.layers:
            feats = layer["conv"](feats)
            if "norm" in layer:
                feats = self._norm(layer, feats, statistics)
            feats = F.gelu(feats)
        return feats.transpose(1, 2)

    @staticmethod
    def _norm(layer, feats, statistics):
        """A layer's norm; only that over time takes statistics."""
        conv, norm = layer["conv"], layer["norm"]
        if statistics is None or not isinstance(norm, TimeNorm):
            return norm(feats)
        return norm(feats, statistics.convolved(conv.weight[:, 0], conv.bias))

    def _in_tiles(self, wavs, statistics, dtype):
        """The same, clip by clip and tile by tile."""
        if isinstance(self.layers[0]["norm"], TimeNorm):
            statistics = statistics or clip_statistics(wavs)
            # The norm takes the mean off; before rounding it costs no digits.
            wavs = wavs - statistics.mean[:, None]
            centre = torch.zeros_like(statistics.mean)
            statistics = statistics._replace(mean=centre)
        windows = wavs.unfold(1, KERNELS[0], STRIDES[0]).to(dtype)
        weights = [
            weight if weight is None else weight.to(dtype)
            for layer in self.layers[1:]
            for weight in _weights(layer)
        ]
        clips = [
            in_tiles(
                self._chain,
                clip,
                *first,
                *weights,
                hop=HOP_LENGTH // STRIDES[0],
                reach=(RECEPTIVE_FIELD - KERNELS[0]) // STRIDES[0] + 1,
                recompute=self.recompute and self.training,
            )
            for clip, *first in zip(
                windows, *self._first(len(wavs), statistics, dtype), strict=True
            )
        ]
        return torch.stack(clips)

    def _first(self, n_clips, statistics, dtype):
        """The first layer's kernels and shifts for each clip, its norm over time folded."""
        conv, norm = self.layers[0]["conv"], self.layers[0]["norm"]
        kernels, shift = conv.weight[:, 0], conv.bias
        if shift is None:
            shift = kernels.new_zeros(len(kernels))
        if isinstance(norm, TimeNorm):
            mean, variance = statistics.convolved(kernels, conv.bias)
            scale = norm.weight * (variance + norm.eps).rsqrt()
            shift = norm.bias + (shift - mean) * scale
            kernels = kernels * scale[..., None]
        kernels = kernels.mT.expand(n_clips, -1, -1)
        return kernels.to(dtype), shift.expand(n_clips, -1).to(dtype)

    def _chain(self, windows, kernels, shift, *weights):
        """A tile's way through the layers: ``(R, K)`` to ``(T, C)``."""
        feats = self._activated(0, torch.addmm(shift, windows, kernels))
        for index, stride in enumerate(STRIDES[1:], 1):
            weight, bias = weights[2 * index - 2 : 2 * index]
            feats = StridedConv.apply(feats, weight, bias, stride)
            feats = self._activated(index, feats)
        return feats

    def _activated(self, index, feats):
        """A layer's norm over channels, if it has one, and GELU."""
        norm = (
            self.layers[index]["norm"] if "norm" in self.layers[index] else None
        )
        if isinstance(norm, ChannelNorm):
            feats = nn.LayerNorm.forward(norm, feats)
        return F.gelu(feats)


def _weights(layer):
    """Weight, in the order that its product reads, and bias of a layer."""
    conv = layer["conv"]
    image = conv.weight.unsqueeze(2)
    return image.contiguous(memory_format=torch.channels_last).squeeze(
        2
    ), conv.bias
