"""Beats of songs of any length, from a folder that ``train_beats.py`` left.

A file as long as the recipe's clips, or shorter, is looked at as the recipe does. A
longer one is cut into windows of that length, as ``MusicEncoder`` cuts it; only their
activations, two numbers a frame, are kept, and decoded in one go.

B batch, S samples, T frames, N beats, K downbeats.

Authors
 * The mert_sb developers 2026
"""

from itertools import islice

import numpy as np
import torch
from speechbrain.inference.interfaces import Pretrained

from mert_sb import frames
from mert_sb.downstream.beats.metrics import tempo
from mert_sb.downstream.beats.targets import bar_positions
from mert_sb.downstream.tail import add_tail
from mert_sb.downstream.upstreams import FrameStates
from mert_sb.inference.beats.files import TrackedBeats
from mert_sb.inference.beats.modules import build_beat_modules
from mert_sb.inference.beats.task import build_decoder, read_beat_task
from mert_sb.inference.chunks import plan_file, plan_windows
from mert_sb.inference.features import check_wavs
from mert_sb.inference.files import OVERLAP_SECONDS, enough_overlap
from mert_sb.inference.task_modules import read_source
from mert_sb.student.statistics import WavStatistics


class BeatTracker(Pretrained):
    """Tracks beats: ``BeatTracker.from_folder("results/beat/1234/inference")``.

    Arguments
    ---------
    modules : dict of str to torch.nn.Module
        ``upstream``, ``mix`` and ``head``.
    hparams : dict
        ``task``, a ``BeatTask``, and ``decoder``.
    run_opts : dict, optional
        SpeechBrain's options of running.
    freeze_params : bool
        Freeze the parameters and leave the modules in eval mode.

    Example
    -------
    >>> BeatTracker.from_folder("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: task.json of ./absent: ...
    """

    MODULES_NEEDED = ["upstream", "mix", "head"]
    HPARAMS_NEEDED = ["task", "decoder"]

    def __init__(self, modules, hparams, run_opts=None, freeze_params=True):
        super().__init__(modules, hparams, run_opts, freeze_params)
        self.task = self.hparams.task
        # Of activations, whatever the student joins: its states are interpolated.
        self.frame_rate = frames.frame_rate(self.task.sample_rate)
        upstream, self.subsample = self.mods["upstream"], 1
        overlap = OVERLAP_SECONDS
        if isinstance(upstream, FrameStates):
            self.subsample = upstream.subsample
            overlap = enough_overlap(upstream.settings)
        self.overlap_seconds = min(overlap, self.task.clip_seconds / 2)

    @classmethod
    def from_folder(
        cls, source, *, fetch_config=None, run_opts=None, freeze_params=True
    ):
        """Open what the recipe left; no code in it is run.

        Arguments
        ---------
        source : str or pathlib.Path
            Folder or Hub id.
        fetch_config : speechbrain.utils.fetching.FetchConfig, optional
            For the Hub: ``revision``, ``token``, ``allow_network``.
        run_opts : dict, optional
            ``device``, ``precision`` and SpeechBrain's other ones.
        freeze_params : bool
            Freeze the parameters and leave the modules in eval mode.

        Returns
        -------
        BeatTracker
            Ready to use.

        Raises
        ------
        CheckpointError
            If a file is damaged, of another task, or does not fit the others.
        FileNotFoundError
            If a file or the source does not exist.
        """
        task, fetch_config = read_source(source, fetch_config, read_beat_task)
        hparams = {
            "task": task,
            "decoder": build_decoder(task, f"task.json of {source}"),
        }
        modules = build_beat_modules(task, source, fetch_config)
        return cls(modules, hparams, run_opts, freeze_params)

    # SpeechBrain's name for it; there is no YAML, so nothing is built by name.
    from_hparams = from_folder

    @torch.no_grad()
    def activations_batch(self, wavs, statistics=None):
        """Probabilities of a beat and of a downbeat in each frame.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` at the task's rate, all valid.
        statistics : mert_sb.student.statistics.WavStatistics, optional
            Of the files that the clips are windows of.

        Returns
        -------
        numpy.ndarray
            ``(B, T, 2)``.

        Raises
        ------
        ValueError
            If shapes or numbers are wrong, or the model gives NaN or infinity.
        """
        check_wavs(wavs)
        wavs = wavs.float().to(self.device)
        with self.inference_ctx:
            states = self._states(wavs, statistics)
            logits = self.mods["head"](self.mods["mix"](states)).float()
        if not logits.isfinite().all():
            raise ValueError("the model gives NaN or infinity")
        return logits.sigmoid().cpu().numpy()

    def _states(self, wavs, statistics):
        """States ``(B, N, T, D)``."""
        upstream = self.mods["upstream"]
        if statistics is None or not isinstance(upstream, FrameStates):
            return upstream(wavs)
        return upstream(wavs, statistics=statistics.to(self.device))

    def activations_file(self, path, *, batch_size=1):
        """Probabilities as of ``activations_batch``, of a file.

        Arguments
        ---------
        path : str or pathlib.Path
            An audio file of any rate, length and number of channels.
        batch_size : int
            Windows at once.

        Returns
        -------
        numpy.ndarray
            ``(T, 2)``; frame t is at t over the frame rate seconds.

        Raises
        ------
        DamagedAudioError
            If the file cannot be decoded to its end.
        ValueError
            If it is shorter than a frame, the model gives NaN, or ``batch_size`` is
            no number from 1.
        """
        if type(batch_size) is not int or batch_size < 1:
            raise ValueError(f"batch_size: {batch_size}, not a number from 1")
        plan = plan_file(
            path,
            sample_rate=self.task.sample_rate,
            chunk_seconds=self.task.clip_seconds,
            overlap_seconds=self.overlap_seconds,
            subsample=self.subsample,
        )
        source = plan_windows(plan)
        if len(plan.windows) == 1:
            _, wav = next(source)
            return self.activations_batch(add_tail(wav)[None])[0]
        kept = []
        while batch := list(islice(source, batch_size)):
            indices, wavs = zip(*batch, strict=True)
            statistics = WavStatistics.stack([plan.statistics] * len(batch))
            rows = self.activations_batch(torch.stack(wavs), statistics)
            for index, row in zip(indices, rows, strict=True):
                window, joined = plan.windows[index], plan.subsample
                kept.append(row[window.first * joined : window.stop * joined])
        return np.concatenate(kept)

    def decode(self, activations):
        """Beats of activations.

        Arguments
        ---------
        activations : numpy.ndarray
            ``(T, 2)``.

        Returns
        -------
        TrackedBeats
            Of these frames.
        """
        beats, downbeats = self.hparams.decoder(activations, self.frame_rate)
        positions = bar_positions(beats, downbeats)
        return TrackedBeats(beats, downbeats, positions, tempo(beats))

    def track_file(self, path, *, batch_size=1):
        """Beats of a file of any length.

        Arguments
        ---------
        path : str or pathlib.Path
            An audio file.
        batch_size : int
            Windows at once.

        Returns
        -------
        TrackedBeats
            In seconds from the start of the file.
        """
        return self.decode(self.activations_file(path, batch_size=batch_size))

    def track_batch(self, wavs, wav_lens=None):
        """Beats of clips, each as if it were alone.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` at the task's rate.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip, in (0, 1].

        Returns
        -------
        list of TrackedBeats
            One a clip.
        """
        check_wavs(wavs, wav_lens)
        lengths = [wavs.shape[1]] * len(wavs)
        if wav_lens is not None:
            lengths = (wav_lens * wavs.shape[1]).round().long().tolist()
        # One by one: padding would move a norm.
        return [
            self.decode(self.activations_batch(add_tail(wav[:n])[None])[0])
            for wav, n in zip(wavs, lengths, strict=True)
        ]

    # SpeechBrain's interfaces are called with clips.
    forward = track_batch
