"""Features of music from a trained student.

B batch, S samples, T frames, D width, L layers, n layers asked for.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb import frames
from mert_sb.inference.features import check_wavs, chosen, states_argument
from mert_sb.inference.files import FileEncoder, enough_overlap
from mert_sb.inference.interface import StudentInterface
from mert_sb.student.statistics import WavStatistics


class MusicEncoder(FileEncoder, StudentInterface):
    """A student to use: ``MusicEncoder.from_original("m-a-p/MERT-v1-95M")``.

    Named apart from SpeechBrain's own ``integrations.huggingface.mert.MERT``, a
    wrapper around transformers.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmpdir") / "encoder")
    >>> encoder = MusicEncoder.from_hparams(folder)
    >>> encoder.encode_batch(torch.rand(2, 24_000)).shape
    torch.Size([2, 2, 74, 16])
    """

    @property
    def frame_rate(self):
        """Frames a second."""
        return frames.frame_rate(self.hparams.sample_rate, self.subsample)

    @property
    def subsample(self):
        """Frames of ``mert_sb.frames`` in one of the student's."""
        return self.student.settings["subsample"]

    @property
    def overlap_seconds(self):
        """What windows of long files share unless something else is asked for."""
        return enough_overlap(self.student.settings)

    def encode_batch(self, wavs, wav_lens=None, layers=None):
        """Hidden states of clips.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` at the student's rate.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip, in (0, 1].
        layers : None, int, sequence of int or "mean"
            None: all states; an index, of which -1 is the last layer; several;
            or the mean of all states. No layer after the highest is run.

        Returns
        -------
        torch.Tensor
            ``(L + 1, B, T, D)``, state 0 being the input of the first layer;
            ``(n, B, T, D)`` for several layers; ``(B, T, D)`` for one or the
            mean. float32 at any precision.

        Raises
        ------
        ValueError
            If a clip is shorter than a frame or has samples that are not finite,
            shapes are wrong, or there is no such layer.
        """
        check_wavs(wavs, wav_lens)
        if wav_lens is not None:
            wav_lens = wav_lens.to(self.device)
        return self._encode(wavs, layers, wav_lens=wav_lens)

    def encode_windows(self, wavs, statistics, layers=None):
        """Hidden states of windows of long files, as of the files in one pass.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` at the student's rate.
        statistics : list of WavStatistics
            Of the file that each window is a part of (``FilePlan.statistics``).
        layers : None, int, sequence of int or "mean"
            As in ``encode_batch``.

        Returns
        -------
        torch.Tensor
            As ``encode_batch``.
        """
        check_wavs(wavs)
        statistics = WavStatistics.stack(statistics).to(self.device)
        return self._encode(wavs, layers, statistics=statistics)

    @torch.no_grad()
    def _encode(self, wavs, layers, **conditions):
        wanted = states_argument(layers)
        wavs = wavs.float().to(self.device)
        with self.inference_ctx:
            states = self.mods.student(
                wavs, output_hidden_states=wanted, **conditions
            )
        return chosen(states, layers)

    def forward(self, wavs, wav_lens=None):
        """As ``encode_batch``.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        wav_lens : torch.Tensor, optional
            ``(B,)``.

        Returns
        -------
        torch.Tensor
            ``(L + 1, B, T, D)``.
        """
        return self.encode_batch(wavs, wav_lens)
