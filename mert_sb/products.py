"""Which layout a processor multiplies fastest in.

In float32 PyTorch multiplies matrices with MKL and convolves with oneDNN. On processors
that are not Intel's, MKL has half of oneDNN's speed; and oneDNN convolves twice as fast
where the channels of a frame lie side by side.

Authors
 * The mert_sb developers 2026
"""

import torch


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
    >>> from torch import nn
    >>> is_bare(nn.Linear(2, 2), nn.Linear), is_bare(nn.Identity(), nn.Linear)
    (True, False)
    """
    return (
        isinstance(module, kind)
        and not module._forward_hooks
        and not module._forward_pre_hooks
    )
