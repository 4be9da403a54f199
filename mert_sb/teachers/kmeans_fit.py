"""Fitting k-means to the frames of clips, once.

B batch, S samples, N frames, F features, C codes.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.seeds import item_seed
from mert_sb.teachers.features import check_features
from mert_sb.teachers.fitted import collect, kept_report, write_fitted
from mert_sb.teachers.lloyd import lloyd
from mert_sb.teachers.minibatch import minibatch_sklearn, minibatch_torch
from mert_sb.teachers.moments import mean_and_scale
from mert_sb.teachers.ranks import Ranks
from mert_sb.teachers.usage import perplexity

KIND = "kmeans"
METHODS = ("torch", "sklearn")
STEPS = ("batch_size", "n_iterations", "patience", "restarts")


def fit_kmeans(
    clips,
    path,
    *,
    features,
    n_codes,
    method="torch",
    standardize=False,
    share=1.0,
    max_frames=None,
    batch_size=10_000,
    n_iterations=100,
    patience=100,
    restarts=3,
    n_passes=5,
    seed=0,
    device="cpu",
    distributed=False,
):
    """Fit a codebook to frames of clips and write it; a file that is there is kept.

    Names and defaults in brackets are of HuBERT's ``simple_kmeans/learn_kmeans.py``.

    Arguments
    ---------
    clips : iterable of torch.Tensor
        Batches of clips ``(B, S)``, shuffled; not touched if the file is there.
    path : str or pathlib.Path
        File to write, whole or not at all.
    features : nn.Module
        Of the frames, see ``features.py``.
    n_codes : int
        C (MERT v0: 300 of log-mel, 200 of chroma; HuBERT: 100 of MFCC, then 500).
    method : str
        Of the mini-batches: ``"torch"``, on a GPU and on several ranks too, or
        ``"sklearn"``, scikit-learn's on one CPU process.
    standardize : bool
        Bring each feature to mean 0 and deviation 1 first. HuBERT does not.
    share : float
        Of the frames to fit on, drawn at random [percent, there of files].
    max_frames : int, optional
        N at most, over all ranks; they are kept in memory.
    batch_size : int
        Frames a step [batch_size: 10,000].
    n_iterations : int
        At most so many times N frames are drawn [max_iter: 100].
    patience : int
        Steps without a smaller error before it stops [max_no_improvement: 100].
    restarts : int
        k-means++ starts tried on a sample, of which the best is kept [n_init: 20,
        which lowered the inertia of MFCC frames of real music by 0.1 %].
    n_passes : int
        Passes over all frames after the mini-batches (they lowered the same by 1 %).
        HuBERT has none.
    seed : int
        Of all draws [seed: 0].
    device : str
        Where it is computed.
    distributed : bool
        Fit on all ranks together; each gives clips of its own and gets the report.

    Returns
    -------
    dict
        ``frames`` N, ``steps``, ``inertia`` (mean squared distance of a frame),
        ``unexplained`` (its share of the variance), ``usage`` (frames of each code)
        and ``perplexity``, these three a list of one codebook's, ``empty`` (codes
        without frames), and ``kept``, whether the file was there.

    Raises
    ------
    TypeError
        If ``features`` are none.
    ValueError
        If there are fewer frames than codes, or the file that is there was fitted
        with other settings.

    Example
    -------
    >>> from mert_sb.teachers import ChromaFrames
    >>> path = getfixture("tmpdir") / "chroma.safetensors"
    >>> plan = {"features": ChromaFrames(24_000, n_chroma=12), "n_codes": 8}
    >>> clips = [torch.rand(4, 24_080)]
    >>> report = fit_kmeans(clips, path, **plan, restarts=1)
    >>> report["frames"], sum(report["usage"][0]), report["kept"]
    (300, 300, False)
    >>> fit_kmeans([], path, **plan, restarts=1)["kept"]
    True
    """
    steps = {
        "batch_size": batch_size,
        "n_iterations": n_iterations,
        "patience": patience,
        "restarts": restarts,
        "seed": seed,
    }
    frames = {"share": share, "max_frames": max_frames}
    ranks = Ranks(distributed)
    check_features(features, features.sample_rate)
    settings = {
        "features": features.identity,
        "n_codes": n_codes,
        "method": method,
        "standardize": standardize,
        **frames,
        **steps,
        "n_passes": n_passes,
    }
    _check(settings, ranks)
    kept = kept_report(path, KIND, settings, ranks)
    if kept:
        return kept
    place = {"seed": seed, "device": device, "ranks": ranks}
    feats = collect(clips, features, kind=KIND, **frames, **place)
    fitted, report = _fit(feats, settings, steps, ranks)
    if ranks.rank == 0:
        write_fitted(path, KIND, fitted, settings, report)
    ranks.first(None)  # the file is there before any rank reads it
    return {**report, "kept": False}


def _fit(feats, settings, steps, ranks):
    """Codebook and report from all ranks' frames."""
    n_codes = settings["n_codes"]
    total, _ = ranks.share(feats)
    if total < n_codes:
        raise ValueError(
            f"{KIND}: {total} frames are too few for {n_codes} codes; give more "
            "audio, raise share or max_frames, or lower n_codes"
        )
    mean, scale, variance = mean_and_scale(feats, total, ranks)
    if settings["standardize"]:
        feats = (feats - mean) / scale
        _, _, variance = mean_and_scale(feats, total, ranks)
    else:
        mean, scale = torch.zeros_like(mean), torch.ones_like(scale)
    plan = {**steps, "seed": item_seed(steps["seed"], 0, "", KIND)}
    if settings["method"] == "torch":
        start, made = minibatch_torch(feats, n_codes, **plan, ranks=ranks)
    else:
        start, made = minibatch_sklearn(feats, n_codes, **plan)
    codebook, counts, inertia = lloyd(feats, start, settings["n_passes"], ranks)
    report = {
        "frames": total,
        "steps": made,
        "inertia": inertia,
        "unexplained": [inertia / variance if variance > 0 else 0.0],
        "usage": [counts.tolist()],
        "perplexity": [perplexity(counts)],
        "empty": int((counts == 0).sum()),
    }
    return {"mean": mean, "scale": scale, "codebook": codebook}, report


def _check(settings, ranks):
    """Refuse settings that no fit can have."""
    method, most = settings["method"], settings["max_frames"]
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is not one of {METHODS}")
    if method == "sklearn" and ranks.world > 1:
        raise ValueError(
            "method: sklearn fits in one process; set distributed to False and fit "
            "on the main one, or method to torch"
        )
    least = dict.fromkeys(("n_codes", *STEPS), 1) | {"n_passes": 0}
    if most is not None:
        least["max_frames"] = 1
    for key, number in least.items():
        if settings[key] < number:
            raise ValueError(
                f"{key}: {settings[key]}, but {number} is the least"
            )
