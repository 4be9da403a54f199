"""Products of matrices by the fastest kernel that a CPU has for them.

In float32 PyTorch multiplies matrices with MKL and convolves with oneDNN. On processors
that are not Intel's, MKL has half of oneDNN's speed, so a linear layer is given as a
convolution of one tap, over an image of one line with its channels last: the same numbers
in the same places. Everywhere else these layers are PyTorch's.

B batch, T frames, D width.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn
from torch.nn import functional as F

# Below it the call costs more than the product.
FEWEST = 2**20


class Linear(nn.Linear):
    """A linear layer.

    Example
    -------
    >>> Linear(4, 8)(torch.rand(2, 9, 4)).shape
    torch.Size([2, 9, 8])
    """

    def forward(self, feats):
        """Multiply.

        Arguments
        ---------
        feats : torch.Tensor
            ``(..., D)``.

        Returns
        -------
        torch.Tensor
            ``(..., D')``.
        """
        if not through_images(feats) or not _is_plain(self.weight):
            return super().forward(feats)
        rows = feats.numel() // self.in_features
        if feats.dim() < 2 or rows * self.weight.numel() < FEWEST:
            return super().forward(feats)
        # A clip an image: the weight's gradient then takes less time.
        image = feats.reshape(-1, 1, feats.shape[-2], feats.shape[-1])
        image = image.permute(0, 3, 1, 2)
        image = F.conv2d(image, self.weight[..., None, None], self.bias)
        return image.permute(0, 2, 3, 1).reshape(*feats.shape[:-1], -1)


def _is_plain(weight):
    """Whether a weight is numbers side by side: neither sparse nor quantised."""
    kinds = (nn.Parameter, torch.Tensor)
    return type(weight) in kinds and weight.layout == torch.strided


def through_images(feats):
    """Whether products of these numbers are faster as convolutions of images.

    Arguments
    ---------
    feats : torch.Tensor
        Any shape.

    Returns
    -------
    bool
        True for float32 on a CPU with oneDNN, outside of autocast.

    Example
    -------
    >>> through_images(torch.zeros(1, dtype=torch.bfloat16))
    False
    """
    return (
        channels_last(feats)
        and feats.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
    )


def channels_last(feats):
    """Whether convolutions are faster with the channels of a frame side by side.

    Arguments
    ---------
    feats : torch.Tensor
        Any shape.

    Returns
    -------
    bool
        True on a CPU with oneDNN, outside of graphs.

    Example
    -------
    >>> channels_last(torch.zeros(1, device="meta"))
    False
    """
    return (
        feats.device.type == "cpu"
        and not is_recorded()
        and torch.backends.mkldnn.is_available()
    )


def is_recorded():
    """Whether a graph is being made of what is computed, for any size of input.

    Returns
    -------
    bool
        True inside of ``torch.compile``, ``torch.export`` and ``torch.jit.trace``.

    Example
    -------
    >>> is_recorded()
    False
    """
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def is_bare(module, kind):
    """Whether a module does what its weights say: nothing in its place, no hooks.

    Arguments
    ---------
    module : nn.Module
        For example a convolution, or an adapter that stands for it.
    kind : type
        What it should be, or be made of by a parametrisation.

    Returns
    -------
    bool
        Whether its weights may be used without calling it.

    Example
    -------
    >>> is_bare(nn.Linear(2, 2), nn.Linear), is_bare(nn.Identity(), nn.Linear)
    (True, False)
    """
    return (
        isinstance(module, kind)
        and not module._forward_hooks
        and not module._forward_pre_hooks
    )
