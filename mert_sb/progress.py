"""Progress of long work: a bar on a terminal, plain lines anywhere else.

In a file or a pipe a line comes at most every 30 seconds, and one at the end:

    progress job=prepare state=running done=1200 total=4000 unit=file per_second=35.3
    audio_hours=12.1 times_real_time=1281 elapsed_s=34 left_s=79

(all of it in one line, to stderr). ``MERT_SB_PROGRESS_SECONDS`` sets another interval. Of
several processes the first alone speaks.

Authors
 * The mert_sb developers 2026
"""

import math
import os
import sys
import time

import torch
from tqdm import tqdm

SECONDS = 30.0
VARIABLE = "MERT_SB_PROGRESS_SECONDS"


class Progress:
    """Counts what is done, and says so now and then.

    One inside another leaves nothing behind, unless it lasts long enough for a line.

    Arguments
    ---------
    job : str
        One word.
    total : int, optional
        How much there is to do; may be set later. Of nothing, nothing is said.
    unit : str
        What is counted, one word.
    quiet : bool
        Only count.
    stream : file, optional
        Where to; None: stderr.
    clock : callable
        Gives seconds.

    Raises
    ------
    ValueError
        If ``MERT_SB_PROGRESS_SECONDS`` is no number.

    Example
    -------
    >>> Progress.silence(False)
    >>> now = [0.0]
    >>> options = {"stream": sys.stdout, "clock": lambda: now[0]}
    >>> with Progress("prepare", 4, **options) as progress:
    ...     now[0] = 10.0
    ...     progress.update(4, seconds=7200.0)
    progress job=prepare state=done done=4 total=4 unit=file per_second=0.4
    audio_hours=2 times_real_time=720 elapsed_s=10 left_s=0
    """

    # Set by ``silence``, for all that is opened afterwards.
    silent = False
    _open = 0

    def __init__(
        self,
        job,
        total=None,
        unit="file",
        *,
        quiet=False,
        stream=None,
        clock=time.monotonic,
    ):
        self.job, self.total, self.unit = job, total, unit
        self.done, self.audio, self.notes = 0, 0.0, {}
        self.initial = 0  # done before, of no account for the rate
        self.stream = sys.stderr if stream is None else stream
        self.quiet = quiet or Progress.silent or total == 0 or not _is_first()
        self.every, self.clock = _interval(), clock
        self.began = self.told = clock()
        self.inside = self.bar = None

    @classmethod
    def silence(cls, silent=True):
        """Let this process say nothing of what is opened from now on.

        Arguments
        ---------
        silent : bool
            False takes it back.
        """
        cls.silent = bool(silent)

    @staticmethod
    def write(line):
        """Write a line of output at once, above the bars that there are.

        Arguments
        ---------
        line : str
            For stdout.
        """
        tqdm.write(line)
        sys.stdout.flush()

    def __enter__(self):
        self.inside = Progress._open > 0
        Progress._open += 1
        if not self.quiet and self.stream.isatty():
            self.bar = tqdm(
                desc=self.job,
                total=self.total,
                unit=self.unit,
                leave=None,
                file=self.stream,
                dynamic_ncols=True,
            )
        return self

    def __exit__(self, kind, *exception):
        Progress._open -= 1
        if self.bar is not None:
            self.bar.close()
        elif kind is None and self.done > self.initial:
            # One line at least, but for parts of what has lines of its own.
            if not self.inside or self.told > self.began:
                self._tell("done")

    @property
    def elapsed(self):
        """Seconds since it began, above zero."""
        return max(self.clock() - self.began, 1e-9)

    @property
    def rate(self):
        """Units a second."""
        return max(self.done - self.initial, 0) / self.elapsed

    @property
    def left(self):
        """Seconds to the end at this rate, NaN where it is not known."""
        if self.total is None:
            return math.nan
        units, rate = max(self.total - self.done, 0), self.rate
        return units / rate if rate else (math.nan if units else 0.0)

    def skip(self, count):
        """Count what an earlier run has done.

        Arguments
        ---------
        count : int
            Units.
        """
        self.initial += count
        self.done += count
        if self.bar is not None:
            self.bar.initial = self.bar.n = self.bar.last_print_n = self.done
            self.bar.refresh()

    def update(self, count=1, *, seconds=0.0, **notes):
        """Count, and speak if it is time.

        Arguments
        ---------
        count : int
            Units done.
        seconds : float
            Of audio in them.
        **notes : dict
            Words and numbers that stand beside, until they are given anew.
        """
        self.done += count
        self.audio += seconds
        self.notes |= notes
        if self.bar is not None:
            self.bar.total = self.total
            self.bar.set_postfix(self._beside(), refresh=False)
            self.bar.update(count)
        elif self.clock() - self.told >= self.every:
            self._tell("running")

    def _beside(self):
        """What a bar says beyond tqdm's own numbers."""
        audio = {}
        if self.audio:
            rate = f"{self.audio / self.elapsed:.0f} x real time"
            audio = {"audio": f"{self.audio / 3600:.1f} h, {rate}"}
        return audio | self.notes

    def _tell(self, state):
        """Write a line."""
        self.told = self.clock()
        if not self.quiet:
            fields = (f"{k}={_plain(v)}" for k, v in self._fields(state))
            self.stream.write(f"progress {' '.join(fields)}\n")
            self.stream.flush()

    def _fields(self, state):
        """Names and values of a line; what is not known is left out."""
        yield from {"job": self.job, "state": state, "done": self.done}.items()
        if self.total is not None:
            yield "total", self.total
        yield from {"unit": self.unit, "per_second": self.rate}.items()
        if self.audio:
            yield "audio_hours", self.audio / 3600
            yield "times_real_time", self.audio / self.elapsed
        yield "elapsed_s", round(self.elapsed)
        left = 0 if state == "done" else self.left
        if math.isfinite(left):
            yield "left_s", round(left)
        yield from self.notes.items()


def _plain(value):
    return f"{value:.4g}" if isinstance(value, float) else value


def _interval():
    """Seconds between lines."""
    text = os.environ.get(VARIABLE, str(SECONDS))
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(
            f"{VARIABLE}: {text!r} is no number of seconds; unset it for {SECONDS:g}"
        ) from error


def _is_first():
    """Whether this is the first of the processes, or the only one."""
    group = torch.distributed
    return not (group.is_available() and group.is_initialized()) or (
        group.get_rank() == 0
    )
