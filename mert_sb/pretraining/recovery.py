"""Recovery: after a divergence, back to the last good checkpoint and past the data.

The model, the optimizer, the step counter, the schedule and the dice go back to where
they were. The place in the data does not: the epochs' order is a function of seed and
epoch, and the data window that led to the divergence is skipped by going on behind it.

Authors
 * The mert_sb developers 2026
"""

import json
import math
from pathlib import Path

from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.logger import get_logger

logger = get_logger(__name__)

# Of this process's run; the rest is settings.
STATE = (
    "returns",
    "lr_scale",
    "to_skip",
    "lost",
    "high",
    "limit",
    "good_until",
)


@register_checkpoint_hooks
class Recovery:
    """Judges each log interval, and brings training back.

    An interval is high if the median of its losses is above the running median (of
    ``LossWatch``) by ``factor`` robust deviations, or not finite; while intervals are
    high the level of the first of them holds. After ``patience`` high ones in a row,
    or more than ``nonfinite_patience`` steps in a row without a finite gradient,
    training has diverged.

    A checkpoint is good once a whole log interval after it was not high. The newest
    good one is never deleted, and is what a divergence returns to. Of the data, what
    was read since that checkpoint is not read again in this epoch, and another
    ``skip_steps`` steps' worth is passed over. Training that ends by its number of
    epochs makes so many steps fewer; what ends by ``optimizer_step_limit`` makes all.

    A drift slower than the window of ``LossWatch`` is no divergence to it.

    Arguments
    ---------
    max_returns : int
        How often in all; after that a divergence is an error. 0 switches recovery
        off: training then goes on whatever the loss does, and stops where gradients
        are not finite.
    factor : float
        Robust deviations above the median.
    patience : int
        Log intervals in a row.
    skip_steps : int
        Steps' worth of data passed over after a return.
    lr_factor : float
        Of the learning rate, at each return, for the rest of the run; in (0, 1].

    Raises
    ------
    ValueError
        If a number is out of its range.

    Example
    -------
    >>> from mert_sb.pretraining.spikes import Reading, Step
    >>> recovery = Recovery(max_returns=1, patience=2)
    >>> for step in (20, 30):
    ...     losses = [Step(step - 1, 9.0, []), Step(step, 9.0, [])]
    ...     recovery.judge(Reading(losses, 2.0, 0.1, 3.0))
    >>> recovery.reason
    'Step 30: the loss stayed above 3 for 2 log intervals'
    """

    def __init__(
        self,
        *,
        max_returns=0,
        factor=10.0,
        patience=3,
        skip_steps=0,
        lr_factor=1.0,
    ):
        for name, value, least in (
            ("max_returns", max_returns, 0),
            ("patience", patience, 1),
            ("skip_steps", skip_steps, 0),
        ):
            if value < least:
                raise ValueError(f"{name}: {value} is less than {least}")
        if not factor > 0:
            raise ValueError(f"factor: {factor} is not above 0")
        if not 0 < lr_factor <= 1:
            raise ValueError(f"lr_factor: {lr_factor} is not in (0, 1]")
        self.max_returns = max_returns
        self.factor = factor
        self.patience = patience
        self.skip_steps = skip_steps
        self.lr_factor = lr_factor
        self.reason = None  # why to return, once there is a reason
        self.returns = 0
        self.lr_scale = 1.0
        self.to_skip = 0  # micro-batches
        self.lost = 0  # micro-batches of this epoch that no step came of
        self.high = 0  # intervals in a row
        self.limit = math.inf  # what makes an interval high
        self.good_until = -1  # step; checkpoints up to it are good

    @property
    def on(self):
        """Whether it does anything."""
        return self.max_returns > 0

    def judge(self, reading):
        """Look at a log interval.

        Arguments
        ---------
        reading : mert_sb.pretraining.spikes.Reading
            The same on all processes, so that all return together.
        """
        if not self.high:
            self.limit = reading.center + self.factor * reading.spread
        # An infinite median is high even where there is no level yet.
        if math.isfinite(reading.median) and reading.median <= self.limit:
            self.high = 0
            before = reading.steps[0].number - 1
            self.good_until = max(self.good_until, before)
            return
        self.high += 1
        if self.high >= self.patience:
            self.reason = (
                f"Step {reading.steps[-1].number}: the loss stayed above "
                f"{self.limit:.4g} for {self.high} log intervals"
            )

    def skips(self):
        """Whether to pass over this micro-batch; counts it.

        Returns
        -------
        bool
            True for the data window after a return.
        """
        skipped = self.to_skip > 0
        self.to_skip -= skipped
        self.lost += skipped
        return skipped

    def newest_good(self, checkpointer):
        """Where a divergence would return to.

        Arguments
        ---------
        checkpointer : CompleteCheckpointer
            All processes must find the same.

        Returns
        -------
        speechbrain.utils.checkpoints.Checkpoint or None
            The newest whose step a calm interval followed.
        """
        return checkpointer.find_checkpoint(
            ckpt_predicate=lambda checkpoint: (
                checkpoint.meta.get("step", math.inf) <= self.good_until
            )
        )

    def deletable(self, checkpointer):
        """Which checkpoints may be deleted, for ``save_and_keep_only``.

        Arguments
        ---------
        checkpointer : CompleteCheckpointer
            Before it saves.

        Returns
        -------
        callable
            False for the newest good checkpoint.
        """
        good = self.newest_good(checkpointer) if self.on else None
        spared = good.path if good else None
        return lambda checkpoint: checkpoint.path != spared

    def go_back(self, brain):
        """Return to the newest good checkpoint, and save that this was done.

        Arguments
        ---------
        brain : SteppingBrain
            After a step, on every process.

        Raises
        ------
        RuntimeError
            If there were too many returns, or there is no good checkpoint.
        """
        advice = (
            "lower the learning rate, lengthen the warm-up, or look at the clips "
            "in spikes.csv"
        )
        good = self.newest_good(brain.checkpointer)
        if self.returns >= self.max_returns:
            raise RuntimeError(
                f"{self.reason}, after {self.returns} returns to a checkpoint "
                f"(max_returns); {advice}"
            )
        if good is None:
            raise RuntimeError(
                f"{self.reason}, and no checkpoint was followed by a calm log "
                f"interval; {advice}, or save more often"
            )
        logger.warning(
            "%s; return %d of %d, to step %d in %s",
            *(self.reason, self.returns + 1, self.max_returns),
            *(good.meta["step"], good.path),
        )
        kept = self.returns + 1, self.lr_scale * self.lr_factor
        counter, factor = (
            brain.hparams.epoch_counter,
            brain.grad_accumulation_factor,
        )
        place, late = (counter.current, brain.step), brain.optimizer_step
        lost = self.lost
        brain.checkpointer.load_checkpoint(good)
        counter.current, brain.step = place
        self.returns, self.lr_scale = kept
        self.lost = lost + (late - brain.optimizer_step) * factor
        self.to_skip = self.skip_steps * factor
        self.high, self.reason = 0, None
        self.good_until = good.meta["step"]
        brain.start_anew()

    @mark_as_saver
    def _save(self, path):
        state = {name: getattr(self, name) for name in STATE}
        Path(path).write_text(json.dumps(state), encoding="utf-8")

    @mark_as_loader
    def _load(self, path, end_of_epoch):
        del end_of_epoch
        state = json.loads(Path(path).read_text(encoding="utf-8"))
        for name in STATE:
            setattr(self, name, state[name])
