"""Fitting on several processes: what a fit asks of the others.

N frames on all ranks, n on this one, F features.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import distributed as dist


class Ranks:
    """This process among those that fit together; alone if they do not.

    Arguments
    ---------
    distributed : bool
        Fit with all processes of ``torch.distributed``, each on its own clips.

    Raises
    ------
    ValueError
        If it is asked for and no process group exists.

    Example
    -------
    >>> ranks = Ranks(False)
    >>> ranks.world, ranks.rank, ranks.sum(torch.ones(2))
    (1, 0, tensor([1., 1.]))
    """

    def __init__(self, distributed):
        if distributed and not (dist.is_available() and dist.is_initialized()):
            raise ValueError(
                "distributed: True, but there is no process group; start with "
                "torchrun, or set it to False and fit on one process"
            )
        self.world = dist.get_world_size() if distributed else 1
        self.rank = dist.get_rank() if distributed else 0

    def sum(self, tensor):
        """Sum over ranks, in place.

        Arguments
        ---------
        tensor : torch.Tensor
            Of one shape on all ranks.

        Returns
        -------
        torch.Tensor
            The same tensor.
        """
        if self.world > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, tensor):
        """Rows of all ranks, those of rank 0 first.

        Arguments
        ---------
        tensor : torch.Tensor
            ``(n, ...)``, of one shape on all ranks.

        Returns
        -------
        torch.Tensor
            ``(world * n, ...)``.
        """
        if self.world == 1:
            return tensor
        parts = [torch.empty_like(tensor) for _ in range(self.world)]
        dist.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    def first(self, value):
        """Rank 0's value.

        Arguments
        ---------
        value : object
            What pickles.

        Returns
        -------
        object
            The same on all ranks.
        """
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def share(self, feats):
        """Where this rank's frames stand among all.

        Arguments
        ---------
        feats : torch.Tensor
            ``(n, F)``.

        Returns
        -------
        tuple of (int, int)
            N, and the number of this rank's first frame.
        """
        own = torch.tensor([len(feats)], device=feats.device)
        counts = self.gather(own).tolist()
        return sum(counts), sum(counts[: self.rank])

    def rows(self, feats, numbers, offset):
        """Frames by their numbers among all, on every rank.

        Arguments
        ---------
        feats : torch.Tensor
            ``(n, F)``.
        numbers : torch.Tensor
            ``(M,)``, equal on all ranks.
        offset : int
            Number of this rank's first frame.

        Returns
        -------
        torch.Tensor
            ``(M, F)``.
        """
        rows = feats.new_zeros(len(numbers), feats.shape[1])
        here, own = local(numbers, offset, len(feats))
        rows[here.to(feats.device)] = feats[own.to(feats.device)]
        return self.sum(rows)


def local(numbers, offset, count):
    """Which of the numbered frames are here.

    Arguments
    ---------
    numbers : torch.Tensor
        ``(M,)``, numbers of frames among all.
    offset : int
        Number of the first frame here.
    count : int
        Frames here.

    Returns
    -------
    tuple of (torch.Tensor, torch.Tensor)
        A mask ``(M,)``, and the rows of those here.

    Example
    -------
    >>> local(torch.tensor([0, 5, 3]), 3, 3)
    (tensor([False,  True,  True]), tensor([2, 0]))
    """
    here = (numbers >= offset) & (numbers < offset + count)
    return here, numbers[here] - offset
