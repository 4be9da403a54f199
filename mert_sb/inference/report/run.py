"""A pretraining run, read from its folder: settings, log, clock, and how much it heard.

Authors
 * The mert_sb developers 2026
"""

from functools import cached_property
from pathlib import Path

import numpy as np

from mert_sb.audio.rows import read_rows
from mert_sb.inference.report.log import (
    CLOCK_LOG,
    TRAIN_LOG,
    audio_a_step,
    read_clock,
    read_log,
)
from mert_sb.inference.report.settings import read_settings
from mert_sb.pretraining.crops import ClipPlan


class Run:
    """What a folder tells of a pretraining run.

    Arguments
    ---------
    folder : str or pathlib.Path
        With ``hyperparams.yaml`` and ``train_log.txt``.

    Example
    -------
    >>> Run("results/cpu/1337").folder.name
    '1337'
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    @cached_property
    def settings(self):
        """The hyperparameters, see ``read_settings``."""
        return read_settings(self.folder)

    @cached_property
    def log(self):
        """The training log."""
        return read_log(self.folder / TRAIN_LOG)

    @cached_property
    def clock(self):
        """When its lines were written; None if no file tells."""
        return read_clock(self.folder / CLOCK_LOG)

    @property
    def teachers(self):
        """Names of the teachers, as the YAML has them."""
        return list(self.settings["teachers"])

    @cached_property
    def plan(self):
        """Lengths and masks of its clips."""
        student = self.settings["student"].settings
        return ClipPlan(
            crop_frames=self.settings["crop_frames"],
            mask_probability=self.settings["mask_probability"],
            mask_length=self.settings["mask_length"],
            subsample=student.get("subsample", 1),
        )

    def rows(self, name):
        """A manifest.

        Arguments
        ---------
        name : str
            ``train`` or ``valid``.

        Returns
        -------
        dict or None
            Rows by key; None if the file is gone.
        """
        path = self.folder / "save" / f"{name}.json"
        if not path.is_file():
            return None
        return read_rows(path)

    def length(self, name):
        """Hours of audio in a manifest.

        Arguments
        ---------
        name : str
            ``train`` or ``valid``.

        Returns
        -------
        float or None
            None if the file is gone.
        """
        rows = self.rows(name)
        if rows is None:
            return None
        samples = sum(row["length"] for row in rows.values())
        return samples / self.settings["sample_rate"] / 3600

    def _clip_seconds(self, epoch):
        """Of one clip; of whole rows their mean, None if the manifest is gone."""
        samples = self.plan.at(epoch, 0).samples
        if samples is not None:
            return samples / self.settings["sample_rate"]
        rows = self.rows("train")
        return self.length("train") * 3600 / len(rows) if rows else None

    @cached_property
    def processes(self):
        """How many it ran on, by rate and clock; None where nothing tells."""
        measured, own = audio_a_step(self.log, self.clock), self._own(1)
        return max(1, round(measured / own)) if measured and own else None

    def _own(self, epoch):
        """Seconds of audio in a step of one process."""
        clip = self._clip_seconds(epoch)
        if clip is None:
            return None
        clips = self.settings["train_dataloader_opts"]["batch_size"]
        return clip * clips * self.settings["grad_accumulation_factor"]

    @cached_property
    def _heard(self):
        """Steps and the hours of audio heard by then, rising; None if unknown."""
        entries = sorted(
            (e.step, e.epoch) for e in (*self.log.train, *self.log.valid)
        )
        steps, hours = [0.0], [0.0]
        for step, epoch in entries:
            seconds = self._own(epoch)
            if seconds is None:
                return None
            if step > steps[-1]:
                more = (
                    (step - steps[-1]) * seconds * (self.processes or 1) / 3600
                )
                steps.append(float(step))
                hours.append(hours[-1] + more)
        if len(steps) == 1:
            return None
        # Beyond the last it goes on as before, which an axis asks for.
        rate = (hours[-1] - hours[-2]) / (steps[-1] - steps[-2])
        steps.append(2 * steps[-1])
        hours.append(hours[-1] + rate * steps[-1] / 2)
        return steps, hours

    def hours(self, steps):
        """Hours of audio heard.

        Arguments
        ---------
        steps : float or array of float
            By these steps.

        Returns
        -------
        float, array or None
            Over all processes, repetitions counted; None if it is not known.
        """
        return None if self._heard is None else np.interp(steps, *self._heard)

    def steps(self, hours):
        """The steps by which so much was heard: the reverse of ``hours``.

        Arguments
        ---------
        hours : float or array of float
            Of audio.

        Returns
        -------
        float, array or None
            None if it is not known.
        """
        if self._heard is None:
            return None
        return np.interp(hours, *reversed(self._heard))
