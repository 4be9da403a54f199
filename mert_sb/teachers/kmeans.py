"""K-means on frames that are at hand: k-means++ start, Lloyd's passes, no empty clusters.

For codebooks that are part of something else, MelRVQ's and units'; ``kmeans_fit.py``
has mini-batches, several processes and files of its own.

N frames, F features, C codes.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.teachers.kmeans_start import plus_plus
from mert_sb.teachers.lloyd import lloyd
from mert_sb.teachers.ranks import Ranks

# Frames that the start sees, for each code.
SAMPLE = 10


@torch.no_grad()
def kmeans(feats, n_codes, n_iterations, generator):
    """Fit a codebook; an empty cluster moves to the worst served frames.

    Arguments
    ---------
    feats : torch.Tensor
        ``(N, F)``, where it is computed.
    n_codes : int
        C.
    n_iterations : int
        Of Lloyd's algorithm, after a k-means++ start on a sample.
    generator : torch.Generator
        Of the start, on the CPU.

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
    drawn = torch.randperm(len(feats), generator=generator)[: n_codes * SAMPLE]
    sample = feats[drawn.to(feats.device)]
    # One candidate: a cascade's residuals have rare frames far off, which would take
    # the codes of the frequent ones.
    start, _ = plus_plus(sample, n_codes, generator, tries=1)
    return lloyd(feats, start, n_iterations, Ranks(False))[0]
