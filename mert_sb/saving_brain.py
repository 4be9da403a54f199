"""A Brain that saves in mid-epoch where nothing is lost, and when it is asked to stop.

Authors
 * The mert_sb developers 2026
"""

import contextlib

import torch
from speechbrain.utils.logger import get_logger
from speechbrain.utils.train_logger import FileTrainLogger

from mert_sb.preemption import Preemption
from mert_sb.processes import Company
from mert_sb.progress_brain import ProgressBrain
from mert_sb.skips import Skips
from mert_sb.writing import appending

logger = get_logger(__name__)


class SavingBrain(ProgressBrain):
    """SpeechBrain's Brain, which a SIGTERM or SIGUSR1 ends after the next step, saved.

    The same command goes on with exactly what would have come next. A notice during
    validation is obeyed after the step that follows, or after the last validation.

    Arguments
    ---------
    modules : dict
        As ``speechbrain.Brain``.
    opt_class : callable
        Builds the optimizer from parameters.
    hparams : dict
        From the YAML.
    run_opts : speechbrain.RunOptions
        From the command line.
    checkpointer : speechbrain.utils.checkpoints.Checkpointer
        Saves and resumes.
    """

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        self.preemption, self.asked = Preemption(), False
        self.skips = Skips()
        met = torch.distributed.is_initialized()
        count = torch.distributed.get_world_size() if met else 1
        checkpointer.add_recoverable(
            "company", Company(count), optional_load=True
        )

    @property
    def patience(self):
        """Skipped steps in a row that may be.

        fp16 looks for its scale by failing, and may fail more often.
        """
        factor = 10 if self.scaler.is_enabled() else 1
        return self.nonfinite_patience * factor

    def write_stats(self, train_logger, meta, **stats):
        """Let a logger write; a line in a file is whole or absent.

        Arguments
        ---------
        train_logger : speechbrain.utils.train_logger.TrainLogger
            From the YAML.
        meta : dict
            What the line begins with.
        **stats : dict
            ``train_stats``, ``valid_stats`` or ``test_stats``.
        """
        place = contextlib.nullcontext()
        if isinstance(train_logger, FileTrainLogger):
            place = appending(train_logger.save_file)
        with place:
            train_logger.log_stats(meta, **stats)

    def fit(self, *args, **kwargs):
        """Train, listening for signals.

        Arguments
        ---------
        *args : tuple
            As of SpeechBrain's.
        **kwargs : dict
            As of SpeechBrain's.
        """
        with self.preemption:
            super().fit(*args, **kwargs)
            # In the last validation: all is saved, but not tested.
            if self.preemption.is_asked(self.device):
                self._leave()

    def save_in_epoch(self):
        """Save a checkpoint of a half epoch, and keep the newest of these alone."""
        super()._save_intra_epoch_ckpt()

    def _should_save_intra_epoch_ckpt(self, last_ckpt_time, steps_since_ckpt):
        """Only where no gradient is half accumulated: it would be lost."""
        due = super()._should_save_intra_epoch_ckpt(
            last_ckpt_time, steps_since_ckpt
        )
        if self.step % self.grad_accumulation_factor:
            return False
        self.asked = self.preemption.is_asked(self.device)
        return due or self.asked

    def _save_intra_epoch_ckpt(self):
        """Save, and end if that was asked for."""
        self.save_in_epoch()
        if self.asked:
            self._leave()

    def _leave(self):
        """End, saying why."""
        logger.info(
            "%s: saved after step %d; the same command goes on there",
            self.preemption.name or "A signal to another process",
            self.optimizer_step,
        )
        raise SystemExit(self.preemption.status)
