"""The Brain of clip-level tasks: probing on a cache or on audio, and fine-tuning.

Early stopping and plateau schedule follow the benchmark (arXiv 2306.10548, appendix A):
a metric of validation tracks decides.

B batch, N states, D width, C outputs.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
from pathlib import Path

import numpy as np
import speechbrain as sb
import torch
from speechbrain.utils.checkpoints import ckpt_recency
from speechbrain.utils.distributed import if_main_process

from mert_sb.downstream.base import Base
from mert_sb.downstream.cached import CachedClips, as_it_is
from mert_sb.downstream.group_brain import GroupBrain

# In a checkpoint's meta: its epoch, if its metric was the best so far, else 0.
IMPROVED = "improved_at"


class ClipBrain(GroupBrain):
    """Trains a probe, and the upstream too if ``modules`` has it unfrozen.

    Arguments
    ---------
    modules : dict
        ``mix`` and ``head``; ``encoder``, an upstream, where batches bring audio
        (``sig``) instead of cached states (``states``).
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
    See ``recipes/downstream/GTZAN/train.py``.
    """

    HPARAMS_NEEDED = (
        *GroupBrain.HPARAMS_NEEDED,
        "family",
        "plateau",
        "train_logger",
        "output_folder",
    )

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        if "encoder" in modules:
            checkpointer.add_recoverable("base", Base(modules["encoder"]))
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        # As it is before several processes wrap it.
        self.mix = self.modules.mix
        self.losses, self.outputs, self.results = [], [], {}

    def make_dataloader(
        self, dataset, stage, ckpt_prefix="dataloader-", **loader_kwargs
    ):
        """A loader; of cached states, one that gathers whole batches.

        Arguments
        ---------
        dataset : Dataset
            Of audio, or of cached states.
        stage : sb.Stage
            Training, validation or test.
        ckpt_prefix : str, optional
            As of SpeechBrain's.
        **loader_kwargs : dict
            As of SpeechBrain's.

        Returns
        -------
        DataLoader
            As of SpeechBrain's.
        """
        if isinstance(dataset, CachedClips):
            dataset.keep(self.mix.layer)
            loader_kwargs["collate_fn"] = as_it_is
        return super().make_dataloader(
            dataset, stage, ckpt_prefix, **loader_kwargs
        )

    def compute_forward(self, batch, stage):
        """Outputs ``(B, C)``.

        Arguments
        ---------
        batch : object
            With ``states`` ``(B, N, D)`` or, chosen already, ``(B, D)``; or ``sig``.
        stage : sb.Stage
            Not used.

        Returns
        -------
        torch.Tensor
            ``(B, C)``.
        """
        batch = batch.to(self.device)
        if "encoder" in self.modules:
            wavs, wav_lens = batch.sig
            states = self.modules.encoder(wavs, wav_lens)
        else:
            states = batch.states.float()
        # One state alone was chosen where it was read.
        features = self.modules.mix(states) if states.dim() == 3 else states
        return self.modules.head(features)

    def compute_objectives(self, outputs, batch, stage):
        """The family's loss; outside training outputs are kept for the metrics.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(B, C)``.
        batch : object
            With ``target`` and ``track``.
        stage : sb.Stage
            Training, validation or test.

        Returns
        -------
        torch.Tensor
            Mean of the batch.
        """
        # Tags come padded, as a pair of data and lengths; nothing is to be padded.
        targets = batch.target.data.to(self.device)
        losses = self.hparams.family.loss(outputs, targets)
        self.losses.append(losses.detach())
        if stage != sb.Stage.TRAIN:
            kept = outputs.detach().float().cpu().numpy()
            self.outputs.append(
                (kept, targets.cpu().numpy(), list(batch.track))
            )
        return losses.mean()

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
        self.losses, self.outputs = [], []

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
        stats = {"loss": float(torch.cat(self.losses).mean())}
        if stage == sb.Stage.TRAIN:
            self.train_stats = {**stats, **self.rates()}
            return
        outputs, targets, tracks = self._gathered()
        stats |= self.hparams.family.measure(outputs, targets, tracks)
        if stage == sb.Stage.VALID:
            self._after_validation(stats, epoch)
        else:
            self._after_test(stats, outputs, targets, tracks)

    def _gathered(self):
        """All outputs and targets of the stage, and the tracks they are of."""
        outputs, targets, tracks = zip(*self.outputs, strict=True)
        return (
            np.concatenate(outputs),
            np.concatenate(targets),
            [track for part in tracks for track in part],
        )

    def _after_validation(self, stats, epoch):
        """Log; lower rates, stop or save as the metric says."""
        monitor = self.hparams.family.MONITOR
        self.plateau.step(stats[monitor])
        self.hparams.epoch_counter.update_metric(stats[monitor])
        self.hparams.train_logger.log_stats(
            {"Epoch": epoch},
            train_stats=self.train_stats,
            valid_stats=stats,
        )
        self.checkpointer.save_and_keep_only(
            # The first of equal metrics stays.
            meta={
                **stats,
                "epoch": epoch,
                IMPROVED: epoch if self.hparams.epoch_counter.improved else 0,
            },
            max_keys=[IMPROVED],
            num_to_keep=1,
            importance_keys=[ckpt_recency],
        )

    def _after_test(self, stats, outputs, targets, tracks):
        """Log; write ``results.json`` and ``predictions.csv``."""
        best = self.checkpointer.find_checkpoint(max_key=IMPROVED)
        valid = {name: best.meta[name] for name in stats}
        stats = self.hparams.family.conclude(valid, stats)
        self.results = {
            "valid": valid,
            "test": stats,
            "epoch": best.meta["epoch"],
            "weights_of_states": self.mix.weights.tolist(),
        }
        self.hparams.train_logger.log_stats(
            {"Epoch loaded": best.meta["epoch"]}, test_stats=stats
        )
        # A debug run must not replace what a real one wrote.
        if if_main_process() and not self.debug:
            folder = Path(self.hparams.output_folder)
            self._write_predictions(folder, outputs, targets, tracks)
            # Last and whole: a grid takes what is there for finished.
            text = json.dumps(self.results, indent=2) + "\n"
            temporary = folder / ".results.json"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(folder / "results.json")

    def _write_predictions(self, folder, outputs, targets, tracks):
        """A row for each track: its target, then its outputs."""
        means, targets = self.hparams.family.per_track(outputs, targets, tracks)
        names = list(dict.fromkeys(tracks))
        path = folder / "predictions.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            for name, target, output in zip(names, targets, means, strict=True):
                numbers = [f"{number:.6g}" for number in output]
                writer.writerow(
                    [name, *np.atleast_1d(target).tolist(), *numbers]
                )
