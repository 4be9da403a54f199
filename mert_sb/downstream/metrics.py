"""Metrics of the benchmark's tasks, after scikit-learn and mir_eval.

Scores are what a head puts out, a row a track: numpy arrays or tensors in main
memory, logits or probabilities alike. A score that is not a number is an error,
never a bad result. How clips' scores become a track's: see ``tracks``.

Sources: scikit-learn, and for the weighted key score of MIREX mir_eval (Raffel
et al., ISMIR 2014).

Authors
 * The mert_sb developers 2026
"""

import mir_eval
import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    r2_score,
    roc_auc_score,
)

from mert_sb.downstream.arrays import finite_rows
from mert_sb.downstream.tracks import STRATEGIES, aggregate, track_means

__all__ = [
    "KEYS",
    "STRATEGIES",
    "accuracy",
    "aggregate",
    "average_precision",
    "key_score",
    "r2",
    "roc_auc",
    "track_means",
]

TONICS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
KEYS = tuple(
    f"{tonic} {mode}" for mode in ("major", "minor") for tonic in TONICS
)


def accuracy(scores, labels):
    """Share of rows whose highest score is at the label.

    Arguments
    ---------
    scores : numpy.ndarray or torch.Tensor
        ``(N, C)``, finite; of equal scores the first counts as the highest.
    labels : numpy.ndarray or torch.Tensor
        ``(N,)``, whole numbers from 0 to C - 1.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If shapes do not fit, a score is not finite or a label out of range.

    Example
    -------
    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    scores = finite_rows(scores, "scores")
    labels = _labels(labels, scores)
    return float(accuracy_score(labels, scores.argmax(axis=1)))


def roc_auc(scores, targets):
    """Area under the ROC curve, averaged over tags.

    Arguments
    ---------
    scores : numpy.ndarray or torch.Tensor
        ``(N, K)``, finite; only their order within a tag counts.
    targets : numpy.ndarray or torch.Tensor
        ``(N, K)``, 1 where a tag applies, else 0.

    Returns
    -------
    tuple of (float, list of int)
        The mean, and the tags left out of it, for which no row or every row is
        positive.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not allowed, or all tags are left out.

    Example
    -------
    >>> targets = np.array([[1, 0], [0, 0], [1, 0]])
    >>> roc_auc(np.array([[0.9, 0.0], [0.5, 0.0], [0.4, 0.0]]), targets)
    (0.5, [1])
    """
    return _macro(roc_auc_score, scores, targets, needs_negatives=True)


def average_precision(scores, targets):
    """Average precision, averaged over tags.

    Of a tag it is the sum of (R_n - R_{n-1}) P_n over the thresholds n, with
    recall R and precision P, without interpolation.

    Arguments
    ---------
    scores : numpy.ndarray or torch.Tensor
        ``(N, K)``, finite; only their order within a tag counts.
    targets : numpy.ndarray or torch.Tensor
        ``(N, K)``, 1 where a tag applies, else 0.

    Returns
    -------
    tuple of (float, list of int)
        The mean, and the tags left out of it, which have no positive.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not allowed, or all tags are left out.

    Example
    -------
    >>> targets = np.array([[1, 0], [0, 0]])
    >>> average_precision(np.array([[0.1, 0.0], [0.5, 0.0]]), targets)
    (0.5, [1])
    """
    return _macro(
        average_precision_score, scores, targets, needs_negatives=False
    )


def r2(predictions, targets):
    """Coefficient of determination, 1 - sum (y - p)^2 / sum (y - mean(y))^2.

    Arguments
    ---------
    predictions : numpy.ndarray or torch.Tensor
        ``(N, D)``, finite.
    targets : numpy.ndarray or torch.Tensor
        ``(N, D)``, finite, not the same in all rows of a dimension.

    Returns
    -------
    tuple of (float, list of float)
        The mean over dimensions, and the D values; at most 1, without a lower
        bound.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite, or the targets of a
        dimension are all the same.

    Example
    -------
    >>> targets = np.array([[1.0, 0.0], [2.0, 2.0], [3.0, 4.0]])
    >>> mean, each = r2(np.array([[1.0, 2.0], [2.0, 2.0], [3.0, 2.0]]), targets)
    >>> mean, each
    (0.5, [1.0, 0.0])
    """
    predictions = finite_rows(predictions, "predictions")
    targets = finite_rows(targets, "targets")
    _check_shapes(predictions, targets)
    for dimension in range(targets.shape[1]):
        if np.ptp(targets[:, dimension]) == 0:
            raise ValueError(
                f"R2 has no meaning: the {len(targets)} targets of dimension "
                f"{dimension} are all the same; evaluate on more tracks"
            )
    each = r2_score(targets, predictions, multioutput="raw_values")
    return float(each.mean()), each.tolist()


def key_score(scores, labels):
    """Mean weighted score of keys, after MIREX.

    The key with the highest score counts 1.0 if it is the label, 0.5 if it is a
    perfect fifth above it in the same mode, 0.3 if it is its relative, 0.2 if it
    is its parallel key, else 0.

    Arguments
    ---------
    scores : numpy.ndarray or torch.Tensor
        ``(N, 24)``, finite, in the order of ``KEYS``: C, Db, ..., B major, then
        minor.
    labels : numpy.ndarray or torch.Tensor
        ``(N,)``, indices into ``KEYS``.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If shapes do not fit, a score is not finite or a label out of range.

    Example
    -------
    >>> g_major = np.eye(24)[[7]]
    >>> key_score(g_major, np.array([0])), key_score(g_major, np.array([2]))
    (0.5, 0.0)
    """
    scores = finite_rows(scores, "scores")
    if scores.shape[1] != len(KEYS):
        raise ValueError(f"scores of {len(KEYS)} keys, not {scores.shape[1]}")
    pairs = zip(_labels(labels, scores), scores.argmax(axis=1), strict=True)
    each = [mir_eval.key.weighted_score(KEYS[r], KEYS[e]) for r, e in pairs]
    return float(np.mean(each))


def _macro(metric, scores, targets, *, needs_negatives):
    """Mean of a metric over the tags that have it, and the other tags."""
    scores = finite_rows(scores, "scores")
    targets = finite_rows(targets, "targets")
    _check_shapes(scores, targets)
    if not np.isin(targets, (0, 1)).all():
        raise ValueError("targets are to be 0 or 1")
    usable = targets.any(axis=0)
    if needs_negatives:
        usable &= ~targets.all(axis=0)
    if not usable.any():
        raise ValueError(
            f"no tag of {len(usable)} has rows to tell apart among the "
            f"{len(targets)} given; evaluate on more tracks"
        )
    tags = np.flatnonzero(usable)
    each = [metric(targets[:, tag], scores[:, tag]) for tag in tags]
    return float(np.mean(each)), np.flatnonzero(~usable).tolist()


def _labels(labels, scores):
    labels = np.asarray(labels)
    if labels.shape != scores.shape[:1]:
        raise ValueError(
            f"labels have shape {labels.shape}, scores {scores.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise ValueError(f"labels are {labels.dtype}, not whole numbers")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(
            f"labels go from {labels.min()} to {labels.max()}, the scores' "
            f"classes from 0 to {scores.shape[1] - 1}"
        )
    return labels


def _check_shapes(scores, targets):
    if scores.shape != targets.shape:
        raise ValueError(
            f"targets have shape {targets.shape}, not that of what is to be "
            f"compared with them, {scores.shape}"
        )
