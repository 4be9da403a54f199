"""Mean and deviation of features over the frames of clips.

B batch, S samples, F features, N frames on all ranks, n here.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.teachers.features import check_features
from mert_sb.teachers.fitted import collect, kept_report, write_fitted
from mert_sb.teachers.ranks import Ranks

KIND = "statistics"
# Of the greatest deviation: features that hardly change are not blown up.
LEAST_SCALE = 1e-3


def fit_statistics(
    clips,
    path,
    *,
    features,
    share=1.0,
    max_frames=None,
    seed=0,
    device="cpu",
    distributed=False,
):
    """Fit mean and deviation of each feature; a file that is there is kept.

    Arguments
    ---------
    clips : iterable of torch.Tensor
        Batches of clips ``(B, S)``.
    path : str or pathlib.Path
        File to write.
    features : nn.Module
        Of the frames.
    share : float
        Of the frames to fit on, drawn at random.
    max_frames : int, optional
        N at most, over all ranks.
    seed : int
        Of the draw.
    device : str
        Where it is computed.
    distributed : bool
        Fit on all ranks together.

    Returns
    -------
    dict
        ``frames`` N, and ``kept``.

    Raises
    ------
    ValueError
        If there are no frames, or the file that is there was fitted otherwise.

    Example
    -------
    >>> from mert_sb.teachers import LogMelFrames
    >>> path = getfixture("tmpdir") / "statistics.safetensors"
    >>> features = LogMelFrames(24_000, n_mels=64)
    >>> fit_statistics([torch.rand(4, 24_080)], path, features=features)
    {'frames': 300, 'kept': False}
    """
    check_features(features, features.sample_rate)
    ranks = Ranks(distributed)
    plan = {"share": share, "max_frames": max_frames, "seed": seed}
    settings = {"features": features.identity, **plan}
    kept = kept_report(path, KIND, settings, ranks)
    if kept:
        return kept
    feats = collect(
        clips, features, kind=KIND, **plan, device=device, ranks=ranks
    )
    total, _ = ranks.share(feats)
    if total < 2:
        raise ValueError(f"{KIND}: {total} frames are too few to fit on")
    mean, scale, _ = mean_and_scale(feats, total, ranks)
    report = {"frames": total}
    if ranks.rank == 0:
        tensors = {"mean": mean, "scale": scale}
        write_fitted(path, KIND, tensors, settings, report)
    ranks.first(None)  # the file is there before any rank reads it
    return {**report, "kept": False}


def mean_and_scale(feats, total, ranks):
    """Mean and deviation of each feature over the frames of all ranks.

    Arguments
    ---------
    feats : torch.Tensor
        ``(n, F)``, this rank's.
    total : int
        N.
    ranks : Ranks
        The processes.

    Returns
    -------
    tuple of (torch.Tensor, torch.Tensor, float)
        ``(F,)`` each, float32, deviations at least a thousandth of the greatest; and
        the sum of all variances.

    Example
    -------
    >>> feats = torch.tensor([[0.0, 1.0], [2.0, 1.0]])
    >>> mean, scale, variance = mean_and_scale(feats, 2, Ranks(False))
    >>> mean, scale, variance
    (tensor([1., 1.]), tensor([1.0000, 0.0010]), 1.0)
    """
    mean = ranks.sum(feats.sum(0, dtype=torch.float64)) / total
    away = feats - mean.float()
    squares = ranks.sum(away.square().sum(0, dtype=torch.float64))
    scale = (squares / total).sqrt()
    least = LEAST_SCALE * scale.max()
    scale = torch.where(least > 0, scale.clamp(min=least), 1.0)
    return mean.float(), scale.float(), (squares.sum() / total).item()
