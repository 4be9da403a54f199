"""Families of clip-level tasks: loss of clips, metrics of tracks.

Training looks at clips; validation and test average a track's outputs over its clips
first (arXiv 2306.10548, appendix A; the original's probers).

B batch, C outputs, N clips, K tracks.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
from speechbrain.utils.logger import get_logger
from torch.nn import functional as F

from mert_sb.downstream import metrics

logger = get_logger(__name__)


class SingleLabel:
    """One of C classes; accuracy.

    Arguments
    ---------
    n_outputs : int
        C.

    Example
    -------
    >>> outputs = np.eye(3)[[0, 1, 1, 2]]
    >>> targets, tracks = np.array([0, 1, 1, 0]), ["a", "b", "b", "c"]
    >>> SingleLabel(3).measure(outputs, targets, tracks)["accuracy"]
    0.6666666666666666
    """

    MONITOR = "accuracy"

    def __init__(self, n_outputs):
        self.n_outputs = n_outputs

    def __repr__(self):
        return f"{type(self).__name__}({self.n_outputs})"

    def loss(self, outputs, targets):
        """Cross-entropy.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(B, C)``.
        targets : torch.Tensor
            ``(B,)`` indices.

        Returns
        -------
        torch.Tensor
            ``(B,)``.
        """
        return F.cross_entropy(outputs.float(), targets, reduction="none")

    def measure(self, outputs, targets, tracks):
        """Metrics of tracks.

        Arguments
        ---------
        outputs : numpy.ndarray
            ``(N, C)``.
        targets : numpy.ndarray
            ``(N,)`` or ``(N, C)``.
        tracks : list of str
            Of each clip.

        Returns
        -------
        dict of str to float
            By the metric's name.
        """
        outputs, targets = self.per_track(outputs, targets, tracks)
        return {"accuracy": float(metrics.accuracy(outputs, targets))}

    def per_track(self, outputs, targets, tracks):
        """Means of a track's outputs, and its target.

        Arguments
        ---------
        outputs : numpy.ndarray
            ``(N, C)``.
        targets : numpy.ndarray
            ``(N,)`` or ``(N, C)``.
        tracks : list of str
            Of each clip.

        Returns
        -------
        tuple of (numpy.ndarray, numpy.ndarray)
            Of K tracks, in the order they first come.
        """
        firsts = {}
        for index, track in enumerate(tracks):
            firsts.setdefault(track, index)
        means, _ = metrics.track_means(outputs, tracks)
        return means, np.asarray(targets)[list(firsts.values())]

    def conclude(self, valid, test):
        """What is decided on validation, applied to the test.

        Arguments
        ---------
        valid : dict of str to float
            Of the checkpoint tested.
        test : dict of str to float
            Of the test.

        Returns
        -------
        dict of str to float
            Of the test.
        """
        return test


class MultiLabel(SingleLabel):
    """Any of C tags; macro ROC-AUC and average precision.

    Example
    -------
    >>> outputs = np.array([[1.0, -1.0], [-1.0, 1.0]])
    >>> MultiLabel(2).measure(outputs, outputs > 0, ["a", "b"])["roc_auc"]
    1.0
    """

    MONITOR = "roc_auc"

    def loss(self, outputs, targets):
        """Binary cross-entropy, mean over tags.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(B, C)``.
        targets : torch.Tensor
            ``(B, C)`` zeros and ones.

        Returns
        -------
        torch.Tensor
            ``(B,)``.
        """
        losses = F.binary_cross_entropy_with_logits(
            outputs.float(), targets.float(), reduction="none"
        )
        return losses.mean(-1)

    def measure(self, outputs, targets, tracks):
        """Metrics of tracks; tags without positives are skipped and counted.

        Arguments
        ---------
        outputs : numpy.ndarray
            ``(N, C)``.
        targets : numpy.ndarray
            ``(N, C)``.
        tracks : list of str
            Of each clip.

        Returns
        -------
        dict of str to float
            By the metric's name.
        """
        outputs, targets = self.per_track(outputs, targets, tracks)
        roc_auc, skipped = metrics.roc_auc(outputs, targets)
        precision, empty = metrics.average_precision(outputs, targets)
        if skipped:
            logger.warning(
                "Tags left out of the means: %s of ROC-AUC, %s of average "
                "precision (numbers in the order of the labels, from 0)",
                *(
                    ", ".join(map(str, tags)) or "none"
                    for tags in (skipped, empty)
                ),
            )
        return {
            "roc_auc": float(roc_auc),
            "average_precision": float(precision),
            "skipped_tags": float(len(skipped)),
        }


class Regression(SingleLabel):
    """C numbers; R2 of each and their mean.

    Arguments
    ---------
    names : list of str
        Of the numbers, for the log.

    Example
    -------
    >>> targets = np.array([[0.0], [1.0]])
    >>> Regression(["arousal"]).measure(targets, targets, ["a", "b"])["r2"]
    1.0
    """

    MONITOR = "r2"

    def __init__(self, names):
        super().__init__(len(names))
        self.names = list(names)

    def loss(self, outputs, targets):
        """Squared error, mean over numbers.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(B, C)``.
        targets : torch.Tensor
            ``(B, C)``.

        Returns
        -------
        torch.Tensor
            ``(B,)``.
        """
        return (outputs.float() - targets.float()).square().mean(-1)

    def measure(self, outputs, targets, tracks):
        """R2 of tracks.

        Arguments
        ---------
        outputs : numpy.ndarray
            ``(N, C)``.
        targets : numpy.ndarray
            ``(N, C)``.
        tracks : list of str
            Of each clip.

        Returns
        -------
        dict of str to float
            By the metric's name.
        """
        outputs, targets = self.per_track(outputs, targets, tracks)
        mean, each = metrics.r2(outputs, targets)
        named = {
            f"r2_{name}": float(value)
            for name, value in zip(self.names, each, strict=True)
        }
        return {"r2": float(mean), **named}
