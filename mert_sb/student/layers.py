"""The encoder's parts: positional convolution, one layer.

B batch, T frames, D width, H heads.

Authors
 * The mert_sb developers 2026
"""

import math

from torch import nn
from torch.nn import functional as F

from mert_sb.products import channels_last, is_bare
from mert_sb.student.attention import SelfAttention
from mert_sb.student.dropout import Dropout
from mert_sb.student.norms import FIRST
from mert_sb.student.products import Linear


class PositionalConv(nn.Module):
    """Relative position by a wide grouped convolution over frames.

    Arguments
    ---------
    dim : int
        D.
    kernel : int
        Width in frames (wav2vec 2.0 and MERT: 128).
    groups : int
        Groups of channels (16).

    Example
    -------
    >>> import torch
    >>> PositionalConv(32, kernel=8, groups=4)(torch.rand(2, 9, 32)).shape
    torch.Size([2, 9, 32])
    """

    def __init__(self, dim, *, kernel=128, groups=16):
        super().__init__()
        conv = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=groups)
        nn.init.normal_(conv.weight, std=2 / math.sqrt(kernel * dim))
        nn.init.zeros_(conv.bias)
        self.conv = nn.utils.parametrizations.weight_norm(conv, dim=2)

    def forward(self, hidden):
        """Convolve over time.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(B, T, D)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, D)``, to be added to the input.
        """
        # An even kernel padded by half of it gives one frame too many.
        n_frames = hidden.shape[1]
        if channels_last(hidden) and is_bare(self.conv, nn.Conv1d):
            image = F.conv2d(
                hidden.mT.unsqueeze(2),
                self.conv.weight.unsqueeze(2),
                self.conv.bias,
                padding=(0, self.conv.padding[0]),
                groups=self.conv.groups,
            )
            return F.gelu(image.squeeze(2).mT[:, :n_frames])
        return F.gelu(self.conv(hidden.mT)[..., :n_frames]).mT


class EncoderLayer(nn.Module):
    """Attention and a two-layer network, each with its norm and residual.

    Arguments
    ---------
    dim : int
        D.
    ffn_dim : int
        Width of the inner network.
    num_heads : int
        H.
    norm : str
        One of ``mert_sb.student.norms.NORMS``.
    residual_scale : float
        Factor of the residual; other than 1 for DeepNorm.
    dropout : float
        After attention and after the network.
    attention_dropout : float
        On attention weights.
    activation_dropout : float
        Inside the network.
    attention_window : int, optional
        Frames that attention sees to each side. None: all.
    global_frames : int
        First frames that see and are seen by all, for windows.

    Example
    -------
    >>> import torch
    >>> layer = EncoderLayer(32, ffn_dim=64, num_heads=4, norm="pre")
    >>> layer(torch.rand(2, 9, 32)).shape
    torch.Size([2, 9, 32])
    """

    def __init__(
        self,
        dim,
        *,
        ffn_dim,
        num_heads,
        norm,
        residual_scale=1.0,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        attention_window=None,
        global_frames=0,
    ):
        super().__init__()
        self.norm_first = norm in FIRST
        self.residual_scale = residual_scale
        self.attention = SelfAttention(
            dim,
            num_heads=num_heads,
            dropout=attention_dropout,
            inner_norm=norm == "sub",
            window=attention_window,
            global_frames=global_frames,
        )
        self.attention_norm = nn.LayerNorm(dim)
        between = Dropout(activation_dropout)
        if norm == "sub":
            between = nn.Sequential(between, nn.LayerNorm(ffn_dim))
        self.ffn = nn.Sequential(
            Linear(dim, ffn_dim),
            nn.GELU(),
            between,
            Linear(ffn_dim, dim),
        )
        self.ffn_norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)

    def forward(self, hidden, attention_bias=None, seen=None):
        """One layer.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(B, T, D)``.
        attention_bias : torch.Tensor, optional
            ``(B, 1, 1, T)``, see ``SelfAttention``.
        seen : torch.Tensor, optional
            See ``SelfAttention``.

        Returns
        -------
        torch.Tensor
            ``(B, T, D)``.
        """
        if self.norm_first:
            attended = self.attention(
                self.attention_norm(hidden), attention_bias, seen
            )
            hidden = hidden + self.dropout(attended)
            return hidden + self.dropout(self.ffn(self.ffn_norm(hidden)))
        attended = self.attention(hidden, attention_bias, seen)
        hidden = self.attention_norm(
            hidden * self.residual_scale + self.dropout(attended)
        )
        return self.ffn_norm(
            hidden * self.residual_scale + self.dropout(self.ffn(hidden))
        )
