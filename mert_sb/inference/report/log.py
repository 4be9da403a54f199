"""Training logs: what ``train_log.txt`` says by step, and ``log.txt`` by the clock.

Authors
 * The mert_sb developers 2026
"""

import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from mert_sb.texts import read_text

TRAIN_LOG, CLOCK_LOG = "train_log.txt", "log.txt"
# Seconds; shorter ones are mostly overhead.
LONG = 5
_META = re.compile(r"Epoch: (\d{1,9}), step: (\d{1,12})$")
_CLOCK = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - (\S+) - \w+ - (.*)"
)
# A run's first words; SpeechBrain's quirks speak before its core does.
_BEGIN = re.compile(r"Beginning experiment!|Applied quirks|Excluded quirks")
_LOGGER = "speechbrain.utils.train_logger"


class Entry(NamedTuple):
    """A line of the log.

    Arguments
    ---------
    epoch, step : int
        When.
    stats : dict of str to float
        What it says, without the stage's name.

    Example
    -------
    >>> Entry(1, 50, {"loss": 2.5}).stats["loss"]
    2.5
    """

    epoch: int
    step: int
    stats: dict


class Log(NamedTuple):
    """A training log.

    Arguments
    ---------
    train, valid : list of Entry
        In order of their steps.

    Example
    -------
    >>> log = Log([Entry(1, 50, {"loss": 2.5})], [])
    >>> log.series("train", "loss")
    ([50], [2.5])
    """

    train: list
    valid: list

    def series(self, stage, key):
        """One number over the steps.

        Arguments
        ---------
        stage : str
            ``train`` or ``valid``.
        key : str
            Its name, without the stage.

        Returns
        -------
        tuple of (list of int, list of float)
            Steps and values; lines without it are left out.
        """
        found = [
            (entry.step, entry.stats[key])
            for entry in getattr(self, stage)
            if key in entry.stats
        ]
        return [step for step, _ in found], [value for _, value in found]

    @property
    def steps(self):
        """The last step that the log knows, 0 without any."""
        return max((e.step for e in (*self.train, *self.valid)), default=0)


def read_log(path):
    """Read a ``train_log.txt``.

    A run that was stopped goes on from a checkpoint, and one that diverged returns to
    one: what was logged behind it was undone, and is left out.

    Arguments
    ---------
    path : str or pathlib.Path
        The log; lines that are none of ours are passed over.

    Returns
    -------
    Log
        Of training and validation.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train_log.txt"
    >>> _ = path.write_text("Epoch: 1, step: 50 - train loss: 2.5000e+00\\n")
    >>> read_log(path).train
    [Entry(epoch=1, step=50, stats={'loss': 2.5})]
    """
    log = Log([], [])
    for line in read_text(path).splitlines():
        head, *stages = line.split(" - ")
        meta = _META.match(head)
        if not meta:
            continue
        epoch, step = map(int, meta.groups())
        for stage in stages:
            name, _, _ = stage.partition(" ")
            if name in ("train", "valid"):
                entries = getattr(log, name)
                for known in (log.train, log.valid):
                    while known and known[-1].step > step:
                        known.pop()
                if entries and entries[-1].step == step:
                    entries.pop()
                entries.append(Entry(epoch, step, _numbers(stage, name)))
    return log


def _numbers(text, stage):
    """``train a: 1.0, train b: 2`` as a dictionary."""
    pairs = re.findall(rf"{stage} (\w+): ([^,\s]+)", text)
    return {key: float(value) for key, value in pairs if _is_number(value)}


def _is_number(text):
    """Whether it is one; a line may be torn by a kill."""
    try:
        float(text)
    except ValueError:
        return False
    return True


class Clock(NamedTuple):
    """When what was logged.

    Arguments
    ---------
    seconds : float
        From beginning to end, pauses between a stop and a restart left out.
    at : dict of (str, int) to float
        Stage and step to seconds since the beginning.
    begins : tuple of float
        When runs began, in the same seconds.

    Example
    -------
    >>> Clock(90.0, {("train", 50): 60.0}).at["train", 50]
    60.0
    """

    seconds: float
    at: dict
    begins: tuple = ()


def read_clock(path):
    """Read a ``log.txt`` for the time that a run took.

    Arguments
    ---------
    path : str or pathlib.Path
        The log.

    Returns
    -------
    Clock or None
        None without the file or a time in it.

    Example
    -------
    >>> read_clock("absent") is None
    True
    """
    path = Path(path)
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    spent, last, at, begins = 0.0, None, {}, []
    for time, logger, message in _CLOCK.findall(text):
        try:
            now = datetime.strptime(time, "%Y-%m-%d %H:%M:%S,%f")
        except ValueError:
            continue  # no time of ours
        # Whatever passed before a beginning, no run took it.
        if _BEGIN.match(message):
            begins.append(spent)
        elif last is not None:
            spent += (now - last).total_seconds()
        last = now
        head, _, stage = message.partition(" - ")
        meta = _META.match(head) if logger == _LOGGER else None
        if meta:
            at[stage.partition(" ")[0], int(meta.group(2))] = spent
    return Clock(spent, at, tuple(begins)) if last else None


def audio_a_step(log, clock):
    """Seconds of audio in a step, over all processes, by rate and clock.

    Arguments
    ---------
    log : Log
        With ``audio_per_second``.
    clock : Clock or None
        Of the same run.

    Returns
    -------
    float or None
        The least of the log lines, each since the line before it: what else was done
        between them, such as saving, makes it more. None where no two lines are
        ``LONG`` apart.

    Example
    -------
    >>> log = Log(
    ...     [Entry(1, n, {"audio_per_second": 8.0}) for n in (10, 20)], []
    ... )
    >>> audio_a_step(log, Clock(20, {("train", 10): 0, ("train", 20): 20}))
    16.0
    """
    if clock is None:
        return None
    found, before = [], None
    lines = [
        (e.step, name, e)
        for name in ("train", "valid")
        for e in getattr(log, name)
    ]
    for step, stage, entry in sorted(lines, key=lambda line: line[:2]):
        now, rate = (
            clock.at.get((stage, step)),
            entry.stats.get("audio_per_second"),
        )
        if None not in (before, now, rate) and step > before[0]:
            elapsed = now - before[1]
            whole = not any(before[1] <= t < now for t in clock.begins)
            if elapsed >= LONG and whole:
                found.append(rate * elapsed / (step - before[0]))
        before = None if now is None else (step, now)
    return min(found, default=None)
