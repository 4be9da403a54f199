"""Scores of single tags, or of single ratings, from the test's predictions.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

from mert_sb.downstream import metrics


class TagScore(NamedTuple):
    """How well one tag is found.

    Arguments
    ---------
    index : int
        Of the tag.
    positives : int
        Tracks that have it.
    roc_auc, average_precision : float
        From 0 to 1.

    Example
    -------
    >>> TagScore(0, 2, 0.5, 0.25).roc_auc
    0.5
    """

    index: int
    positives: int
    roc_auc: float
    average_precision: float


def tag_scores(predictions):
    """Scores of each tag, the best first.

    Arguments
    ---------
    predictions : mert_sb.inference.report.predictions.Predictions
        Of a multi-label task.

    Returns
    -------
    list of TagScore
        Without tags that all tracks have, or none: they have no ROC.

    Example
    -------
    >>> import numpy as np
    >>> from mert_sb.inference.report.predictions import Predictions
    >>> targets = np.array([[1.0, 0.0], [0.0, 0.0]])
    >>> tag_scores(Predictions(["a", "b"], targets, targets))
    [TagScore(index=0, positives=1, roc_auc=1.0, average_precision=1.0)]
    """
    found = []
    for tag in range(predictions.targets.shape[1]):
        targets = predictions.targets[:, tag : tag + 1]
        if not targets.any() or targets.all():
            continue
        outputs = predictions.outputs[:, tag : tag + 1]
        roc_auc, _ = metrics.roc_auc(outputs, targets)
        precision, _ = metrics.average_precision(outputs, targets)
        found.append(TagScore(tag, int(targets.sum()), roc_auc, precision))
    return sorted(found, key=lambda score: -score.roc_auc)


def rating_scores(predictions):
    """R2 of each rating.

    Arguments
    ---------
    predictions : mert_sb.inference.report.predictions.Predictions
        Of a regression.

    Returns
    -------
    list of float
        In the ratings' order.

    Example
    -------
    >>> import numpy as np
    >>> from mert_sb.inference.report.predictions import Predictions
    >>> targets = np.array([[1.0], [0.0]])
    >>> rating_scores(Predictions(["a", "b"], targets, targets))
    [1.0]
    """
    _, each = metrics.r2(predictions.outputs, predictions.targets)
    return each
