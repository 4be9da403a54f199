"""Early stopping that a tie does not put off.

Authors
 * The mert_sb developers 2026
"""

from speechbrain.utils.epoch_loop import EpochCounterWithStopper


class PatientEpochs(EpochCounterWithStopper):
    """Epochs until a metric has not risen for a while.

    SpeechBrain's counter takes an equal value for a better one, and accuracies of a few
    hundred tracks are often equal.

    Arguments
    ---------
    limit : int
        Most epochs.
    patience : int
        Epochs without a better metric.

    Example
    -------
    >>> epochs = PatientEpochs(limit=60, patience=3)
    >>> for epoch in epochs:
    ...     epochs.update_metric(0.5)
    >>> epoch
    4
    """

    def __init__(self, limit, patience):
        super().__init__(limit, patience, 0, "max")
        self.min_delta = 0.0

    @property
    def improved(self):
        """Whether the last metric was the best so far."""
        return self.best_limit == self.current
