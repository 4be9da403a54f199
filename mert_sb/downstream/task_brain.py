"""The Brain of all tasks: what decides, what is kept, what is written.

Early stopping and plateau schedule follow the benchmark (arXiv 2306.10548, appendix A):
a metric of the validation set decides.

Authors
 * The mert_sb developers 2026
"""

import json
import time
from pathlib import Path

import speechbrain as sb
from speechbrain.utils.checkpoints import ckpt_recency
from speechbrain.utils.distributed import ddp_broadcast, if_main_process

from mert_sb.downstream.base import Base
from mert_sb.downstream.epoch_losses import EpochLosses
from mert_sb.downstream.group_brain import GroupBrain
from mert_sb.writing import whole

# In a checkpoint's meta: its epoch, if its metric was the best so far, else 0.
IMPROVED = "improved_at"
# An epoch of a cached probe is shorter than the writing of a checkpoint: one that is
# neither the best nor the last is saved if so long nothing was.
SAVE_SECONDS = 15.0


class TaskBrain(GroupBrain):
    """Trains a head, and the upstream too if ``modules`` has it unfrozen.

    A subclass adds ``compute_forward`` and ``compute_objectives``, which appends the
    losses of a batch to ``losses`` and, outside training, what is to be measured to
    ``outputs``; ``measured`` and ``write_predictions``.

    Arguments
    ---------
    modules : dict
        What is trained; ``encoder``, an upstream, where batches bring audio.
    opt_class : callable
        Builds the optimizer from parameter groups.
    hparams : dict
        With the keys of ``HPARAMS_NEEDED``.
    run_opts : speechbrain.RunOptions
        From the command line.
    checkpointer : CompleteCheckpointer
        Saves and resumes.

    Example
    -------
    See ``ClipBrain``.
    """

    HPARAMS_NEEDED = (
        *GroupBrain.HPARAMS_NEEDED,
        "family",
        "plateau",
        "train_logger",
        "output_folder",
        # Of clip-level tasks; in the YAML that all tasks share.
        "cache",
    )

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        if "encoder" in modules:
            checkpointer.add_recoverable("base", Base(modules["encoder"]))
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        self.losses, self.outputs, self.results = EpochLosses(), [], {}
        checkpointer.add_recoverable("losses", self.losses, optional_load=True)
        self.saved_at = time.monotonic()

    def measured(self):
        """Metrics of what the stage has put into ``outputs``.

        Returns
        -------
        dict of str to float
            The family's ``MONITOR`` among them.
        """
        raise NotImplementedError("a task has its own metrics")

    def facts(self):
        """What ``results.json`` says beside metrics.

        Returns
        -------
        dict
            For JSON.
        """
        return {}

    def write_predictions(self, folder):
        """Write what was predicted for the test set.

        Arguments
        ---------
        folder : pathlib.Path
            Beside ``results.json``.
        """
        raise NotImplementedError("a task has its own predictions")

    def init_optimizers(self):
        """The optimizer and its plateau schedule, which follows the metric."""
        super().init_optimizers()
        self.plateau = self.hparams.plateau(self.optimizer)
        self.checkpointer.add_recoverable("plateau", self.plateau)

    def on_evaluate_start(self, max_key=None, min_key=None):
        """Take the checkpoint of the best validation metric.

        Arguments
        ---------
        max_key : str
            Not used; the family's metric is.
        min_key : str
            Not used.
        """
        super().on_evaluate_start(max_key=IMPROVED)

    def on_stage_start(self, stage, epoch=None):
        """Forget the last stage.

        Arguments
        ---------
        stage : sb.Stage
            Training, validation or test.
        epoch : int
            Current epoch.
        """
        self.outputs = []
        # A stopped epoch goes on.
        if stage != sb.Stage.TRAIN or self.step == 0:
            self.losses.clear()

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Measure, log, save.

        Arguments
        ---------
        stage : sb.Stage
            Training, validation or test.
        stage_loss : float
            Not used: a mean over batches, of whatever size.
        epoch : int
            Current epoch.
        """
        stats = {"loss": self.losses.mean()}
        if stage == sb.Stage.TRAIN:
            self.train_stats = {**stats, **self.rates()}
            self.train_stats["skipped"] = self.skips.read()
            return
        stats |= self.measured()
        if stage == sb.Stage.VALID:
            self._after_validation(stats, epoch)
        else:
            self._after_test(stats)

    def _after_validation(self, stats, epoch):
        """Log; lower rates, stop or save as the metric says."""
        monitor, epochs = (
            self.hparams.family.MONITOR,
            self.hparams.epoch_counter,
        )
        self.plateau.step(stats[monitor])
        epochs.update_metric(stats[monitor])
        self.write_stats(
            self.hparams.train_logger,
            {"Epoch": epoch},
            train_stats=self.train_stats,
            valid_stats=stats,
        )
        # Clocks differ, and all processes save or none.
        due = ddp_broadcast(time.monotonic() - self.saved_at > SAVE_SECONDS)
        if not (due or epochs.improved or epochs.ended):
            return
        self.checkpointer.save_and_keep_only(
            # The first of equal metrics stays.
            meta={
                **stats,
                "epoch": epoch,
                IMPROVED: epoch if epochs.improved else 0,
            },
            max_keys=[IMPROVED],
            num_to_keep=1,
            importance_keys=[ckpt_recency],
        )
        self.saved_at = time.monotonic()

    def _after_test(self, stats):
        """Log; write the predictions and ``results.json``."""
        best = self.checkpointer.find_checkpoint(max_key=IMPROVED)
        valid = {name: best.meta[name] for name in stats}
        stats = self.hparams.family.conclude(valid, stats)
        self.results = {
            "valid": valid,
            "test": stats,
            "epoch": best.meta["epoch"],
            **self.facts(),
            "setup": self.checkpointer.recoverables["setup"].settings,
        }
        self.write_stats(
            self.hparams.train_logger,
            {"Epoch loaded": best.meta["epoch"]},
            test_stats=stats,
        )
        # A debug run must not replace what a real one wrote.
        if if_main_process() and not self.debug:
            folder = Path(self.hparams.output_folder)
            self.write_predictions(folder)
            # Last and whole: a grid takes what is there for finished.
            text = json.dumps(self.results, indent=2) + "\n"
            with whole(folder / "results.json") as aside:
                aside.write_text(text, encoding="utf-8")
