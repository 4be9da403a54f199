"""k-means++: centres to start from, far from one another.

M frames of a sample, F features, C codes.

Authors
 * The mert_sb developers 2026
"""

import math

import torch


def best_start(sample, n_codes, restarts, generator):
    """The best of several k-means++ starts.

    Arguments
    ---------
    sample : torch.Tensor
        ``(M, F)``.
    n_codes : int
        C.
    restarts : int
        Starts tried.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    torch.Tensor
        ``(C, F)``.

    Example
    -------
    >>> sample = torch.tensor([[0.0], [1.0]])
    >>> best_start(sample, 2, 1, torch.Generator()).sort(0).values.flatten()
    tensor([0., 1.])
    """
    starts = (plus_plus(sample, n_codes, generator) for _ in range(restarts))
    return min(starts, key=lambda pair: pair[1])[0]


def plus_plus(sample, n_codes, generator, *, tries=None):
    """k-means++: each next centre is a frame far from the ones before.

    Several candidates are drawn for each centre, and the one that serves best stays.

    Arguments
    ---------
    sample : torch.Tensor
        ``(M, F)``.
    n_codes : int
        C.
    generator : torch.Generator
        On the CPU, so that a GPU's draws are the same.
    tries : int, optional
        Candidates; None: ``2 + int(log C)``, as in scikit-learn. With more of them
        rare frames become centres sooner.

    Returns
    -------
    tuple of (torch.Tensor, float)
        ``(C, F)``, and the sum of squared distances that is left.

    Example
    -------
    >>> plus_plus(torch.tensor([[0.0], [1.0]]), 2, torch.Generator())[1]
    0.0
    """
    tries = tries or 2 + int(math.log(n_codes))
    draws = torch.rand(n_codes, tries, generator=generator, dtype=torch.float64)
    # About their mean, the differences of squares lose the fewest digits.
    about = sample - sample.mean(0)
    left = torch.full((len(sample),), torch.inf, device=sample.device)
    odds, chosen = torch.ones_like(left).double(), []
    for draw in draws.to(sample.device):
        odds = odds.cumsum(0)
        tried = torch.searchsorted(odds, draw * odds[-1], right=True)
        tried = tried.clamp(max=len(sample) - 1)
        after = torch.minimum(left, _distances(about, about[tried]))
        best = after.sum(-1).argmin()
        chosen.append(tried[best])
        left = after[best]
        left[tried[best]] = 0
        # Where all frames are centres already, any will do.
        odds = torch.where(left.sum() > 0, left, 1.0).double()
    return sample[torch.stack(chosen)], left.sum().item()


def _distances(sample, centres):
    """Squared distances ``(centres, M)``, never below zero."""
    both = sample.square().sum(-1) + centres.square().sum(-1, keepdim=True)
    return (both - 2 * centres @ sample.T).clamp(min=0)
