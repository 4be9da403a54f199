"""What a teacher is: a frozen look at the clean clip, one target a student frame.

B batch, S samples, T student frames, K codebooks, F features.

Authors
 * The mert_sb developers 2026
"""

import hashlib
from pathlib import Path

import torch
from torch import nn

from mert_sb import frames


class Teacher(nn.Module):
    """Clean clips to targets, without gradient, in float32, always in eval mode.

    A subclass gives ``frame_targets``, its frames of the clip, and ``first_centre``,
    the sample its first frame is centred on; they are cut here to the student's
    frames. Teachers are no modules of the Brain: nothing of them is trained, wrapped
    or saved in checkpoints.

    Arguments
    ---------
    sample_rate : int
        Rate of the clips in Hz, the student's.

    Example
    -------
    >>> class Loudness(Teacher):
    ...     def frame_targets(self, wavs):
    ...         return wavs.unfold(1, 400, 320).square().mean(-1, keepdim=True)
    >>> Loudness(sample_rate=24_000)(torch.rand(2, 120_400)).shape
    torch.Size([2, 376, 1])
    """

    first_centre = frames.FIRST_CENTRE

    def __init__(self, *, sample_rate):
        super().__init__()
        self.sample_rate = sample_rate
        self.eval()

    @classmethod
    def identity(cls, **settings):
        """What stored targets depend on, from the settings in the YAML alone.

        Arguments
        ---------
        **settings : dict
            Keyword arguments of the constructor.

        Returns
        -------
        dict
            Plain values: the class, its settings, and for each setting that
            names a file its checksum (None while the file is absent).

        Example
        -------
        >>> Teacher.identity(sample_rate=24_000)
        {'teacher': 'Teacher', 'sample_rate': 24000}
        """
        return {"teacher": cls.__name__, **settings}

    def train(self, mode=True):
        """Stay in eval mode.

        Arguments
        ---------
        mode : bool
            Ignored.

        Returns
        -------
        Teacher
            Itself.
        """
        del mode
        return super().train(False)

    def frame_targets(self, wavs):
        """All the teacher's frames of the clips; to be given by a subclass.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` float32.

        Returns
        -------
        torch.Tensor
            ``(B, T', K)`` int64 codes or ``(B, T', F)`` float32.
        """
        raise NotImplementedError

    @torch.no_grad()
    def forward(self, wavs):
        """Targets of the student's frames.

        Arguments
        ---------
        wavs : torch.Tensor
            Clean clips ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, K)`` int64 codes or ``(B, T, F)`` float32, T by
            ``mert_sb.frames``.
        """
        with torch.autocast(wavs.device.type, enabled=False):
            targets = self.frame_targets(wavs.float())
        n_frames = frames.n_frames(wavs.shape[-1])
        return frames.align(targets, n_frames, self.first_centre)


def file_checksum(path):
    """SHA-256 of a file.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    str or None
        Hexadecimal; None if there is no such file.

    Example
    -------
    >>> file_checksum("absent") is None
    True
    """
    path = Path(path)
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
