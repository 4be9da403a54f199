"""Crops: how long clips are and how much of them is hidden, epoch by epoch.

The original lengthens clips by epoch (``dynamic_crops``, ``dynamic_crops_epoches``) and
hides more or longer spans by step (``mask_dynamic_prob``, ``mask_dynamic_len``); all are
empty in its YAMLs.

Authors
 * The mert_sb developers 2026
"""

import math
from typing import NamedTuple

from mert_sb import frames
from mert_sb.pretraining.masking import check_spans
from mert_sb.pretraining.schedules import Schedule
from mert_sb.pretraining.stepping import world_size
from mert_sb.pretraining.whole import check_whole_rows


class Clip(NamedTuple):
    """What all clips of an epoch have in common.

    Arguments
    ---------
    epoch : int
        What their draws are seeded by; 0 in validation.
    frames : int or None
        The student's frames of them, which masks are of; None where each is a whole
        row.
    samples : int or None
        Their samples.
    spans : dict
        ``probability`` and ``length`` of ``span_mask``.
    subsample : int
        The student's.

    Example
    -------
    >>> Clip(1, 376, 120_400, {"probability": 0.8, "length": 5}).frames
    376
    """

    epoch: int
    frames: int
    samples: int
    spans: dict
    subsample: int = 1

    def of(self, length):
        """The clip of one row.

        Arguments
        ---------
        length : int
            Samples of the row.

        Returns
        -------
        Clip
            The same for all rows, unless clips are whole rows: then all frames of
            this one.

        Example
        -------
        >>> Clip(1, None, None, {}).of(120_500)[1:3]
        (376, 120400)
        """
        if self.frames is not None:
            return self
        samples = frames.n_samples(frames.n_frames(length))
        seen = frames.n_frames(samples, self.subsample)
        return self._replace(frames=seen, samples=samples)


