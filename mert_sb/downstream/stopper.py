"""Early stopping that a tie does not put off.

Authors
 * The mert_sb developers 2026
"""

from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.epoch_loop import EpochCounterWithStopper


@register_checkpoint_hooks
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

    # SpeechBrain registers these for the plain counter alone: after a restart the best
    # metric would be forgotten.
    @mark_as_saver
    def save(self, path):
        """Save epoch, best metric and where it was.

        Arguments
        ---------
        path : pathlib.Path
            Where to.
        """
        self._save(path)

    @mark_as_loader
    def load(self, path, end_of_epoch):
        """Go on with them.

        Arguments
        ---------
        path : pathlib.Path
            Where from.
        end_of_epoch : bool
            False: the epoch is to be finished first.
        """
        self._recover(path, end_of_epoch)

    @property
    def improved(self):
        """Whether the last metric was the best so far."""
        return self.best_limit == self.current

    @property
    def ended(self):
        """Whether this epoch is the last."""
        return self.should_stop or self.current >= self.limit
