"""What the classes for tasks share: opening a folder, and going through files.

B batch, S samples, n clips of a file, C outputs.

Authors
 * The mert_sb developers 2026
"""

from itertools import groupby, islice

import torch
from speechbrain.dataio.preprocess import AudioNormalizer
from speechbrain.inference.interfaces import Pretrained

from mert_sb.downstream.lengths import encode_by_length
from mert_sb.inference.cutting import stream_clips
from mert_sb.inference.features import check_wavs
from mert_sb.inference.task_card import INTERFACES
from mert_sb.inference.task_modules import build_modules, read_source


class TaskInterface(Pretrained):
    """What all tasks' classes do; one of theirs opens a folder.

    Arguments
    ---------
    modules : dict of str to torch.nn.Module
        ``upstream``, ``mix`` and ``head``.
    hparams : dict
        ``task``, a ``Task``.
    run_opts : dict, optional
        SpeechBrain's options of running.
    freeze_params : bool
        Freeze the parameters and leave the modules in eval mode.

    Example
    -------
    >>> TaskInterface.from_folder("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: task.json of ./absent: ...
    """

    MODULES_NEEDED = ["upstream", "mix", "head"]
    HPARAMS_NEEDED = ["task"]
    # Of the folders that a class opens.
    FAMILIES = ()
    # Whether predictions are sorted, the highest first.
    RANKED = True

    def __init__(self, modules, hparams, run_opts=None, freeze_params=True):
        super().__init__(modules, hparams, run_opts, freeze_params)
        self.task = self.hparams.task

    @classmethod
    def from_folder(
        cls, source, *, fetch_config=None, run_opts=None, freeze_params=True
    ):
        """Open what a recipe left; no code in it is run.

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
        TaskInterface
            Of this class, ready to use.

        Raises
        ------
        CheckpointError
            If a file is damaged or does not fit the others.
        FileNotFoundError
            If a file or the source does not exist.
        ValueError
            If the folder is for another class.
        """
        task, fetch_config = read_source(source, fetch_config)
        if task.family not in cls.FAMILIES:
            raise ValueError(
                f"{source}: its family is {task.family}, {cls.__name__} is for "
                f"{' and '.join(cls.FAMILIES) or 'none'}; open it with "
                f"{INTERFACES[task.family][0]}"
            )
        hparams = {
            "task": task,
            "sample_rate": task.sample_rate,
            "audio_normalizer": AudioNormalizer(
                task.sample_rate, mix="avg-to-mono"
            ),
        }
        modules = build_modules(task, source, fetch_config)
        return cls(modules, hparams, run_opts, freeze_params)

    # SpeechBrain's name for it; there is no YAML, so nothing is built by name.
    from_hparams = from_folder

    @torch.no_grad()
    def outputs_batch(self, wavs, wav_lens=None):
        """Outputs of clips, as the probe gives them.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` at the task's rate; the clips are not cut.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip, in (0, 1].

        Returns
        -------
        torch.Tensor
            ``(B, C)`` float32: logits, or scaled numbers of a regression.
        """
        check_wavs(wavs, wav_lens)
        wavs = wavs.float().to(self.device)
        if wav_lens is not None:
            wav_lens = wav_lens.to(self.device)
        with self.inference_ctx:
            states = encode_by_length(self.mods["upstream"], wavs, wav_lens)
            # The probe has seen states of a cache, which rounds them.
            states = states.to(getattr(torch, self.task.states_dtype)).float()
            return self.mods["head"](self.mods["mix"](states)).float()

    def outputs_file(self, path, *, batch_size=8):
        """Outputs of a file's clips, which are cut as training cut them.

        Arguments
        ---------
        path : str or pathlib.Path
            An audio file of any rate and number of channels.
        batch_size : int
            Clips at once.

        Returns
        -------
        torch.Tensor
            ``(n, C)`` on the CPU.

        Raises
        ------
        DamagedAudioError
            If the file cannot be decoded, or is too short.
        ValueError
            If the outputs are not finite, or ``batch_size`` is none.
        """
        if type(batch_size) is not int or batch_size < 1:
            raise ValueError(f"batch_size: {batch_size}, not a number from 1")
        clips = stream_clips(
            path,
            self.task.sample_rate,
            clip_seconds=self.task.clip_seconds,
            min_tail_seconds=self.task.min_tail_seconds,
            max_seconds=self.task.max_seconds,
        )
        outputs = []
        # A last clip that is shorter is not padded: that would move a norm.
        for _, group in groupby(clips, key=len):
            while batch := list(islice(group, batch_size)):
                try:
                    found = self.outputs_batch(torch.stack(batch))
                except ValueError as error:
                    raise ValueError(f"{path}: {error}") from error
                outputs.append(found.cpu())
        outputs = torch.cat(outputs)
        if not outputs.isfinite().all():
            raise ValueError(f"{path}: the model gives NaN or infinity")
        return outputs

    def together(self, outputs):
        """What a file's outputs say together; each class has its own.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(n, C)`` of its clips.

        Returns
        -------
        torch.Tensor
            ``(C,)``.
        """
        raise NotImplementedError("open a folder with the class of its family")

    def predict_batch(self, wavs, wav_lens=None):
        """Predictions for clips, each by itself.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` at the task's rate.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip, in (0, 1].

        Returns
        -------
        torch.Tensor
            ``(B, C)``: probabilities, or the numbers of a regression.
        """
        outputs = self.outputs_batch(wavs, wav_lens)
        return torch.stack([self.together(row[None]) for row in outputs])

    def predict_file(self, path, *, top_k=None, batch_size=8):
        """Prediction for a file.

        Arguments
        ---------
        path : str or pathlib.Path
            An audio file.
        top_k : int, optional
            Only the highest so many, where predictions are probabilities.
        batch_size : int
            Clips at once.

        Returns
        -------
        dict of str to float
            By label: probabilities, the highest first, or a regression's numbers.
        """
        scores = self.together(self.outputs_file(path, batch_size=batch_size))
        pairs = list(zip(self.task.labels, scores.tolist(), strict=True))
        if self.RANKED:
            pairs = sorted(pairs, key=lambda pair: -pair[1])[:top_k]
        return dict(pairs)

    def predict_files(self, paths, **options):
        """Predictions for files.

        Arguments
        ---------
        paths : iterable of str or pathlib.Path
            Audio files.
        **options : dict
            As of ``predict_file``.

        Returns
        -------
        list of dict
            As ``predict_file``, in the paths' order.
        """
        return [self.predict_file(path, **options) for path in paths]

    def forward(self, wavs, wav_lens=None):
        """As ``predict_batch``.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        wav_lens : torch.Tensor, optional
            ``(B,)``.

        Returns
        -------
        torch.Tensor
            ``(B, C)``.
        """
        return self.predict_batch(wavs, wav_lens)
