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

from mert_sb.downstream.base import Base, insert_adapters
from mert_sb.downstream.group_brain import GroupBrain


class DownstreamBrain(GroupBrain):
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
        *GroupBrain.HPARAMS_NEEDED,
        "pretrainer",
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
        self.measured, self.train_stats = {}, {}

    def follow_schedule(self):
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
            self.train_stats = {**stats, **self.rates()}
            self.train_stats["skipped"] = self.skips.read()
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

    def _log(self, epoch, **stats):
        """Write a line to the training log."""
        meta = {
            epoch: self.hparams.epoch_counter.current,
            "step": self.optimizer_step,
        }
        self.write_stats(self.hparams.train_logger, meta, **stats)