class ClipPlan:
    """Length and masking of clips, each a number or a schedule.

    Arguments
    ---------
    crop_frames : int, list of (int, int) or None
        Frames a clip, by the clock of ``mert_sb.frames`` whatever the student joins;
        or pairs of first epoch and frames, the first epoch being 1. None: clips are
        whole rows, see ``mert_sb.pretraining.whole``.
    mask_probability : float or list of (int, float)
        For ``span_mask``; or pairs of first step and probability, from step 0.
    mask_length : int or list of (int, int)
        For ``span_mask``, in the student's frames; or pairs of first step and length.
    subsample : int
        The student's: frames of the clock that it joins into one.

    Raises
    ------
    ValueError
        If one of them is no number or schedule, or a number out of its range.

    Example
    -------
    >>> plan = ClipPlan(
    ...     crop_frames=[[1, 74], [3, 376]],
    ...     mask_probability=[[0, 0.4], [100, 0.8]],
    ...     mask_length=5,
    ... )
    >>> plan.at(epoch=2, step=100)[:4]
    (2, 74, 23760, {'probability': 0.8, 'length': 5})
    >>> plan.held_out.frames
    376
    """

    def __init__(
        self, *, crop_frames, mask_probability, mask_length, subsample=1
    ):
        self.subsample = subsample
        self.whole = crop_frames is None
        self.frames = None
        if not self.whole:
            self.frames = Schedule(crop_frames, "crop_frames", first=1)
            _check_frames(self.frames, subsample)
        self.probability = Schedule(
            mask_probability, "mask_probability", first=0
        )
        self.length = Schedule(mask_length, "mask_length", first=0)
        _check_frames(self.length, 1)
        if any(not 0 <= share <= 1 for share in self.probability.values):
            raise ValueError(
                f"mask_probability: {self.probability.values} must be from 0 to 1"
            )

    def at(self, epoch, step):
        """What holds in an epoch of training.

        Arguments
        ---------
        epoch : int
            Counted from 1.
        step : int
            The optimizer step at which it began (``EpochStart``).

        Returns
        -------
        Clip
            The same for all clips of the epoch.
        """
        spans = {
            "probability": self.probability(step),
            "length": self.length(step),
        }
        if self.whole:
            return Clip(epoch, None, None, spans, self.subsample)
        n_samples = frames.n_samples(self.frames(epoch))
        seen = frames.n_frames(n_samples, self.subsample)
        return Clip(epoch, seen, n_samples, spans, self.subsample)

    @property
    def held_out(self):
        """What holds in validation: the last stages, so that losses compare."""
        return self.at(math.inf, math.inf)._replace(epoch=0)

    def stored_frames(self, stored):
        """The one length of clips that targets can be stored for.

        Arguments
        ---------
        stored : dict
            The YAML's; where it is empty any plan will do.

        Returns
        -------
        int or None
            Frames; None where clips are whole rows.

        Raises
        ------
        ValueError
            If there are several.
        """
        if stored and self.whole:
            raise ValueError(
                "stored: targets are stored for clips of one length, but with "
                "crop_frames: null each is as long as its file; leave the teachers "
                "live"
            )
        if self.whole:
            return None
        if stored and len(set(self.frames.values)) > 1:
            raise ValueError(
                "stored: a target depends on where its clip ends, so targets are "
                "stored for clips of one length, but crop_frames has "
                f"{self.frames.values}; leave the teachers live, or give one length"
            )
        return self.frames.last

    def check(self, datasets, hparams):
        """Refuse a plan that training could not follow to its end.

        Arguments
        ---------
        datasets : dict of str to DynamicItemDataset
            ``train``, as long as an epoch, and ``valid``.
        hparams : dict
            With ``number_of_epochs``, ``optimizer_step_limit``,
            ``train_dataloader_opts`` and ``grad_accumulation_factor``; for whole
            rows what ``check_whole_rows`` wants too.

        Raises
        ------
        ValueError
            If a clip is longer than a row, spans do not fit into a clip, or a
            schedule ends after training.
        """
        if not self.whole:
            for dataset in datasets.values():
                self._check_rows(dataset)
        steps = _steps_an_epoch(len(datasets["train"]), hparams)
        last = hparams["number_of_epochs"]
        if hparams["optimizer_step_limit"]:
            limit = math.ceil(hparams["optimizer_step_limit"] / steps)
            last = min(last, limit)
        if not self.whole:
            self.frames.refuse_after(last, "epoch")
        for schedule in (self.probability, self.length):
            schedule.refuse_after((last - 1) * steps, "step")
        clips = [
            self.at(epoch, (epoch - 1) * steps) for epoch in self._turns(steps)
        ]
        if self.whole:
            check_whole_rows(datasets, hparams, clips)
            return
        for clip in clips:
            check_spans(clip.frames, **clip.spans)

    def _check_rows(self, dataset):
        """Refuse rows shorter than the longest clip."""
        longest = frames.n_samples(max(self.frames.values))
        for item in dataset.data_ids:
            length = dataset.data[item]["length"]
            if length < longest:
                raise ValueError(
                    f"crop_frames: a clip of {longest} samples does not fit into "
                    f"{item} of {length}; shorten the crop, or prepare with "
                    "min_seconds of at least a crop"
                )

    def _turns(self, steps):
        """Epochs in which something is not as in the epoch before."""
        by_step = self.probability.starts + self.length.starts
        turns = {1 + math.ceil(start / steps) for start in by_step}
        return sorted(turns | set(self.frames.starts if self.frames else ()))


def _check_frames(schedule, least):
    """Refuse what is no number of frames, or too few of them."""
    if any(type(n) is not int or n < least for n in schedule.values):
        raise ValueError(
            f"{schedule.key}: {schedule.values} must be whole numbers of frames, "
            f"{least} or more"
        )


def _steps_an_epoch(n_rows, hparams):
    """Optimizer steps of an epoch, at least 1: the recipe refuses fewer."""
    options = hparams["train_dataloader_opts"]
    batches = n_rows // world_size() / options["batch_size"]
    batches = int(batches) if options.get("drop_last") else math.ceil(batches)
    return max(1, batches // hparams["grad_accumulation_factor"])
