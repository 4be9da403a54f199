"""The Brain of source separation: random mixes in training, whole songs in testing.

B batch, K stems, C channels, S samples.

Authors
 * The mert_sb developers 2026
"""

import csv

import speechbrain as sb
import torch

from mert_sb.downstream.separation.family import masked_stems, stem_masks
from mert_sb.downstream.separation.metrics import (
    BSS_METRICS,
    bss_library,
    bss_medians,
    finite_median,
    song_scores,
)
from mert_sb.downstream.separation.spectrogram import Grid, magnitude, spectrum
from mert_sb.downstream.separation.windows import (
    separate_windows,
    window_samples,
)
from mert_sb.downstream.task_brain import TaskBrain
from mert_sb.frames import HOP_LENGTH
from mert_sb.writing import whole


class SeparationBrain(TaskBrain):
    """Trains a mask for each stem; songs are separated window by window.

    Arguments
    ---------
    modules : dict
        ``encoder``, an upstream of frames, ``mix`` and ``head``.
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
    ImportError
        If a library that the YAML asks for is not installed.
    ValueError
        If songs would come in batches, or windows are impossible.

    Example
    -------
    See ``recipes/downstream/MUSDB18/train.py``.
    """

    HPARAMS_NEEDED = (
        *TaskBrain.HPARAMS_NEEDED,
        "sample_rate",
        "n_fft",
        "wiener",
        "window_seconds",
        "overlap_seconds",
        "museval",
    )

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        if hparams["valid_dataloader_opts"]["batch_size"] != 1:
            raise ValueError(
                "valid_dataloader_opts: batch_size must be 1; songs differ in length"
            )
        if hparams["wiener"] is not None:
            hparams["wiener"].library()
        if hparams["museval"]:
            bss_library()
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        # As it is before several processes wrap it.
        self.mix = self.modules.mix
        self.grid = Grid(self.hparams.n_fft, HOP_LENGTH)
        self.window = window_samples(
            self.hparams.window_seconds,
            self.hparams.overlap_seconds,
            self.hparams.sample_rate,
        )
        self.medians = []

    def compute_forward(self, batch, stage):
        """Magnitudes in training, else a song's separated stems.

        Arguments
        ---------
        batch : object
            With ``stems`` ``(B, K, C, S)`` and, of a song, ``mixture`` ``(1, C, S)``.
        stage : sb.Stage
            Training, validation or test.

        Returns
        -------
        tuple of (torch.Tensor, torch.Tensor)
            In training estimated and true magnitudes ``(B, K, F, T)``; else estimated
            stems ``(K, C, S)`` on the CPU, and the loss ``(1,)``.
        """
        if stage == sb.Stage.TRAIN:
            stems = batch.stems.data.to(self.device)
            masks, estimates, targets = self._magnitudes(stems.sum(1), stems)
            return estimates, targets
        return self._song(batch.mixture.data[0], batch.stems.data[0])

    def compute_objectives(self, outputs, batch, stage):
        """Squared error of magnitudes; outside training songs are scored.

        Arguments
        ---------
        outputs : tuple of (torch.Tensor, torch.Tensor)
            From ``compute_forward``.
        batch : object
            With ``track``, and what ``compute_forward`` takes.
        stage : sb.Stage
            Training, validation or test.

        Returns
        -------
        torch.Tensor
            Mean of the batch.
        """
        if stage == sb.Stage.TRAIN:
            losses = self.hparams.family.loss(*outputs)
        else:
            estimates, losses = outputs
            self._score(estimates, batch, stage)
        self.losses.append(losses.detach())
        return losses.mean()

    def measured(self):
        """The family's means over songs and stems.

        Returns
        -------
        dict of str to float
            By name.
        """
        return self.hparams.family.measure(self.outputs)

    def facts(self):
        """What the mixes have learned, and BSS eval's medians where asked for.

        Returns
        -------
        dict
            ``weights_of_states`` by stem; ``bss_eval``, medians over songs.
        """
        stems = self.hparams.family.stems
        weights = dict(zip(stems, self.mix.weights.tolist(), strict=True))
        facts = {"weights_of_states": weights}
        if self.hparams.museval:
            facts["bss_eval"] = {
                stem: _medians([song[k] for song in self.medians])
                for k, stem in enumerate(stems)
            }
        return facts

    def write_predictions(self, folder):
        """A row for each song and stem: its SDR, and the mixture's.

        Arguments
        ---------
        folder : pathlib.Path
            Where ``predictions.csv`` goes.
        """
        path = folder / "predictions.csv"
        with (
            whole(path) as aside,
            open(aside, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["track", "stem", "sdr", "mixture_sdr"])
            for song in self.outputs:
                for stem, sdr in song["sdr"].items():
                    numbers = sdr, song["mixture_sdr"][stem]
                    cells = (
                        "silent" if n is None else f"{n:.4f}" for n in numbers
                    )
                    writer.writerow([song["track"], stem, *cells])

    def on_stage_start(self, stage, epoch=None):
        """Forget the last stage.

        Arguments
        ---------
        stage : sb.Stage
            Training, validation or test.
        epoch : int
            Current epoch.
        """
        super().on_stage_start(stage, epoch)
        self.medians = []

    def _magnitudes(self, mixtures, stems):
        """Masks ``(B, K, F, T)``, magnitudes by them, and true magnitudes."""
        magnitudes = magnitude(spectrum(mixtures, self.grid))
        masks = stem_masks(self.modules, mixtures.mean(1), magnitudes.shape[-1])
        targets = magnitude(spectrum(stems, self.grid))
        return masks, masks * magnitudes[:, None], targets

    def _song(self, mixture, stems):
        """Stems of a song ``(K, C, S)``, and its loss ``(1,)``."""
        losses, weights = [], []

        def separate(wav, start):
            wav = wav.to(self.device)
            true = stems[..., start : start + wav.shape[1]].to(self.device)
            masks, *pair = self._magnitudes(wav[None], true[None])
            losses.append(self.hparams.family.loss(*pair))
            weights.append(wav.shape[1])
            return masked_stems(
                masks[0], wav, self.grid, wiener=self.hparams.wiener
            ).cpu()

        window, overlap = self.window
        parts = separate_windows(
            [mixture], separate, window=window, overlap=overlap
        )
        estimates = torch.cat(list(parts), dim=-1)
        weights = torch.tensor(weights, device=self.device) / sum(weights)
        return estimates, (torch.cat(losses) * weights).sum()[None]

    def _score(self, estimates, batch, stage):
        """Keep a song's scores."""
        true, track = batch.stems.data[0].cpu(), batch.track[0]
        mixture = batch.mixture.data[0].cpu()
        stems = self.hparams.family.stems
        self.outputs.append(song_scores(track, stems, true, estimates, mixture))
        if stage == sb.Stage.TEST and self.hparams.museval:
            rate = self.hparams.sample_rate
            self.medians.append(bss_medians(true, estimates, rate))


def _medians(songs):
    """Medians over the songs in which a stem is heard."""
    heard = [song for song in songs if song is not None]
    if not heard:
        return None
    return {
        key: finite_median([s[key] for s in heard if s[key] is not None])
        for key in BSS_METRICS
    }
