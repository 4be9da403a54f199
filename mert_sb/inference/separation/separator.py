"""Stems of files of any length and rate, from a folder that the recipe left.

The masks are the student's, 75 a second; they are applied to the file at its own rate and
in its own channels. Windows of some seconds follow one another and fade into the next, so
memory is that of a window.

B batch, K stems, C channels, S samples.

Authors
 * The mert_sb developers 2026
"""

import functools
from pathlib import Path

import torch
from speechbrain.inference.interfaces import Pretrained

from mert_sb.audio.channels import resampled, stream_channels
from mert_sb.audio.reader import audio_info
from mert_sb.downstream.separation.family import masked_stems, stem_masks
from mert_sb.downstream.separation.spectrogram import grid_at, stretched
from mert_sb.downstream.separation.windows import (
    separate_windows,
    window_samples,
)
from mert_sb.inference.separation.files import stem_writer
from mert_sb.inference.separation.modules import (
    build_separation_modules,
    build_wiener,
)
from mert_sb.inference.separation.task import read_separation_task
from mert_sb.inference.task_modules import read_source

# What files of other rates are brought to, at least.
COMMON_RATE = 44_100


class Separator(Pretrained):
    """Separates: ``Separator.from_folder("results/separation/1234/inference")``.

    Arguments
    ---------
    modules : dict of str to torch.nn.Module
        ``encoder``, ``mix`` and ``head``.
    hparams : dict
        ``task``, a ``SeparationTask``, and ``wiener``.
    run_opts : dict, optional
        SpeechBrain's options of running.
    freeze_params : bool
        Freeze the parameters and leave the modules in eval mode.

    Example
    -------
    >>> Separator.from_folder("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: task.json of ./absent: ...
    """

    MODULES_NEEDED = ["encoder", "mix", "head"]
    HPARAMS_NEEDED = ["task", "wiener"]

    def __init__(self, modules, hparams, run_opts=None, freeze_params=True):
        super().__init__(modules, hparams, run_opts, freeze_params)
        self.task, self.wiener = self.hparams.task, self.hparams.wiener
        if self.wiener is not None:
            self.wiener.library()

    @classmethod
    def from_folder(
        cls,
        source,
        *,
        wiener=True,
        fetch_config=None,
        run_opts=None,
        freeze_params=True,
    ):
        """Open what the recipe left; no code in it is run.

        Arguments
        ---------
        source : str or pathlib.Path
            Folder or Hub id.
        wiener : bool
            Whether to filter if the folder says so; False: plain masks.
        fetch_config : speechbrain.utils.fetching.FetchConfig, optional
            For the Hub: ``revision``, ``token``, ``allow_network``.
        run_opts : dict, optional
            ``device``, ``precision`` and SpeechBrain's other ones.
        freeze_params : bool
            Freeze the parameters and leave the modules in eval mode.

        Returns
        -------
        Separator
            Ready to use.

        Raises
        ------
        CheckpointError
            If a file is damaged or does not fit the others, or the folder is of
            another task.
        FileNotFoundError
            If a file or the source does not exist.
        ImportError
            If the filter's library is not installed.
        """
        task, fetch_config = read_source(
            source, fetch_config, read_separation_task
        )
        modules = build_separation_modules(task, source, fetch_config)
        hparams = {
            "task": task,
            "sample_rate": task.sample_rate,
            "wiener": build_wiener(task) if wiener else None,
        }
        return cls(modules, hparams, run_opts, freeze_params)

    # SpeechBrain's name for it; there is no YAML, so nothing is built by name.
    from_hparams = from_folder

    def separate_batch(self, wavs, sample_rate=None, *, share_residual=True):
        """Stems of clips.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, C, S)``, of one channel or two.
        sample_rate : int, optional
            Theirs, in Hz; None: the student's.
        share_residual : bool
            As of ``separate_file``.

        Returns
        -------
        torch.Tensor
            ``(B, K, C, S)`` float32 on the CPU; stems in the order of ``task.stems``.

        Raises
        ------
        ValueError
            If shapes are wrong, or samples are not finite.
        """
        if wavs.dim() != 3 or wavs.shape[1] > 2 or not wavs.numel():
            raise ValueError(
                f"wavs: shape {tuple(wavs.shape)}, but (batch, channels, samples) of "
                "one channel or two is wanted"
            )
        if not wavs.isfinite().all():
            raise ValueError("wavs: some samples are NaN or infinite")
        rate = sample_rate or self.task.sample_rate
        stems = [
            torch.cat(list(self._stems([wav], rate, share_residual)), dim=-1)
            for wav in wavs.float().cpu()
        ]
        return torch.stack(stems)

    def separate_file(
        self, path, output_folder, *, share_residual=True, subtype="FLOAT"
    ):
        """Write the stems of a file as WAV files of its rate and channels.

        Arguments
        ---------
        path : str or pathlib.Path
            An audio file of one channel or two.
        output_folder : str or pathlib.Path
            Gets ``<stem>.wav`` of all stems, or nothing if something fails.
        share_residual : bool
            Whether to give what the stems leave of the mixture to them, by their
            power in each bin and frame, so that they add up to it.
        subtype : str
            ``"FLOAT"``, or ``"PCM_24"``: smaller, but clipped at full scale.

        Returns
        -------
        dict of str to pathlib.Path
            By stem.

        Raises
        ------
        DamagedAudioError
            If the file cannot be decoded to its end.
        ValueError
            If it has more channels, or the model gives numbers that are none.

        Example
        -------
        See ``README.md`` of ``recipes/downstream/MUSDB18``.
        """
        info = audio_info(path)
        if info.n_channels > 2:
            raise ValueError(
                f"{path}: {info.n_channels} channels, but one or two are wanted; mix "
                "them down first"
            )
        parts = self._stems(
            stream_channels(path), info.sample_rate, share_residual
        )
        with stem_writer(
            output_folder, self.task.stems, info, subtype
        ) as write:
            for stems in parts:
                if not stems.isfinite().all():
                    raise ValueError(f"{path}: the model gives NaN or infinity")
                write(stems)
        folder = Path(output_folder)
        return {stem: folder / f"{stem}.wav" for stem in self.task.stems}

    # What SpeechBrain's interfaces are called as.
    forward = separate_batch

    def _stems(self, blocks, rate, share_residual):
        """Stems of blocks ``(C, S)``, one after the other."""
        window, overlap = window_samples(
            self.task.window_seconds, self.task.overlap_seconds, rate
        )
        separate = functools.partial(
            self._window, rate=rate, share_residual=share_residual
        )
        yield from separate_windows(
            blocks, separate, window=window, overlap=overlap
        )

    @torch.no_grad()
    def _window(self, wav, start, *, rate, share_residual):
        """Stems ``(K, C, S)`` of a window."""
        own = self.task.sample_rate
        grid = grid_at(rate, own, self.task.n_fft)
        if grid is None:
            return self._elsewhere(wav, start, rate, share_residual)
        mono = resampled(wav.mean(0), rate, own)[None].to(self.device)
        wav = wav.to(self.device)
        with self.inference_ctx:
            masks = stem_masks(self.mods, mono, wav.shape[1] // grid.hop + 1)
        masks = stretched(masks[0], own, rate, grid.n_bins)
        return masked_stems(
            masks, wav, grid, wiener=self.wiener, share_residual=share_residual
        ).cpu()

    def _elsewhere(self, wav, start, rate, share_residual):
        """The same, at a rate on whose samples the student's frames lie."""
        own = self.task.sample_rate
        other = own * -(-COMMON_RATE // own)
        stems = self._window(
            resampled(wav, rate, other),
            start,
            rate=other,
            share_residual=share_residual,
        )
        stems = resampled(stems, other, rate)[..., : wav.shape[1]]
        if share_residual:
            # The little that resampling there and back has cost.
            stems = stems + (wav - stems.sum(0)) / len(stems)
        return stems
