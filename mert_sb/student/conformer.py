"""The conformer layer (arXiv 2005.08100), in place of the transformer's.

Two halves of a network around attention and a convolution; norms before each part and one
after all. The convolution's norm is over channels, frame by frame, where the paper and
fairseq take batch norm: a clip's states then depend neither on the batch nor on padding.
As in fairseq's wav2vec 2.0 with ``pos_enc_type: abs`` (mert_model.py:329), positions come
from the encoder's convolution.

B batch, T frames, D width.

Authors
 * The mert_sb developers 2026
"""

from torch import nn

from mert_sb.student.attention import SelfAttention
from mert_sb.student.dropout import Dropout
from mert_sb.student.products import Linear


class ConvolutionModule(nn.Module):
    """Gated convolution over time, each channel by itself.

    Arguments
    ---------
    dim : int
        D.
    kernel : int
        Width in frames, odd.

    Raises
    ------
    ValueError
        If the kernel is even: its frames would have no centre.

    Example
    -------
    >>> import torch
    >>> ConvolutionModule(32, kernel=5)(torch.rand(2, 9, 32)).shape
    torch.Size([2, 9, 32])
    """

    def __init__(self, dim, *, kernel):
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(
                f"depthwise_kernel: {kernel} is even, and has no middle frame; "
                "give an odd one"
            )
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Sequential(Linear(dim, 2 * dim, bias=False), nn.GLU())
        self.depthwise = nn.Conv1d(
            dim, dim, kernel, padding=kernel // 2, groups=dim, bias=False
        )
        self.output = nn.Sequential(
            nn.LayerNorm(dim), nn.SiLU(), Linear(dim, dim, bias=False)
        )

    def forward(self, hidden, valid=None):
        """Convolve.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(B, T, D)``.
        valid : torch.Tensor, optional
            ``(B, T)`` bool, false at padding.

        Returns
        -------
        torch.Tensor
            ``(B, T, D)``, to be added to the input.
        """
        gated = self.gate(self.norm(hidden))
        if valid is not None:
            gated = gated * valid.unsqueeze(-1)
        return self.output(self.depthwise(gated.mT).mT)


class ConformerLayer(nn.Module):
    """Half a network, attention, convolution, half a network, norm.

    Arguments
    ---------
    dim : int
        D.
    ffn_dim : int
        Width of the inner networks.
    num_heads : int
        Attention heads.
    depthwise_kernel : int
        Width of the convolution in frames.
    dropout : float
        After each part.
    attention_dropout : float
        On attention weights.
    activation_dropout : float
        Inside the networks.
    attention_window : int, optional
        Frames that attention sees to each side. None: all.
    global_frames : int
        First frames that see and are seen by all, for windows.

    Example
    -------
    >>> import torch
    >>> layer = ConformerLayer(32, ffn_dim=64, num_heads=4, depthwise_kernel=5)
    >>> layer(torch.rand(2, 9, 32)).shape
    torch.Size([2, 9, 32])
    """

    def __init__(
        self,
        dim,
        *,
        ffn_dim,
        num_heads,
        depthwise_kernel=31,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        attention_window=None,
        global_frames=0,
    ):
        super().__init__()
        self.first_half = _network(dim, ffn_dim, activation_dropout)
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = SelfAttention(
            dim,
            num_heads=num_heads,
            dropout=attention_dropout,
            window=attention_window,
            global_frames=global_frames,
        )
        self.convolution = ConvolutionModule(dim, kernel=depthwise_kernel)
        self.second_half = _network(dim, ffn_dim, activation_dropout)
        self.norm = nn.LayerNorm(dim)
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
        valid = None if attention_bias is None else attention_bias[:, 0, 0] == 0
        hidden = hidden + 0.5 * self.dropout(self.first_half(hidden))
        attended = self.attention(
            self.attention_norm(hidden), attention_bias, seen
        )
        hidden = hidden + self.dropout(attended)
        hidden = hidden + self.dropout(self.convolution(hidden, valid))
        hidden = hidden + 0.5 * self.dropout(self.second_half(hidden))
        return self.norm(hidden)


def _network(dim, ffn_dim, dropout):
    """Norm and a two-layer network."""
    return nn.Sequential(
        nn.LayerNorm(dim),
        Linear(dim, ffn_dim),
        nn.SiLU(),
        Dropout(dropout),
        Linear(ffn_dim, dim),
    )
