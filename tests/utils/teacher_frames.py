"""Clips whose frames are what a test wants them to be.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb import frames
from mert_sb.teachers import FrameFeatures, fit_kmeans

STEPS = {"batch_size": 64, "n_iterations": 20, "patience": 20, "restarts": 2}


class Given(FrameFeatures):
    """Features that are the first samples of each frame.

    Arguments
    ---------
    dim : int
        F.
    mark : int
        Part of the identity.
    """

    def __init__(self, dim, mark=0, sample_rate=24_000):
        super().__init__(
            sample_rate=sample_rate, dim=dim, settings={"mark": mark}
        )
        self.calls = 0

    def forward(self, wavs):
        """``(B, S)`` to ``(B, T, F)``."""
        self.calls += 1
        windows = wavs.unfold(-1, frames.RECEPTIVE_FIELD, frames.HOP_LENGTH)
        return windows[..., : self.dim]


def clips_of(rows):
    """Clips ``(B, S)`` whose ``Given`` frames are rows ``(B, T, F)``.

    Arguments
    ---------
    rows : torch.Tensor
        F at most a hop.

    Returns
    -------
    torch.Tensor
        The clips.
    """
    n_clips, n_frames, dim = rows.shape
    wavs = torch.zeros(n_clips, n_frames, frames.HOP_LENGTH)
    wavs[..., :dim] = rows
    tail = frames.RECEPTIVE_FIELD - frames.HOP_LENGTH
    return torch.nn.functional.pad(wavs.flatten(1), (0, tail))


def clusters(n_clusters, per_cluster, dim=4, seed=0, spread=0.05):
    """Frames about points far from one another.

    Arguments
    ---------
    n_clusters, per_cluster, dim, seed : int
        Points, frames about each, F, and the dice.
    spread : float
        Deviation of the frames; points are some units apart.

    Returns
    -------
    tuple of (torch.Tensor, torch.Tensor, torch.Tensor)
        Points ``(C, F)``, frames ``(N, F)`` in random order, and the point of each.
    """
    dice = torch.Generator().manual_seed(seed)
    points = torch.randn(n_clusters, dim, generator=dice) * 5
    labels = torch.arange(n_clusters).repeat_interleave(per_cluster)
    labels = labels[torch.randperm(len(labels), generator=dice)]
    noise = torch.randn(len(labels), dim, generator=dice) * spread
    return points, points[labels] + noise, labels


def fit(path, rows, n_codes, *, mark=0, clips=None, **settings):
    """Fit k-means to rows ``(N, F)``, in clips of ten frames and batches of three.

    Arguments
    ---------
    path : pathlib.Path
        File to write.
    rows : torch.Tensor
        The frames.
    n_codes : int
        C.
    mark : int
        Of ``Given``.
    clips : iterable of torch.Tensor, optional
        In place of those of the rows.
    **settings : dict
        Of ``fit_kmeans``, in place of small ones.

    Returns
    -------
    dict
        The report.
    """
    if clips is None:
        clips = clips_of(rows.view(-1, 10, rows.shape[1])).split(3)
    features = Given(rows.shape[1], mark)
    plan = {**STEPS, "features": features, "n_codes": n_codes, **settings}
    return fit_kmeans(clips, path, **plan)
