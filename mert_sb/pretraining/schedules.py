"""Schedules: settings that change while training goes on.

In a YAML a schedule is a list of stages where else a number stands: ``0.8`` is for
always, ``[[0, 0.4], [20000, 0.8]]`` is 0.4 from step 0 on and 0.8 from step 20,000 on.
The original writes the same in two lists of its own (``mask_dynamic_prob`` and
``mask_dynamic_prob_step``, both empty in its YAMLs).

Clips are read by other processes, some batches ahead, and must be the same however far
ahead that is, and after a restart. So what they are drawn by changes between epochs only:
a schedule in steps is asked for the step at which the epoch began. An epoch of the
paper's data is about 100 steps of 400,000.

Authors
 * The mert_sb developers 2026
"""

from bisect import bisect_right


class Schedule:
    """A number for always, or stages of it.

    Arguments
    ---------
    value : float or list of (int, float)
        The number, or pairs of where a stage begins and its number.
    key : str
        The YAML's key, for errors.
    first : int
        Where the first stage must begin: 0 for steps, 1 for epochs.

    Raises
    ------
    ValueError
        If the stages are no pairs, do not begin at ``first``, or do not follow
        one another.

    Example
    -------
    >>> schedule = Schedule([[0, 0.4], [100, 0.8]], "mask_probability", first=0)
    >>> schedule(99), schedule(100), schedule.last
    (0.4, 0.8, 0.8)
    >>> Schedule(0.8, "mask_probability", first=0)(5)
    0.8
    """

    def __init__(self, value, key, *, first):
        stages = value if isinstance(value, (list, tuple)) else [(first, value)]
        if not stages or not all(map(_is_stage, stages)):
            raise ValueError(
                f"{key}: {value!r} is neither a number nor a list of stages, each "
                f"[where it begins, number], such as [[{first}, 1], [10, 2]]"
            )
        self.starts = [start for start, _ in stages]
        self.values = [number for _, number in stages]
        rising = all(
            a < b for a, b in zip(self.starts, self.starts[1:], strict=False)
        )
        if self.starts[0] != first or not rising:
            raise ValueError(
                f"{key}: stages begin at {self.starts}; the first must begin at "
                f"{first}, and each after the one before"
            )
        self.key = key

    @property
    def last(self):
        """The number of the last stage."""
        return self.values[-1]

    def __call__(self, now):
        """The number at a step or epoch.

        Arguments
        ---------
        now : int
            Step or epoch; before the first stage counts as in it.

        Returns
        -------
        float or int
            As in the YAML.
        """
        return self.values[max(0, bisect_right(self.starts, now) - 1)]

    def refuse_after(self, end, unit):
        """Refuse a schedule whose last stage would never come.

        Arguments
        ---------
        end : float
            The last step or epoch at which clips are drawn anew.
        unit : str
            What is counted, for the error.

        Raises
        ------
        ValueError
            If the last stage begins later.
        """
        if len(self.starts) > 1 and self.starts[-1] > end:
            raise ValueError(
                f"{self.key}: the stage from {unit} {self.starts[-1]} on would never "
                f"come, the last epoch of training begins at {unit} {end}; train "
                "longer or shorten the schedule"
            )


class EpochStart:
    """The optimizer step at which the running epoch began.

    SpeechBrain's Brain keeps itself in its checkpointer, under ``brain``. The number does
    not change within an epoch, not by a return after a divergence either: the same is
    read ahead, in other processes and after a restart.

    Arguments
    ---------
    checkpointer : speechbrain.utils.checkpoints.Checkpointer
        The YAML's.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> brain = SimpleNamespace(epoch_began=100)
    >>> EpochStart(SimpleNamespace(recoverables={"brain": brain}))()
    100
    """

    def __init__(self, checkpointer):
        self.checkpointer = checkpointer

    def __call__(self):
        """Read it.

        Returns
        -------
        int
            0 before there is a Brain.
        """
        brain = self.checkpointer.recoverables.get("brain")
        if brain is None:
            return 0
        return brain.epoch_began


def _is_stage(stage):
    """Whether it is a pair of where it begins, and a number."""
    return (
        isinstance(stage, (list, tuple))
        and len(stage) == 2
        and type(stage[0]) is int
        and type(stage[1]) in (int, float)
    )
