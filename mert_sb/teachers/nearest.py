"""The code nearest to each frame.

N frames, F features, C codes.

Authors
 * The mert_sb developers 2026
"""

import torch


def nearest(feats, codebook, block=16_384):
    """The code nearest to each frame.

    Arguments
    ---------
    feats : torch.Tensor
        ``(N, F)``.
    codebook : torch.Tensor
        ``(C, F)``.
    block : int
        Frames compared at once, which bounds memory.

    Returns
    -------
    torch.Tensor
        ``(N,)`` int64.

    Example
    -------
    >>> nearest(torch.tensor([[0.1], [0.9]]), torch.tensor([[0.0], [1.0]]))
    tensor([0, 1])
    """
    # |x - c|^2 = |x|^2 - 2 x c + |c|^2, of which the first term orders nothing.
    norms = codebook.square().sum(-1) / 2
    return torch.cat(
        [(norms - part @ codebook.T).argmin(-1) for part in feats.split(block)]
    )
