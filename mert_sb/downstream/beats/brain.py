"""The Brain of beat tracking: outputs of frames, then beats, then scores of files.

B batch, N states, T frames, D width.

Authors
 * The mert_sb developers 2026
"""

import csv

import speechbrain as sb

from mert_sb import frames
from mert_sb.downstream.beats.excerpt import cut_excerpt, write_excerpt
from mert_sb.downstream.beats.targets import bar_positions, write_beats
from mert_sb.downstream.task_brain import TaskBrain
from mert_sb.writing import whole


class BeatBrain(TaskBrain):
    """Trains a head on each frame, and the upstream too if it is unfrozen.

    Arguments
    ---------
    modules : dict
        ``encoder``, whose states are of frames, ``mix`` and ``head``.
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
    See ``recipes/downstream/GTZAN/train_beats.py``.
    """

    HPARAMS_NEEDED = (*TaskBrain.HPARAMS_NEEDED, "sample_rate")

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        # As it is before several processes wrap it.
        self.mix = self.modules.mix
        self.frame_rate = frames.frame_rate(self.hparams.sample_rate)
        self.excerpt = None

    def compute_forward(self, batch, stage):
        """Logits of beat and downbeat, ``(B, T, 2)``.

        Arguments
        ---------
        batch : object
            With ``sig``.
        stage : sb.Stage
            Not used.

        Returns
        -------
        torch.Tensor
            ``(B, T, 2)``.
        """
        wavs, wav_lens = batch.to(self.device).sig
        states = self.modules.encoder(wavs, wav_lens)
        return self.modules.head(self.modules.mix(states))

    def compute_objectives(self, outputs, batch, stage):
        """The family's loss; outside training beats are decoded and kept.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(B, T, 2)``.
        batch : object
            With ``target`` ``(B, T, 2)``, ``track``, ``beats`` and ``downbeats``.
        stage : sb.Stage
            Training, validation or test.

        Returns
        -------
        torch.Tensor
            Mean of the batch.
        """
        targets, shares = batch.target
        n_frames = (shares * targets.shape[1]).round().long()
        losses = self.hparams.family.loss(outputs, targets, n_frames)
        self.losses.append(losses.detach())
        if stage != sb.Stage.TRAIN:
            activations = outputs.detach().float().sigmoid().cpu().numpy()
            rows = zip(
                batch.track,
                activations,
                n_frames.tolist(),
                batch.beats,
                batch.downbeats,
                strict=True,
            )
            for track, row, length, *reference in rows:
                estimate = self.hparams.family.decode(
                    row[:length], self.frame_rate
                )
                # Of a clip whose downbeats are not known only beats are scored.
                known = tuple(times or [] for times in reference)
                self.outputs.append((track, estimate, known))
        first = len(self.outputs) == len(batch.track)
        if stage == sb.Stage.TEST and first:
            self.excerpt = self._excerpt(batch, activations[0], n_frames[0])
        return losses.mean()

    def _excerpt(self, batch, activations, n_frames):
        """The beginning of the test's first file, whichever it is."""
        track, estimate, reference = self.outputs[0]
        return cut_excerpt(
            track,
            batch.sig.data[0],
            self.hparams.sample_rate,
            activations[: int(n_frames)],
            estimate,
            reference,
        )

    def measured(self):
        """The family's metrics over all files.

        Returns
        -------
        dict of str to float
            By name.
        """
        _, estimates, references = zip(*self.outputs, strict=True)
        return self.hparams.family.measure(estimates, references)

    def facts(self):
        """What the mix has learned.

        Returns
        -------
        dict of str to list
            ``weights_of_states``.
        """
        return {"weights_of_states": self.mix.weights.tolist()}

    def write_predictions(self, folder):
        """The beats of each file, and its scores.

        Arguments
        ---------
        folder : pathlib.Path
            Gets ``beats/<track>.beats``, ``predictions.csv`` and ``excerpt.npz``.
        """
        write_excerpt(folder / "excerpt.npz", self.excerpt)
        (folder / "beats").mkdir(exist_ok=True)
        rows = []
        for track, (beats, downbeats), reference in self.outputs:
            positions = bar_positions(beats, downbeats)
            with whole(folder / "beats" / f"{track}.beats") as aside:
                write_beats(aside, beats, positions)
            scores = self.hparams.family.measure(
                [(beats, downbeats)], [reference]
            )
            rows.append({"track": track, **scores})
        path = folder / "predictions.csv"
        with (
            whole(path) as aside,
            open(aside, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
