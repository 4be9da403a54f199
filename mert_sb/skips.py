"""Steps that were skipped: counted, named, and too many of them in a row refused.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.logger import get_logger

logger = get_logger(__name__)

# Clips that a message names.
NAMED = 50


class Skips:
    """What was in the step under way, and how many steps came to nothing.

    Example
    -------
    >>> skips = Skips()
    >>> skips.add(["a", "b"], torch.tensor(1.0))
    >>> skips.add(["c"], torch.tensor(torch.nan))
    >>> skips.skip(7, patience=0)
    '1 steps in a row were skipped (more than 0, by nonfinite_patience), the last as
     the loss is not finite; clips: c'
    >>> skips.read(), skips.read()
    (1, 0)
    """

    def __init__(self):
        self.in_row = 0
        self._since = 0  # the last reading
        self._row = {}  # clips, in the order of their steps
        self.begin()

    def begin(self):
        """Another step begins."""
        self._parts = []

    def add(self, ids, loss):
        """Take in a micro-batch; nothing is read from the device.

        Arguments
        ---------
        ids : list of str
            Its clips.
        loss : torch.Tensor
            Scalar.
        """
        self._parts.append((list(ids), loss.detach()))

    def finite(self, device):
        """Whether all losses of the step are finite, of all processes.

        Arguments
        ---------
        device : torch.device or str
            Where processes meet.

        Returns
        -------
        torch.Tensor
            Scalar bool, the same on all of them.
        """
        flags = [loss.isfinite().all() for _, loss in self._parts]
        lost = (~torch.stack(flags)).sum().float().to(device)
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(lost)
        return lost == 0

    def step(self):
        """The step was made, or training returned: no row goes on."""
        self.in_row, self._row = 0, {}
        self.begin()

    def skip(self, number, *, patience, reason=None):
        """The step was skipped, by all processes; names its clips.

        Arguments
        ---------
        number : int
            Of the step.
        patience : int
            Steps in a row that may be.
        reason : str, optional
            Why; None: a loss or, where all of them are finite, the gradient.

        Returns
        -------
        str or None
            Why to stop, with the clips of the row, once there are more.
        """
        ids, finite = _together(self._parts)
        self.begin()
        self.in_row += 1
        self._since += 1
        self._row |= dict.fromkeys(ids)
        what = "gradient" if finite else "loss"
        reason = reason or f"the {what} is not finite"
        logger.warning(
            "Step %d skipped: %s; clips: %s", number, reason, _listed(ids)
        )
        if self.in_row <= patience:
            return None
        return (
            f"{self.in_row} steps in a row were skipped (more than {patience}, by "
            f"nonfinite_patience), the last as {reason}; clips: {_listed(self._row)}"
        )

    def read(self):
        """How many were skipped since the last reading.

        Returns
        -------
        int
            The same on all processes.
        """
        count, self._since = self._since, 0
        return count


def _together(parts):
    """Clips of all processes' losses that are not finite, or, where all are, of all."""
    mine = [(ids, bool(torch.isfinite(loss).all())) for ids, loss in parts]
    everyone = [mine]
    if torch.distributed.is_initialized():
        everyone = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(everyone, mine)
    parts = [part for each in everyone for part in each]
    finite = all(fine for _, fine in parts)
    chosen = [ids for ids, fine in parts if finite or not fine]
    return [clip for ids in chosen for clip in ids], finite


def _listed(ids):
    """Names of clips, or of the first of many."""
    ids = list(ids)
    if not ids:
        return "without names"
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more
