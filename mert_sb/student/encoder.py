"""The encoder: a convolution that tells positions, then 12 or 24 attention layers.

B batch, T frames, D width, L layers.

Authors
 * The mert_sb developers 2026
"""

import math
from functools import partial
from itertools import islice

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from mert_sb.student.conformer import ConformerLayer
from mert_sb.student.dropout import Dropout
from mert_sb.student.layers import EncoderLayer, PositionalConv
from mert_sb.student.norms import FIRST, NORMS, initialise, residual_scale


class Encoder(nn.Module):
    """Positional convolution, then the layers.

    Arguments
    ---------
    dim : int
        D.
    ffn_dim : int
        Width of the layers' inner network.
    num_heads : int
        H.
    num_layers : int
        L.
    norm : str
        One of ``NORMS``; ``"post"`` is the 95M's, ``"pre"`` the 330M's.
    depthwise_kernel : int, optional
        Makes conformer layers with convolutions of this width, of norm ``"pre"``.
        None: transformer layers.
    attention_window : int, optional
        Frames that attention sees to each side. None: all.
    global_frames : int
        First frames that see and are seen by all, for windows.
    position_kernel : int
        Width of the positional convolution in frames.
    position_groups : int
        Its groups.
    dropout : float
        Of hidden states.
    attention_dropout : float
        Of attention weights.
    activation_dropout : float
        Inside the layers' network.
    layerdrop : float
        Probability of skipping a layer in training. A skipped layer's parameters
        stay in the graph with zero gradient, so DDP needs no search for unused
        ones.
    checkpoint_layers : bool
        Recompute each layer in the backward pass: less memory, a third more time.

    Example
    -------
    >>> encoder = Encoder(
    ...     32, ffn_dim=64, num_heads=4, num_layers=2, position_kernel=8
    ... )
    >>> len(encoder(torch.rand(2, 9, 32)))
    3
    """

    def __init__(
        self,
        dim,
        *,
        ffn_dim,
        num_heads,
        num_layers,
        norm="post",
        depthwise_kernel=None,
        attention_window=None,
        global_frames=0,
        position_kernel=128,
        position_groups=16,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        layerdrop=0.0,
        checkpoint_layers=False,
    ):
        super().__init__()
        if norm not in NORMS:
            raise ValueError(f"norm: {norm!r} is none of {', '.join(NORMS)}")
        self.norm_last = norm in FIRST
        self.layerdrop = layerdrop
        self.checkpoint_layers = checkpoint_layers
        self.position = PositionalConv(
            dim, kernel=position_kernel, groups=position_groups
        )
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)
        kind = _layer_kind(norm, num_layers, depthwise_kernel)
        self.layers = nn.ModuleList(
            kind(
                dim,
                ffn_dim=ffn_dim,
                num_heads=num_heads,
                dropout=dropout,
                attention_dropout=attention_dropout,
                activation_dropout=activation_dropout,
                attention_window=attention_window,
                global_frames=global_frames,
            )
            for _ in range(num_layers)
        )
        if depthwise_kernel is None:
            initialise(self.layers, norm)

    def forward(self, hidden, valid=None, last=None):
        """All hidden states, or those up to one.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(B, T, D)``, projected features, masked or not.
        valid : torch.Tensor, optional
            ``(B, T)`` bool, false at padding. None where nothing is padded.
        last : int, optional
            Index of the last state wanted; no layer after it is run. None: L.

        Returns
        -------
        list of torch.Tensor
            L + 1 states ``(B, T, D)``, or fewer; state 0 is the input of the
            first layer, state L is normalised.
        """
        bias = None
        if valid is not None:
            hidden = hidden * valid.unsqueeze(-1)
            bias = torch.zeros_like(valid, dtype=torch.float32)
            bias = bias.masked_fill(~valid, -math.inf)[:, None, None]
        hidden = hidden + self.position(hidden)
        if not self.norm_last:
            hidden = self.norm(hidden)
        states = [self.dropout(hidden)]
        seen = None
        if len(self.layers) > 0:
            seen = self.layers[0].attention.seen(bias, hidden)
        for layer in islice(self.layers, last):
            states.append(self._layer(layer, states[-1], bias, seen))
        if self.norm_last and len(states) == len(self.layers) + 1:
            states[-1] = self.norm(states[-1])
        return states

    def _layer(self, layer, hidden, bias, seen):
        """A layer run, recomputed in the backward pass, or dropped."""
        if self.training and self.layerdrop > 0:
            if torch.rand(()) < self.layerdrop:
                unused = sum(
                    parameter.sum() for parameter in layer.parameters()
                )
                return hidden + 0.0 * unused
        if self.training and self.checkpoint_layers:
            return checkpoint(layer, hidden, bias, seen, use_reentrant=False)
        return layer(hidden, bias, seen)


def _layer_kind(norm, num_layers, depthwise_kernel):
    """The layers' class, with what only it wants."""
    if depthwise_kernel is not None:
        return partial(ConformerLayer, depthwise_kernel=depthwise_kernel)
    scale = residual_scale(norm, num_layers)
    return partial(EncoderLayer, norm=norm, residual_scale=scale)
