"""Stepping: from micro-batches to optimizer steps, exactly.

Gradient accumulation weighted by masked frames, clipping over all parameter groups,
skipping of steps that are not finite, the learning rate's schedule, checkpoints only
where no gradient is half accumulated, and the return to one of them after a divergence.

Authors
 * The mert_sb developers 2026
"""

import logging

import speechbrain as sb
import torch
from speechbrain.core import INTRA_EPOCH_CKPT_FLAG

from mert_sb.pretraining.meters import Meters
from mert_sb.pretraining.reporting import ReportingBrain

# Of the paper's clips, so that a micro-batch's share is near the masked one.
FRAMES = 376


def world_size():
    """Number of processes.

    Returns
    -------
    int
        1 without torchrun.

    Example
    -------
    >>> world_size()
    1
    """
    if torch.distributed.is_initialized():
        return torch.distributed.get_world_size()
    return 1


class SteppingBrain(ReportingBrain):
    """A Brain of one optimizer whose batches carry a mask.

    Precision, clipping and accumulation come from the YAML or the command line.

    Arguments
    ---------
    modules : dict
        As ``speechbrain.Brain``.
    opt_class : callable
        Builds the optimizer from parameters.
    hparams : dict
        With the keys of ``HPARAMS_NEEDED``.
    run_opts : speechbrain.RunOptions
        From the command line.
    checkpointer : CompleteCheckpointer
        Saves and resumes.

    Raises
    ------
    ValueError
        If a run option would do harm.

    Example
    -------
    See ``Pretraining``.
    """

    HPARAMS_NEEDED = (
        *ReportingBrain.HPARAMS_NEEDED,
        "lr_schedule",
        "recovery",
        "sample_rate",
    )

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        if self.max_grad_norm <= 0:
            raise ValueError(
                f"max_grad_norm: {self.max_grad_norm} would zero or turn round the "
                "gradient; to switch clipping off give a huge value, 1.0e9"
            )
        # From the command line SpeechBrain passes this one as a string.
        if self.optimizer_step_limit is not None:
            self.optimizer_step_limit = int(self.optimizer_step_limit)
        self.recovery = self.hparams.recovery
        self.checkpointer.add_recoverable(
            "recovery", self.recovery, optional_load=True
        )

    def on_stage_start(self, stage, epoch=None):
        """Forget what a last epoch left half accumulated.

        Arguments
        ---------
        stage : sb.Stage
            Training or validation.
        epoch : int
            Current epoch.
        """
        if stage == sb.Stage.TRAIN:
            self.losses.drop()
            self.skips.begin()
            if self.step == 0:
                self.recovery.lost = 0
            self.clock.restart()

    @property
    def epoch_began(self):
        """The optimizer step at which the epoch began, whatever came between."""
        factor = self.grad_accumulation_factor
        steps = self.step // factor - self.recovery.lost // factor
        return self.optimizer_step - steps

    def fit_batch(self, batch):
        """One micro-batch, weighted by its share of masked frames.

        Losses are means over masked frames; weighted by these shares, accumulated
        and divided by their sum over micro-batches and processes they give the mean
        over all masked frames of the step.

        Arguments
        ---------
        batch : PaddedBatch
            The batch.

        Returns
        -------
        float
            Loss of the last log line: reading the present one would stall a GPU.
        """
        self.clock.arrived()
        if self.recovery.skips():
            self.clock.restart()
            return self.last_loss
        should_step = self.step % self.grad_accumulation_factor == 0
        self.instruments.due = should_step and self.log_due(
            self.optimizer_step + 1
        )
        with self.no_sync(not should_step):
            with self.training_ctx:
                outputs = self.compute_forward(batch, sb.Stage.TRAIN)
                loss = self.compute_objectives(outputs, batch, sb.Stage.TRAIN)
            share = self._share(batch).to(self.device)
            self.scaler.scale(loss * share).backward()
        self.losses.add(loss, share, batch.id)
        self.skips.add(batch.id, loss)
        if should_step:
            self.optimizers_step()
        n_clips, n_samples = batch.sig.data.shape
        self.clock.finished(
            n_clips * n_samples / self.hparams.sample_rate * world_size()
        )
        if should_step and self.log_due(self.optimizer_step):
            reading = self.report(self.recovery.returns)
            if self.recovery.on:
                self.recovery.judge(reading)
        if self.recovery.reason is not None:
            self.recovery.go_back(self)
        return self.last_loss

    def _share(self, batch):
        """Masked frames of a micro-batch, over the same number for all.

        They may differ in length, and on every process.
        """
        full = self.hparams.train_dataloader_opts["batch_size"]
        return batch.mask.data.sum() / (full * FRAMES)

    def optimizers_step(self):
        """Weigh, clip over all groups, step.

        A step whose loss or gradient is not finite, or in which no frame was masked,
        is skipped, named and counted; more than ``nonfinite_patience`` in a row end
        the run.
        """
        self.scaler.unscale_(self.optimizer)
        gradients = [
            parameter.grad
            for group in self.optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        sums = self.losses.open.clone()
        if world_size() > 1:
            torch.distributed.all_reduce(sums)
        loss, total = sums
        # DDP has averaged over processes; with no masked frame there is nothing
        # but the penalty, whose weight is zero too.
        torch._foreach_mul_(gradients, world_size() / total.clamp(min=1e-6))
        self.instruments.take_gradients(self.modules)
        norm = torch.nn.utils.get_total_norm(gradients)
        finite = bool(torch.isfinite(norm) & torch.isfinite(loss) & (total > 0))
        if finite:
            parameters = self.modules.parameters()
            torch.nn.utils.clip_grads_with_norm_(
                parameters, self.max_grad_norm, norm
            )
            self.meters.add({"grad_norm": norm})
        self._follow_schedule()
        # In fp16 too: the scaler would step where only the norm is infinite, or
        # nothing was masked.
        if finite:
            self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer_step += 1
        self.losses.close(self.optimizer_step)
        if finite:
            self.skips.step()
        else:
            self._skip(masked=bool(total > 0))

    def _follow_schedule(self):
        """Set the learning rate of this step on every group."""
        self.lr = self.hparams.lr_schedule.calculate_lr(self.optimizer_step + 1)
        self.lr *= self.recovery.lr_scale
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr

    def _skip(self, masked):
        """Name a skipped step, and stop when there are too many in a row."""
        reason = self.skips.skip(
            self.optimizer_step,
            patience=self.patience,
            reason=None if masked else "no frame was masked",
        )
        if reason is None:
            return
        if not self.recovery.on:
            raise FloatingPointError(
                f"{reason}. Lower the learning rate, lengthen the warm-up or look "
                "at these clips; the last checkpoint is without fault"
            )
        self.recovery.reason = f"Step {self.optimizer_step}: {reason}"

    def start_anew(self):
        """Forget the steps before a return, and save what came of it."""
        self.meters = Meters()
        # Steps that were skipped stay counted; the next log line says how many.
        self.skips.step()
        self.save_in_epoch()

    def save_in_epoch(self):
        """Save; the time it takes is no waiting for data."""
        self.losses.gather()
        deletable = self.recovery.deletable(self.checkpointer)
        self.checkpointer.save_and_keep_only(
            end_of_epoch=False,
            num_to_keep=1,
            ckpt_predicate=lambda checkpoint: (
                INTRA_EPOCH_CKPT_FLAG in checkpoint.meta
                and deletable(checkpoint)
            ),
            meta={INTRA_EPOCH_CKPT_FLAG: True, "step": self.optimizer_step},
            verbosity=logging.DEBUG,
        )
        self.clock.restart()
