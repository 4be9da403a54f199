"""The convolutions on a CPU: in tiles of time that stay in its cache.

Frames are rows with their channels side by side, in which layout a strided convolution is a
product of matrices over the rows as they lie. A tile goes through all layers before the
next begins. The norm over time sees all of a clip at once: its moments follow from the
waveform, and it is folded into the first layer.

B batch, S samples, R rows (frames of a layer), C channels, K a kernel, T student frames.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from mert_sb.products import channels_last, is_bare

# Numbers that a tile's first layer gives: 8,192 rows of 512 channels.
TILE = 2**22
DTYPES = (torch.float32, torch.bfloat16)


class StridedConv(torch.autograd.Function):
    """A convolution over rows, whose weight's gradient is a product too.

    Example
    -------
    >>> feats, weight = torch.rand(9, 4), torch.rand(8, 4, 3)
    >>> StridedConv.apply(feats, weight, None, 2).shape
    torch.Size([4, 8])
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(feats, weight, bias, stride):
        """Convolve.

        Arguments
        ---------
        feats : torch.Tensor
            ``(R, C)``.
        weight : torch.Tensor
            ``(C', C, K)``.
        bias : torch.Tensor or None
            ``(C',)``.
        stride : int
            Rows to step.

        Returns
        -------
        torch.Tensor
            ``(R', C')``.
        """
        image = F.conv2d(
            _image(feats), weight.unsqueeze(2), bias, stride=(1, stride)
        )
        return _rows(image)

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep what the gradients are made of.

        Arguments
        ---------
        ctx : object
            Autograd's.
        inputs : tuple
            The arguments of ``forward``.
        output : torch.Tensor
            What it gave.
        """
        feats, weight, _, ctx.stride = inputs
        ctx.save_for_backward(feats, weight)

    @staticmethod
    def backward(ctx, gradient):
        """Gradients of the rows, the weight and the bias.

        Arguments
        ---------
        ctx : object
            Autograd's.
        gradient : torch.Tensor
            ``(R', C')``.

        Returns
        -------
        tuple of (torch.Tensor or None)
            One for each argument of ``forward``.
        """
        feats, weight = ctx.saved_tensors
        gradient = gradient.contiguous()
        of_feats = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            image = F.conv_transpose2d(
                _image(gradient), weight.unsqueeze(2), stride=(1, ctx.stride)
            )
            unseen = len(feats) - image.shape[-1]
            of_feats = F.pad(_rows(image), (0, 0, 0, unseen))
        if ctx.needs_input_grad[1]:
            of_weight = _weight_gradient(
                feats, weight.shape, gradient, ctx.stride
            )
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum(0)
        return of_feats, of_weight, of_bias, None


def _weight_gradient(feats, shape, gradient, stride):
    """By the faster kernel of each precision; the image's own is several times slower."""
    if feats.dtype == torch.float32:
        return torch.nn.grad.conv1d_weight(
            feats.T.contiguous()[None],
            shape,
            gradient.T.contiguous()[None],
            stride=stride,
        )
    n_rows, last = len(gradient), shape[2]
    taps = [
        gradient.T @ feats[tap : tap + n_rows * stride : stride]
        for tap in range(last)
    ]
    return torch.stack(taps, dim=-1)


def _image(rows):
    """Rows as an image of one line, channels last; no copy."""
    return rows[None, None].permute(0, 3, 1, 2)


def _rows(image):
    """Back from ``_image``."""
    return image.permute(0, 2, 3, 1)[0, 0]


def dtype_of_tiles(wavs, convolutions):
    """The precision that tiles would be computed in, where they can be.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(B, S)``.
    convolutions : list of nn.Module
        The layers' own.

    Returns
    -------
    torch.dtype or None
        None where the plain convolutions are to be taken: on other devices, in other
        precisions, where a graph is recorded, where the waveform wants a gradient, and
        where something stands in a convolution's place or looks at it.

    Example
    -------
    >>> dtype_of_tiles(torch.zeros(1, 400).double(), []) is None
    True
    """
    if not channels_last(wavs) or len(wavs) == 0:
        return None
    if wavs.requires_grad and torch.is_grad_enabled():
        return None
    if not all(is_bare(conv, nn.Conv1d) for conv in convolutions):
        return None
    dtype = wavs.dtype
    if torch.is_autocast_enabled("cpu") and dtype != torch.float64:
        dtype = torch.get_autocast_dtype("cpu")
    elif any(conv.weight.dtype != dtype for conv in convolutions):
        return None
    return dtype if dtype in DTYPES else None


def in_tiles(chain, windows, *weights, hop, reach, recompute=False):
    """Run a chain of layers over a clip, tile by tile.

    Arguments
    ---------
    chain : callable
        ``chain(windows, *weights)`` gives ``(T', C)`` of some rows.
    windows : torch.Tensor
        ``(R, K)``, what the first layer sees.
    *weights : torch.Tensor or None
        Of the layers.
    hop : int
        Rows from one frame to the next.
    reach : int
        Rows that one frame sees.
    recompute : bool
        Whether backward runs each tile again in place of keeping what lay between.

    Returns
    -------
    torch.Tensor
        ``(T, C)``.

    Example
    -------
    >>> rows = torch.arange(10.0)[:, None]
    >>> pairs = lambda windows: windows.unfold(0, 2, 2)[:, 0]
    >>> in_tiles(pairs, rows, hop=2, reach=2).shape
    torch.Size([5, 2])
    """
    n_frames = (len(windows) - reach) // hop + 1
    step = max(1, TILE // weights[0].shape[-1] // hop) if weights else n_frames
    parts = []
    for first in range(0, n_frames, step):
        last = min(first + step, n_frames) - 1
        part = windows[first * hop : last * hop + reach]
        if recompute and torch.is_grad_enabled():
            feats = checkpoint(
                chain,
                part,
                *weights,
                use_reentrant=False,
                preserve_rng_state=False,
            )
        else:
            feats = chain(part, *weights)
        parts.append(feats)
    return torch.cat(parts)
