"""Losses of an epoch, through a stop in its middle.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)


@register_checkpoint_hooks
class EpochLosses(list):
    """A list of losses that a checkpoint holds.

    A run that was stopped in an epoch, or behind its last batch, still has its mean.

    Example
    -------
    >>> losses, path = EpochLosses(), getfixture("tmp_path") / "losses.ckpt"
    >>> losses.append(torch.tensor([1.0, 3.0]))
    >>> losses.save(path)
    >>> again = EpochLosses()
    >>> again.load(path, end_of_epoch=False)
    >>> again.mean()
    2.0
    """

    def mean(self):
        """Over all clips, or whatever has a loss.

        Returns
        -------
        float
            Not a number if there is none.
        """
        return float(torch.cat(self).mean()) if self else float("nan")

    @mark_as_saver
    def save(self, path):
        """Write them.

        Arguments
        ---------
        path : pathlib.Path
            Where to.
        """
        torch.save(torch.cat(self).cpu() if self else torch.zeros(0), path)

    @mark_as_loader
    def load(self, path, end_of_epoch):
        """Go on with a checkpoint's.

        Arguments
        ---------
        path : pathlib.Path
            The checkpoint's.
        end_of_epoch : bool
            True: another epoch begins, without any.
        """
        losses = torch.load(path, weights_only=True)
        self[:] = [] if end_of_epoch else [losses]
