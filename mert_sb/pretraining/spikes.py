"""Loss spikes: which steps left the level of the loss, and on which clips.

Losses stay on the device until a log line or a checkpoint; then all processes put
together what each of them saw, so that all know, and decide, the same.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import math
import statistics
from collections import deque
from pathlib import Path
from typing import NamedTuple

import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.distributed import main_process_only

from mert_sb.writing import appending

# Fewer losses tell no level.
MIN_HISTORY = 10

# A median absolute deviation as a standard deviation of normal noise.
ROBUST = 1.4826

# Of the median: a loss that hardly varies is not to spike at every breath.
LEAST_SPREAD = 0.001

COLUMNS = ("step", "returns", "loss", "threshold", "ids")


class Step(NamedTuple):
    """One optimizer step.

    Arguments
    ---------
    number : int
        Of the step.
    loss : float
        Mean over the masked frames of all processes.
    ids : list of str
        Clips of all processes.

    Example
    -------
    >>> Step(7, 2.5, ["a", "b"]).loss
    2.5
    """

    number: int
    loss: float
    ids: list


class Reading(NamedTuple):
    """The steps since the last reading, and the level before them.

    Arguments
    ---------
    steps : list of Step
        In order.
    center, spread : float
        Running median, and its robust deviation.
    threshold : float
        Above it a loss spikes.

    Example
    -------
    >>> steps = [Step(7, 2.5, []), Step(8, 9.0, []), Step(9, 2.6, [])]
    >>> reading = Reading(steps, 2.4, 0.1, 3.4)
    >>> reading.median, len(reading.spikes)
    (2.6, 1)
    """

    steps: list
    center: float
    spread: float
    threshold: float

    @property
    def spikes(self):
        """Steps above the threshold, or of no finite loss."""
        return [
            step
            for step in self.steps
            if not (math.isfinite(step.loss) and step.loss <= self.threshold)
        ]

    @property
    def median(self):
        """Of the losses; what is not finite counts as infinite."""
        return statistics.median(
            step.loss if math.isfinite(step.loss) else math.inf
            for step in self.steps
        )


@register_checkpoint_hooks
class LossWatch:
    """A running median of the loss, and the steps that leave it.

    A step spikes if its loss exceeds the median of the ``window`` losses before the
    log interval by ``factor`` robust standard deviations (1.4826 times the median
    absolute deviation, at least a thousandth of the median).

    Arguments
    ---------
    window : int
        Losses that make the level, at least 10.
    factor : float
        Deviations that make a spike.

    Raises
    ------
    ValueError
        If the window is too short or the factor not positive.

    Example
    -------
    >>> watch = LossWatch(window=20, factor=5.0)
    >>> for number in range(1, 14):
    ...     loss = torch.tensor(9.0 if number == 13 else 2.0 + number % 2)
    ...     watch.add(loss, torch.tensor(1.0), [f"clip {number}"])
    ...     watch.close(number)
    ...     if number == 12:
    ...         _ = watch.read()
    >>> watch.read().spikes
    [Step(number=13, loss=9.0, ids=['clip 13'])]
    """

    def __init__(self, *, window=500, factor=10.0):
        if window < MIN_HISTORY:
            raise ValueError(f"window: {window} is less than {MIN_HISTORY}")
        if not factor > 0:
            raise ValueError(f"factor: {factor} is not above 0")
        self.window = window
        self.factor = factor
        self._history = deque(maxlen=window)
        self._closed = []  # of this process, losses on the device
        self._gathered = []  # of all processes
        self.drop()

    def drop(self):
        """Forget micro-batches of a step that was not closed."""
        self._sum, self._ids = 0.0, []

    def add(self, loss, share, ids):
        """Take in a micro-batch.

        Arguments
        ---------
        loss : torch.Tensor
            Scalar.
        share : torch.Tensor
            Its weight in the step, a scalar on the same device.
        ids : list of str
            Its clips.
        """
        loss = loss.detach().float()
        self._sum = self._sum + torch.stack([loss * share, share])
        self._ids += ids

    @property
    def open(self):
        """The step under way: its losses' sum by weight, and of weights, ``(2,)``."""
        return self._sum

    def close(self, number):
        """The step of these micro-batches is done.

        Arguments
        ---------
        number : int
            Of the optimizer step.
        """
        self._closed.append((number, self._sum, self._ids))
        self.drop()

    def gather(self):
        """Bring closed steps to the host and together; all processes must call."""
        if not self._closed:
            return
        numbers, sums, ids = zip(*self._closed, strict=True)
        self._closed = []
        mine = list(zip(torch.stack(sums).tolist(), ids, strict=True))
        everyone = [mine]
        if torch.distributed.is_initialized():
            everyone = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(everyone, mine)
        for number, *parts in zip(numbers, *everyone, strict=True):
            share = sum(part[0][1] for part in parts)
            loss = sum(part[0][0] for part in parts)
            loss = loss / share if share else math.nan
            clips = [clip for part in parts for clip in part[1]]
            self._gathered.append(Step(number, loss, clips))

    def read(self):
        """What happened since the last reading; it then counts for the level.

        Returns
        -------
        Reading
            The same on all processes. With less history than tells a level the
            threshold is infinite.
        """
        self.gather()
        steps, self._gathered = self._gathered, []
        center, spread = self._level()
        self._history += [s.loss for s in steps if math.isfinite(s.loss)]
        return Reading(steps, center, spread, center + self.factor * spread)

    def _level(self):
        """Median and robust deviation of the history."""
        if len(self._history) < MIN_HISTORY:
            return 0.0, math.inf
        center = statistics.median(self._history)
        distances = [abs(loss - center) for loss in self._history]
        spread = ROBUST * statistics.median(distances)
        return center, max(spread, LEAST_SPREAD * abs(center))

    @mark_as_saver
    def _save(self, path):
        state = {"history": list(self._history), "gathered": self._gathered}
        Path(path).write_text(json.dumps(state), encoding="utf-8")

    @mark_as_loader
    def _load(self, path, end_of_epoch):
        del end_of_epoch
        state = json.loads(Path(path).read_text(encoding="utf-8"))
        self._history = deque(state["history"], maxlen=self.window)
        self._closed = []
        self._gathered = [Step(*step) for step in state["gathered"]]
        self.drop()


@main_process_only
def write_spikes(path, reading, returns=0):
    """Add a reading's spikes to a table.

    A run that was killed goes through some steps again: what is in the table
    already is not written twice.

    Arguments
    ---------
    path : str or pathlib.Path
        With columns ``step``, ``returns``, ``loss``, ``threshold`` and ``ids``, a
        JSON list. Made with the first spike.
    reading : Reading
        From ``LossWatch.read``.
    returns : int
        How often training had returned to a checkpoint, and so came to the same
        step with other clips.

    Example
    -------
    >>> path = getfixture("tmp_path") / "spikes.csv"
    >>> reading = Reading([Step(7, 9.0, ["a", "b"])], 2.0, 0.1, 3.0)
    >>> write_spikes(path, reading)
    >>> path.read_text().splitlines()[1]
    '7,0,9.0,3.0,"[""a"", ""b""]"'
    """
    path = Path(path)
    known = set()
    if path.exists():
        with open(path, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            known = {(int(row["step"]), int(row["returns"])) for row in rows}
    new = [s for s in reading.spikes if (s.number, returns) not in known]
    if not new:
        return
    with (
        appending(path),
        open(path, "a", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        if not known:
            writer.writerow(COLUMNS)
        for step in new:
            clips = json.dumps(step.ids, ensure_ascii=False)
            writer.writerow(
                [step.number, returns, step.loss, reading.threshold, clips]
            )
