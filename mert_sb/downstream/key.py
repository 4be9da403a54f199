"""The key task: MIREX's weighted score.

N clips, K tracks.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.downstream import metrics
from mert_sb.downstream.families import SingleLabel


class Key(SingleLabel):
    """One of 24 keys; MIREX's weighted score, and accuracy.

    A track's windows are put together in four ways, and the one that is best on
    validation counts in the test (the original's ``best_ensemble_score``).

    Example
    -------
    >>> import numpy as np
    >>> Key().measure(np.eye(24)[:1], np.array([0]), ["a"])["key_score"]
    1.0
    """

    MONITOR = "key_score"

    def __init__(self):
        super().__init__(24)

    def measure(self, outputs, targets, tracks):
        """Weighted score, by each way and the best, and accuracy of tracks.

        Arguments
        ---------
        outputs : numpy.ndarray
            ``(N, 24)``: C major, Db major, ..., B minor.
        targets : numpy.ndarray
            ``(N,)``.
        tracks : list of str
            Of each clip.

        Returns
        -------
        dict of str to float
            By the metric's name.
        """
        means, labels = self.per_track(outputs, targets, tracks)
        scores = {}
        for strategy in metrics.STRATEGIES:
            together, _ = metrics.aggregate(outputs, tracks, strategy)
            name = f"key_score_{strategy}"
            scores[name] = float(metrics.key_score(together, labels))
        return {
            "key_score": max(scores.values()),
            "accuracy": float(metrics.accuracy(means, labels)),
            **scores,
        }

    def conclude(self, valid, test):
        """The score by the strategy that was best on validation.

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
        names = [f"key_score_{strategy}" for strategy in metrics.STRATEGIES]
        return test | {"key_score": test[max(names, key=valid.get)]}
