"""Lloyd's passes over all frames: each centre becomes the mean of its frames.

A centre without frames moves to the frame that is served worst.

N frames on all ranks, n here, F features, C codes.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.progress import Progress
from mert_sb.teachers.nearest import nearest

BLOCK = 16_384
# Passes beyond those asked for while centres without frames are left.
MORE_PASSES = 20


def lloyd(feats, centres, n_passes, ranks):
    """Passes over all frames, until no centre is without one.

    Arguments
    ---------
    feats : torch.Tensor
        ``(n, F)`` float32.
    centres : torch.Tensor
        ``(C, F)``.
    n_passes : int
        At least these; at most twenty more while centres have no frames.
    ranks : Ranks
        The processes.

    Returns
    -------
    tuple of (torch.Tensor, torch.Tensor, float)
        Centres ``(C, F)``, frames of each ``(C,)`` int64, and the mean squared
        distance of a frame from its centre.

    Example
    -------
    >>> from mert_sb.teachers.ranks import Ranks
    >>> feats = torch.tensor([[0.0], [0.2], [1.0], [1.2]])
    >>> found, counts, _ = lloyd(
    ...     feats, torch.tensor([[5.0], [9.0]]), 2, Ranks(False)
    ... )
    >>> counts
    tensor([2, 2])
    """
    with Progress("k-means", n_passes + 1, "pass") as progress:
        for left in reversed(range(-MORE_PASSES, n_passes + 1)):
            sums, counts, error = assign(feats, centres, ranks)
            progress.update()
            empty = (counts[:, 0] == 0).nonzero().flatten()
            if left == -MORE_PASSES or (left <= 0 and not len(empty)):
                break
            moved = (sums / counts.clamp(min=1)).float()
            if len(empty):
                moved[empty] = _worst_served(feats, centres, len(empty), ranks)
            centres = moved
    counts = counts[:, 0].long()
    return centres, counts, (error / counts.sum()).item()


def assign(feats, centres, ranks):
    """Sums over the frames of each centre, of all ranks.

    Arguments
    ---------
    feats : torch.Tensor
        ``(n, F)`` float32.
    centres : torch.Tensor
        ``(C, F)``.
    ranks : Ranks
        The processes.

    Returns
    -------
    tuple of (torch.Tensor, torch.Tensor, torch.Tensor)
        In float64: sums of frames ``(C, F)``, their numbers ``(C, 1)``, and the sum
        of squared distances ``()``.

    Example
    -------
    >>> from mert_sb.teachers.ranks import Ranks
    >>> feats = torch.tensor([[0.0], [0.2], [1.0]])
    >>> centres = torch.tensor([[0.0], [1.0]])
    >>> sums, counts, error = assign(feats, centres, Ranks(False))
    >>> counts.flatten()
    tensor([2., 1.], dtype=torch.float64)
    """
    codes, dim = centres.float(), feats.shape[1]
    # One tensor, one message: sums, numbers, and the error in the last row.
    totals = feats.new_zeros(len(codes) + 1, dim + 1, dtype=torch.float64)
    for part in feats.split(BLOCK):
        chosen = nearest(part, codes)
        ones = part.new_ones(len(part), 1)
        rows = torch.cat([part, ones], dim=1).double()
        totals[:-1].index_add_(0, chosen, rows)
        away = (part - codes[chosen]).double()
        totals[-1, 0] += away.square().sum()
    totals = ranks.sum(totals)
    return totals[:-1, :-1], totals[:-1, -1:], totals[-1, 0]


def _worst_served(feats, centres, wanted, ranks):
    """The frames ``(wanted, F)`` farthest from their centres, of all ranks."""
    codes = centres.float()
    errors = torch.cat(
        [
            (part - codes[nearest(part, codes)]).square().sum(-1)
            for part in feats.split(BLOCK)
        ]
    )
    found = errors.topk(min(wanted, len(errors)))
    # All ranks send as many, so a rank of few frames fills up with none.
    most = feats.new_full((wanted,), -1.0)
    rows = feats.new_zeros(wanted, feats.shape[1])
    most[: len(found.values)] = found.values
    rows[: len(found.values)] = feats[found.indices]
    most, rows = ranks.gather(most), ranks.gather(rows)
    return rows[most.topk(wanted).indices]
