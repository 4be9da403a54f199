"""Dropout whose draws are cheap on a CPU.

PyTorch draws a CPU's Bernoulli numbers one by one, in one thread; a quarter of a training
step went there. Here 16 random bits decide, four numbers to a draw. Elsewhere it is
PyTorch's.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.products import is_recorded

LEVELS = 2**16


class Dropout(nn.Dropout):
    """Zeros at random, the rest scaled, in training.

    Example
    -------
    >>> dropout = Dropout(0.5)
    >>> feats = dropout(torch.ones(1_000))
    >>> sorted(set(feats.tolist()))
    [0.0, 2.0]
    """

    def forward(self, feats):
        """Drop.

        Arguments
        ---------
        feats : torch.Tensor
            Any shape.

        Returns
        -------
        torch.Tensor
            The same shape.
        """
        return drop(feats, self.p if self.training else 0.0)


def drop(feats, probability):
    """Zeros at random, the rest scaled.

    Arguments
    ---------
    feats : torch.Tensor
        Any shape.
    probability : float
        Of a zero, kept to within 1 / 131,072 on a CPU.

    Returns
    -------
    torch.Tensor
        The same shape.

    Example
    -------
    >>> torch.equal(drop(torch.ones(3), 0.0), torch.ones(3))
    True
    """
    if probability == 0.0:
        return feats
    dropped = round(probability * LEVELS)
    plain = feats.device.type != "cpu" or is_recorded()
    if plain or not 0 < dropped < LEVELS:
        return F.dropout(feats, probability)
    words = torch.empty(-(-feats.numel() // 4), dtype=torch.int64)
    bits = words.random_(-(2**63), None).view(torch.int16)[: feats.numel()]
    # By way of bytes: from bool to bf16 takes ten times as long.
    keep = (bits >= dropped - LEVELS // 2).view(torch.uint8).to(feats.dtype)
    keep = keep.mul_(LEVELS / (LEVELS - dropped))
    return feats * keep.view(feats.shape)
