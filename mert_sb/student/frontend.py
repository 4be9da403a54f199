"""The front end: seven strided convolutions from waveform to frames.

Kernels 10, 3, 3, 3, 3, 2, 2 and strides 5, 2, 2, 2, 2, 2, 2 (MERT_RVQ-VAE_CQT_95M.yaml,
``conv_feature_layers``), each followed by GELU; group norm after the first layer, or
layer norm after each.

Authors
 * The mert_sb developers 2026
"""

from torch import nn

from mert_sb.frames import RECEPTIVE_FIELD

KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of ``(B, C, T)``.

    Arguments
    ---------
    channels : int
        C.

    Example
    -------
    >>> import torch
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

    Example
    -------
    >>> import torch
    >>> ConvFrontend(channels=8)(torch.rand(2, 120_400)).shape
    torch.Size([2, 376, 8])
    """

    def __init__(self, *, channels=512, norm="group", bias=False):
        super().__init__()
        if norm not in ("group", "layer"):
            raise ValueError(
                f"conv_norm: {norm!r} is neither 'group' nor 'layer'"
            )
        self.layers = nn.ModuleList()
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
                layer["norm"] = nn.GroupNorm(channels, channels)
            self.layers.append(layer)
            width = channels

    def forward(self, wavs):
        """Convolve.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, C)``.

        Raises
        ------
        ValueError
            If the clips are shorter than one frame.
        """
        if wavs.shape[-1] < RECEPTIVE_FIELD:
            raise ValueError(
                f"clips of {wavs.shape[-1]} samples are shorter than one frame of "
                f"{RECEPTIVE_FIELD}"
            )
        feats = wavs.unsqueeze(1)
        for layer in self.layers:
            feats = layer["conv"](feats)
            if "norm" in layer:
                feats = layer["norm"](feats)
            feats = nn.functional.gelu(feats)
        return feats.transpose(1, 2)
