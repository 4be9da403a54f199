"""The encoder's parts: positional convolution, attention, one layer.

B batch, T frames, D width, H heads.

Authors
 * The mert_sb developers 2026
"""

import math

from torch import nn
from torch.nn import functional as F


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
        return F.gelu(self.conv(hidden.mT)[..., :n_frames]).mT


class SelfAttention(nn.Module):
    """Multi-head attention through ``scaled_dot_product_attention``.

    The original's attention relaxation (330M: constant 32), softmax of
    ``(A / c - max(A / c)) c``, is softmax in exact arithmetic; it only keeps fp16
    in range, which the fused kernels do by themselves.

    Arguments
    ---------
    dim : int
        D.
    num_heads : int
        H.
    dropout : float
        Probability of dropping an attention weight.

    Example
    -------
    >>> import torch
    >>> SelfAttention(32, num_heads=4)(torch.rand(2, 9, 32)).shape
    torch.Size([2, 9, 32])
    """

    def __init__(self, dim, *, num_heads, dropout=0.0):
        super().__init__()
        if dim % num_heads:
            raise ValueError(
                f"embed_dim {dim} is no multiple of {num_heads} heads"
            )
        self.num_heads = num_heads
        self.dropout = dropout
        self.q_proj = nn.Linear(dim, dim)
        self.k_proj = nn.Linear(dim, dim)
        self.v_proj = nn.Linear(dim, dim)
        self.out_proj = nn.Linear(dim, dim)
        for projection in (self.q_proj, self.k_proj, self.v_proj):
            nn.init.xavier_uniform_(projection.weight, gain=1 / math.sqrt(2))
        nn.init.xavier_uniform_(self.out_proj.weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, hidden, attention_bias=None):
        """Attend.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(B, T, D)``.
        attention_bias : torch.Tensor, optional
            ``(B, 1, 1, T)``: 0 at valid frames, minus infinity at padding. None
            where nothing is padded, which lets the fastest kernels be used.

        Returns
        -------
        torch.Tensor
            ``(B, T, D)``.
        """
        query, key, value = (
            projection(hidden)
            .unflatten(-1, (self.num_heads, -1))
            .transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        if attention_bias is not None:
            attention_bias = attention_bias.to(query.dtype)
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attention_bias,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


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
        ``"post"``, ``"pre"`` or ``"deepnorm"``.
    residual_scale : float
        Factor of the residual; other than 1 for DeepNorm.
    dropout : float
        After attention and after the network.
    attention_dropout : float
        On attention weights.
    activation_dropout : float
        Inside the network.

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
    ):
        super().__init__()
        self.pre_norm = norm == "pre"
        self.residual_scale = residual_scale
        self.attention = SelfAttention(
            dim, num_heads=num_heads, dropout=attention_dropout
        )
        self.attention_norm = nn.LayerNorm(dim)
        self.ffn = nn.Sequential(
            nn.Linear(dim, ffn_dim),
            nn.GELU(),
            nn.Dropout(activation_dropout),
            nn.Linear(ffn_dim, dim),
        )
        self.ffn_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden, attention_bias=None):
        """One layer.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(B, T, D)``.
        attention_bias : torch.Tensor, optional
            ``(B, 1, 1, T)``, see ``SelfAttention``.

        Returns
        -------
        torch.Tensor
            ``(B, T, D)``.
        """
        if self.pre_norm:
            attended = self.attention(
                self.attention_norm(hidden), attention_bias
            )
            hidden = hidden + self.dropout(attended)
            return hidden + self.dropout(self.ffn(self.ffn_norm(hidden)))
        attended = self.attention(hidden, attention_bias)
        hidden = self.attention_norm(
            hidden * self.residual_scale + self.dropout(attended)
        )
        return self.ffn_norm(
            hidden * self.residual_scale + self.dropout(self.ffn(hidden))
        )
