"""Where the norms stand, and the initial values that go with them.

``"post"`` after each residual sum, ``"pre"`` before each part, ``"deepnorm"`` after a sum
whose residual is multiplied by (2 L)^(1/4) (arXiv 2203.00555), ``"sub"`` before each part
and once more inside it, before its last projection (SubLN, arXiv 2210.06423). One setting,
because they exclude one another; the original has three switches (mert_model.py:120, 434,
439) and refuses two pairs of them (703-706). Its ``subln`` never reaches its layers
(1395-1408), so no checkpoint of it has inner norms.

D width, F inner width, L layers.

Authors
 * The mert_sb developers 2026
"""

import math

import torch
from torch import nn

NORMS = ("post", "pre", "deepnorm", "sub")
# Norms that stand before a part; the last state is then normalised at the end.
FIRST = ("pre", "sub")


def residual_scale(norm, n_layers):
    """Factor of the residual.

    Arguments
    ---------
    norm : str
        One of ``NORMS``.
    n_layers : int
        L.

    Returns
    -------
    float
        Other than 1 for DeepNorm.

    Example
    -------
    >>> residual_scale("deepnorm", 8), residual_scale("sub", 8)
    (2.0, 1.0)
    """
    return (2 * n_layers) ** 0.25 if norm == "deepnorm" else 1.0


def initialise(layers, norm):
    """Give layers the initial weights that their norms want.

    Arguments
    ---------
    layers : sequence of mert_sb.student.layers.EncoderLayer
        All L of an encoder.
    norm : str
        One of ``NORMS``. ``"post"`` and ``"pre"`` leave the weights as they are.

    Example
    -------
    >>> from mert_sb.student.layers import EncoderLayer
    >>> layer = EncoderLayer(32, ffn_dim=64, num_heads=4, norm="sub")
    >>> initialise([layer], "sub")
    >>> wanted = math.sqrt(2 / (32 + 64)) * math.sqrt(math.log(2))
    >>> abs(layer.ffn[0].weight.std().item() / wanted - 1) < 0.1
    True
    """
    with torch.no_grad():
        for layer in layers:
            if norm == "deepnorm":
                _shrink(layer, (8 * len(layers)) ** 0.25)
            if norm == "sub":
                _draw(layer, math.sqrt(math.log(2 * len(layers))))


def _scaled(layer):
    """What both papers scale: value, output and network."""
    attention = layer.attention
    return attention.v_proj, attention.out_proj, layer.ffn[0], layer.ffn[3]


def _shrink(layer, scale):
    """DeepNorm: weights divided by (8 L)^(1/4)."""
    for linear in _scaled(layer):
        linear.weight /= scale


def _draw(layer, gain):
    """SubLN: Xavier's normal values, of gain (ln 2 L)^(1/2) for those scaled."""
    for linear in (layer.attention.q_proj, layer.attention.k_proj):
        nn.init.xavier_normal_(linear.weight)
    for linear in _scaled(layer):
        nn.init.xavier_normal_(linear.weight, gain=gain)
