"""Features of music from a trained student.

B batch, S samples, T frames, D width, L layers.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.inference.interfaces import Pretrained

from mert_sb import frames


class MusicEncoder(Pretrained):
    """A student to use: ``MusicEncoder.from_hparams(folder)``.

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

    MODULES_NEEDED = ["student"]
    HPARAMS_NEEDED = ["sample_rate"]

    @property
    def frame_rate(self):
        """Frames a second."""
        return frames.frame_rate(self.hparams.sample_rate)

    @torch.no_grad()
    def encode_batch(self, wavs, wav_lens=None):
        """All hidden states of clips.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` at the student's rate.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip.

        Returns
        -------
        torch.Tensor
            ``(L + 1, B, T, D)``, state 0 being the input of the first layer.
        """
        wavs = wavs.float().to(self.device)
        if wav_lens is not None:
            wav_lens = wav_lens.to(self.device)
        return self.mods.student(wavs, wav_lens, output_hidden_states=True)

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
