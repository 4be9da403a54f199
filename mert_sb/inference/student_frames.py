"""A layer of a trained student as features of a teacher: HuBERT's second iteration.

The first student learns the clusters of signal features, the next one those of a layer
of the first (arXiv 2106.07447: 500 clusters, layer 6 of 12). Its states change with
every weight, so a checksum of them is part of the features' identity.

    student_features: !new:mert_sb.inference.StudentFrames
        source: /path/to/encoder
        layer: 6
        sample_rate: 24000

B batch, S samples, T student frames, D the student's width.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.downstream.base import checksum
from mert_sb.inference.checkpoint import build_student
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.settings import FREE
from mert_sb.teachers.features import FrameFeatures

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16}


class StudentFrames(FrameFeatures):
    """States of a trained student at one layer; never trained itself.

    Arguments
    ---------
    source : str or pathlib.Path
        Folder, Hub id or fairseq file, see ``read_checkpoint``. What it is called
        is no part of the identity.
    layer : int
        From 0, the input of the first layer. No layer after it is run.
    sample_rate : int
        Of the clips, in Hz; the student's.
    precision : str
        ``"fp32"``, or ``"bf16"``: autocast, the states come in float32.
    batch_size : int
        Clips encoded at once, which bounds memory; any number may be given.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Raises
    ------
    CheckpointError
        If the source cannot be read.
    FileNotFoundError
        If there is no such source.
    ValueError
        If the student is for another rate, joins frames or has no such layer, or
        an option is unknown.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=2
    ... )
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> StudentFrames(folder, layer=1)(torch.rand(3, 24_080)).shape
    torch.Size([3, 75, 16])
    """

    def __init__(
        self,
        source,
        *,
        layer,
        sample_rate=24_000,
        precision="fp32",
        batch_size=16,
        fetch_config=None,
    ):
        if precision not in PRECISIONS:
            raise ValueError(
                f"precision: {precision!r} is none of {', '.join(PRECISIONS)}"
            )
        if type(batch_size) is not int or batch_size < 1:
            raise ValueError(
                f"batch_size: {batch_size!r} is no number of clips from 1"
            )
        student = build_student(read_checkpoint(source, fetch_config))
        settings = student.settings
        _check(source, layer, sample_rate, settings)
        super().__init__(
            sample_rate=sample_rate,
            dim=settings["embed_dim"],
            settings={
                "layer": layer,
                "precision": precision,
                "weights": checksum(student.state_dict()),
                "student": {k: v for k, v in settings.items() if k not in FREE},
            },
        )
        self.student = student
        self.layer = layer
        self.dtype = PRECISIONS[precision]
        self.batch_size = batch_size
        self.requires_grad_(False).eval()

    def train(self, mode=True):
        """Stay in eval mode: with dropout, no code would come again.

        Arguments
        ---------
        mode : bool
            Ignored.

        Returns
        -------
        StudentFrames
            Itself.
        """
        del mode
        return super().train(False)

    @torch.no_grad()
    def forward(self, wavs):
        """Encode.

        Arguments
        ---------
        wavs : torch.Tensor
            Clips of one length ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, D)`` float32.
        """
        lower = self.dtype is not None
        with torch.autocast(wavs.device.type, self.dtype, enabled=lower):
            parts = [
                self.student(part, output_hidden_states=(self.layer,))[0]
                for part in wavs.float().split(self.batch_size)
            ]
        return torch.cat([part.float() for part in parts])


def _check(source, layer, sample_rate, settings):
    """Refuse a student of another rate or clock, or without such a layer."""
    rate, last = settings["sample_rate"], settings["num_layers"]
    if rate != sample_rate:
        raise ValueError(
            f"sample_rate: {sample_rate}, but the student of {source} is for "
            f"{rate} Hz; train at that rate, or give another student"
        )
    if (joined := settings["subsample"]) != 1:
        raise ValueError(
            f"subsample: the student of {source} joins {joined} frames into one, "
            "but teachers give a target for each frame of 75 a second (at 24 kHz); "
            "give a student that was trained with subsample: 1"
        )
    if type(layer) is not int or not 0 <= layer <= last:
        raise ValueError(
            f"layer: {layer!r}, but the student of {source} has states 0 to {last}"
        )
