"""K-means by mini-batches, on one process or several, on a CPU or a GPU.

1. k-means++ on a sample, some times over; the start that fits the sample best is kept.
2. Mini-batches (Sculley 2010): each centre moves towards the mean of its new frames, by
   their share of all it has had. Stops when the batches' errors fall no more.
3. Passes over all frames (``lloyd.py``).

All draws are of numbers of frames among those of all ranks, so several ranks find what
one would that held their frames in order. scikit-learn's version stands in for 1 and 2.

N frames on all ranks, n here, F features, C codes.

Authors
 * The mert_sb developers 2026
"""

import math

import torch

from mert_sb.progress import Progress
from mert_sb.teachers.kmeans_start import best_start
from mert_sb.teachers.lloyd import assign
from mert_sb.teachers.ranks import local


def minibatch_torch(
    feats,
    n_codes,
    *,
    batch_size,
    n_iterations,
    patience,
    restarts,
    seed,
    ranks,
):
    """Centres by mini-batches.

    Arguments
    ---------
    feats : torch.Tensor
        ``(n, F)`` float32.
    n_codes : int
        C.
    batch_size : int
        Frames a step, over all ranks.
    n_iterations : int
        At most this many times N frames are drawn.
    patience : int
        Steps without a smaller error before it stops.
    restarts : int
        Starts tried.
    seed : int
        Of all draws.
    ranks : Ranks
        The processes.

    Returns
    -------
    tuple of (torch.Tensor, int)
        ``(C, F)`` float32, and the steps made.

    Example
    -------
    >>> from mert_sb.teachers.ranks import Ranks
    >>> feats = torch.tensor([[0.0], [0.2], [1.0], [1.2]])
    >>> plan = {
    ...     "batch_size": 8,
    ...     "n_iterations": 9,
    ...     "patience": 9,
    ...     "restarts": 2,
    ... }
    >>> found, _ = minibatch_torch(feats, 2, **plan, seed=0, ranks=Ranks(False))
    >>> found.round().flatten().sort().values
    tensor([0., 1.])
    """
    generator = torch.Generator().manual_seed(seed)
    total, offset = ranks.share(feats)
    size = min(total, 3 * max(batch_size, n_codes))
    numbers = torch.randperm(total, generator=generator)[:size]
    sample = ranks.rows(feats, numbers, offset)
    start = best_start(sample, n_codes, restarts, generator)
    centres = ranks.sum(start * (ranks.rank == 0)).double()
    seen = centres.new_zeros(n_codes, 1)
    waiting = Waiting(patience, min(1.0, 2 * batch_size / (total + 1)))
    most, steps = n_iterations * math.ceil(total / batch_size), 0
    with Progress("k-means-steps", most, "step") as progress:
        while steps < most:
            steps += 1
            drawn = torch.randint(total, (batch_size,), generator=generator)
            _, own = local(drawn, offset, len(feats))
            part = feats[own.to(feats.device)]
            sums, counts, error = assign(part, centres, ranks)
            seen += counts
            centres += (sums - counts * centres) / seen.clamp(min=1)
            progress.update()
            if waiting.over(error.item() / batch_size):
                break
    return centres.float(), steps


def minibatch_sklearn(
    feats, n_codes, *, batch_size, n_iterations, patience, restarts, seed
):
    """Centres by scikit-learn's ``MiniBatchKMeans``, as HuBERT has them.

    Arguments
    ---------
    feats : torch.Tensor
        ``(N, F)`` float32.
    n_codes : int
        C.
    batch_size, n_iterations, patience, restarts, seed : int
        As above; scikit-learn's ``batch_size``, ``max_iter``,
        ``max_no_improvement``, ``n_init`` and ``random_state``.

    Returns
    -------
    tuple of (torch.Tensor, int)
        ``(C, F)`` float32, and the steps made.

    Example
    -------
    >>> feats = torch.tensor([[0.0], [0.2], [1.0], [1.2]])
    >>> plan = {
    ...     "batch_size": 8,
    ...     "n_iterations": 9,
    ...     "patience": 9,
    ...     "restarts": 2,
    ... }
    >>> found, _ = minibatch_sklearn(feats, 2, **plan, seed=0)
    >>> found.round().flatten().sort().values
    tensor([0., 1.])
    """
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(
        n_codes,
        init="k-means++",
        max_iter=n_iterations,
        batch_size=batch_size,
        max_no_improvement=patience,
        n_init=restarts,
        tol=0.0,
        reassignment_ratio=0.0,
        compute_labels=False,
        random_state=seed % 2**32,
    ).fit(feats.cpu().numpy())
    centres = torch.from_numpy(model.cluster_centers_).to(feats)
    return centres, model.n_steps_


class Waiting:
    """Counts steps without progress of the smoothed error.

    Arguments
    ---------
    patience : int
        Steps waited for.
    weight : float
        Of a new error in the running mean.

    Example
    -------
    >>> waiting = Waiting(2, 1.0)
    >>> [waiting.over(error) for error in (3.0, 2.0, 2.0, 2.0)]
    [False, False, False, True]
    """

    def __init__(self, patience, weight):
        self.patience = patience
        self.weight = weight
        self.mean = self.least = None
        self.waited = 0

    def over(self, error):
        """Take a step's error.

        Arguments
        ---------
        error : float
            Mean over the step's frames.

        Returns
        -------
        bool
            Whether it has been waited long enough.
        """
        if self.mean is None:
            self.mean = error
        self.mean += self.weight * (error - self.mean)
        if self.least is None or self.mean < self.least:
            self.least, self.waited = self.mean, 0
        else:
            self.waited += 1
        return self.waited >= self.patience
