"""The Brain of clip-level tasks: probing on a cache or on audio, and fine-tuning.

B batch, N states, D width, C outputs.

Authors
 * The mert_sb developers 2026
"""

import csv

import numpy as np
import speechbrain as sb

from mert_sb.downstream.cached import CachedClips, as_it_is
from mert_sb.downstream.lengths import encode_by_length
from mert_sb.downstream.task_brain import TaskBrain
from mert_sb.writing import whole


class ClipBrain(TaskBrain):
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

    HPARAMS_NEEDED = (*TaskBrain.HPARAMS_NEEDED, "labels")

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        # As it is before several processes wrap it.
        self.mix = self.modules.mix

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
            states = encode_by_length(self.modules.encoder, *batch.sig)
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

    def measured(self):
        """The family's metrics of tracks.

        Returns
        -------
        dict of str to float
            By name.
        """
        return self.hparams.family.measure(*self._gathered())

    def facts(self):
        """What the mix has learned, and what the outputs are called.

        Returns
        -------
        dict of str to list
            ``weights_of_states``, and ``labels`` where the recipe names them.
        """
        facts = {"weights_of_states": self.mix.weights.tolist()}
        if self.hparams.labels is not None:
            facts["labels"] = self.hparams.labels
        return facts

    def _gathered(self):
        """All outputs and targets of the stage, and the tracks they are of."""
        outputs, targets, tracks = zip(*self.outputs, strict=True)
        return (
            np.concatenate(outputs),
            np.concatenate(targets),
            [track for part in tracks for track in part],
        )

    def write_predictions(self, folder):
        """A row for each track: its target, then its outputs.

        Arguments
        ---------
        folder : pathlib.Path
            Where ``predictions.csv`` goes.
        """
        outputs, targets, tracks = self._gathered()
        means, targets = self.hparams.family.per_track(outputs, targets, tracks)
        names = list(dict.fromkeys(tracks))
        path = folder / "predictions.csv"
        with (
            whole(path) as aside,
            open(aside, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            for name, target, output in zip(names, targets, means, strict=True):
                numbers = [f"{number:.6g}" for number in output]
                writer.writerow(
                    [name, *np.atleast_1d(target).tolist(), *numbers]
                )
