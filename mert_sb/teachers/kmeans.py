"""K-means on frames: k-means++ start, Lloyd's iterations, no empty clusters.

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


@torch.no_grad()
def kmeans(feats, n_codes, n_iterations, generator):
    """Fit a codebook; an empty cluster moves to the worst served frames.

    Arguments
    ---------
    feats : torch.Tensor
        ``(N, F)``.
    n_codes : int
        C.
    n_iterations : int
        Of Lloyd's algorithm, after a k-means++ start on a sample.
    generator : torch.Generator
        Of the start.

    Returns
    -------
    torch.Tensor
        ``(C, F)``.

    Example
    -------
    >>> feats = torch.tensor([[0.0], [0.2], [1.0], [1.2]])
    >>> kmeans(feats, 2, 5, torch.Generator()).sort(0).values
    tensor([[0.1000],
            [1.1000]])
    """
    codebook = _plus_plus(feats, n_codes, generator)
    for _ in range(n_iterations):
        chosen = nearest(feats, codebook)
        sums = torch.zeros_like(codebook).index_add_(0, chosen, feats)
        counts = torch.bincount(chosen, minlength=n_codes)
        codebook = sums / counts.clamp(min=1)[:, None]
        empty = (counts == 0).nonzero().flatten()
        if len(empty):
            errors = (feats - codebook[chosen]).square().sum(-1)
            codebook[empty] = feats[errors.topk(len(empty)).indices]
    return codebook


def _plus_plus(feats, n_codes, generator):
    """Starts far from one another, out of a sample of the frames."""
    sample = torch.randperm(len(feats), generator=generator)[: n_codes * 10]
    feats = feats[sample]
    first = torch.randint(len(feats), (), generator=generator)
    chosen = [first]
    distances = (feats - feats[first]).square().sum(-1)
    for _ in range(n_codes - 1):
        if distances.max() > 0:
            index = torch.multinomial(distances, 1, generator=generator)[0]
        else:
            index = torch.randint(len(feats), (), generator=generator)
        chosen.append(index)
        nearer = (feats - feats[index]).square().sum(-1)
        distances = torch.minimum(distances, nearer)
    return feats[torch.stack(chosen)]
