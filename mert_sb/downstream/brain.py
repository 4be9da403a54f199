"""The Brain that tasks are built on: weights, optimizer, steps, log, checkpoints.

A task adds what is its own, ``compute_forward`` and ``compute_objectives``.

Authors
 * The mert_sb developers 2026
"""

import speechbrain as sb
import torch
from speechbrain.nnet.adapters import AdaptedModel
from speechbrain.utils.checkpoints import ckpt_recency
from speechbrain.utils.distributed import run_on_main
from speechbrain.utils.logger import get_logger

from mert_sb.downstream.base import Base, insert_adapters

logger = get_logger(__name__)


class DownstreamBrain(sb.Brain):
    """Trains modules on top of an encoder, and the encoder too if it is not frozen.

    ``modules`` are built with random weights; ``hparams["pretrainer"]`` fills them
    here, and adapters are inserted after that, because they rename what they adapt
    (``manual_adapter_insertion: True`` in the YAML).

    Arguments
    ---------
    modules : dict
        ``encoder`` and what is trained on top.
    opt_class : callable
        Builds the optimizer from parameter groups.
    hparams : dict
        With the keys of ``HPARAMS_NEEDED``.
    run_opts : speechbrain.RunOptions
        From the command line.
    checkpointer : CompleteCheckpointer
        Saves and resumes.

    Raises
    ------
    ValueError
        If a run option would do harm or nothing.

    Example
    -------
    See ``templates/finetune/train.py``.
    """

    HPARAMS_NEEDED = (
        "pretrainer",
        "parameter_groups",
        "lr_schedule",
        "train_logger",
    )

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        run_on_main(hparams["pretrainer"].collect_files)
        hparams["pretrainer"].load_collected()
        for module in modules.values():
            if isinstance(module, AdaptedModel):
                insert_adapters(module)
        checkpointer.add_recoverable("base", Base(modules["encoder"]))
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        self._check_options()
        self.measured, self.train_stats = {}, {}

    def _check_options(self):
        """Refuse what would turn the gradient round or be ignored."""
        if self.max_grad_norm <= 0:
            raise ValueError(
                f"max_grad_norm: {self.max_grad_norm} would zero or turn round the "
                "gradient; to switch clipping off give a huge value, 1.0e9"
            )
        if self.remove_vector_weight_decay:
            raise ValueError(
                "remove_vector_weight_decay: not with parameter_groups; set "
                "weight_decay in opt_class to 0"
            )
        # From the command line SpeechBrain passes this one as a string.
        if self.optimizer_step_limit is not None:
            self.optimizer_step_limit = int(self.optimizer_step_limit)

    def init_optimizers(self):
        """One optimizer of the groups that the YAML makes."""
        groups = self.hparams.parameter_groups(self.modules)
        self.optimizer = self.opt_class(groups)
        self.optimizers_dict = {"opt_class": self.optimizer}
        self.checkpointer.add_recoverable("optimizer", self.optimizer)

    def optimizers_step(self):
        """Clip over all groups together, where SpeechBrain clips the first; step.

        A gradient that is not finite is skipped.
        """
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(
            [p for g in self.optimizer.param_groups for p in g["params"]],
            self.max_grad_norm,
        )
        self._follow_schedule()
        # In fp16 the scaler skips by itself, and must be asked to.
        if self.scaler.is_enabled() or torch.isfinite(norm):
            self.scaler.step(self.optimizer)
        else:
            logger.warning(
                "Step %d skipped: its gradient is not finite",
                self.optimizer_step + 1,
            )
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer_step += 1

    def _follow_schedule(self):
        """The schedule's factor on each group's own rate, so that they keep apart.

        It depends on the number of steps alone, which the Brain's checkpoint has.
        """
        factor = self.hparams.lr_schedule.calculate_lr(self.optimizer_step + 1)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def measure(self, **values):
        """Take in what a batch gave, for the means that are logged.

        Arguments
        ---------
        **values : torch.Tensor
            ``(B,)``, one number an item. ``loss`` must be among them: it chooses
            the checkpoint to keep.
        """
        for name, value in values.items():
            self.measured.setdefault(name, []).append(value.detach().float())

    def on_stage_start(self, stage, epoch=None):
        """Empty what is measured per stage.

        Arguments
        ---------
        stage : sb.Stage
            Training, validation or test.
        epoch : int
            Current epoch.
        """
        self.measured = {}

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log; after validation save a checkpoint.

        Arguments
        ---------
        stage : sb.Stage
            Training, validation or test.
        stage_loss : float
            Not used: a mean over batches, of whatever size.
        epoch : int
            Current epoch.
        """
        stats = {
            name: float(torch.cat(values).mean())
            for name, values in self.measured.items()
        }
        if stage == sb.Stage.TRAIN:
            self.train_stats = {**stats, **self._rates()}
        elif stage == sb.Stage.VALID:
            self._log("Epoch", train_stats=self.train_stats, valid_stats=stats)
            self.checkpointer.save_and_keep_only(
                meta={**stats, "epoch": epoch},
                min_keys=["loss"],
                num_to_keep=1,
                importance_keys=[ckpt_recency],
            )
        else:
            self._log("Epoch loaded", test_stats=stats)

    def _rates(self):
        """Learning rates of the last step, by group."""
        return {
            f"lr_{group['name']}": group["lr"]
            for group in self.optimizer.param_groups
        }

    def _log(self, epoch, **stats):
        """Write a line to the training log."""
        meta = {
            epoch: self.hparams.epoch_counter.current,
            "step": self.optimizer_step,
        }
        self.hparams.train_logger.log_stats(meta, **stats)

    def _should_save_intra_epoch_ckpt(self, last_ckpt_time, steps_since_ckpt):
        """Only where no gradient is half accumulated: it would be lost."""
        due = super()._should_save_intra_epoch_ckpt(
            last_ckpt_time, steps_since_ckpt
        )
        return due and self.step % self.grad_accumulation_factor == 0
