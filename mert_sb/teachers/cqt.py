"""The musical teacher: which pitches ring (section 3.1.2, ``L_CQT``).

Authors
 * The mert_sb developers 2026
"""

from torch import nn

from mert_sb import frames
from mert_sb.cqt import CQT
from mert_sb.teachers.base import Teacher
from mert_sb.teachers.features import FrameFeatures


class CQTTeacher(Teacher):
    """Constant-Q magnitudes centred on the student's frames.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_bins : int
        F (MERT_RVQ-VAE_CQT_95M.yaml ``audio_cqt_bins``: 336).
    bins_per_octave : int
        48 (mert_model.py:524).
    fmin : float
        Lowest frequency in Hz.
    log : bool
        Regress ``log(1 + magnitude)`` in place of the magnitude: loud frames then
        weigh less. The original regresses the magnitude.
    implementation : str
        ``"folded"`` (``mert_sb.cqt``) or ``"nnaudio"``, the original's library:
        the same numbers, some fifty times slower on a CPU.

    Raises
    ------
    ValueError
        If the bins reach above half the rate, or are none.

    Example
    -------
    >>> import torch
    >>> teacher = CQTTeacher(sample_rate=24_000, n_bins=84, bins_per_octave=12)
    >>> teacher(torch.rand(2, 120_400)).shape
    torch.Size([2, 376, 84])
    """

    first_centre = -frames.CENTRED_PADDING

    def __init__(
        self,
        *,
        sample_rate=24_000,
        n_bins=336,
        bins_per_octave=48,
        fmin=32.7,
        log=False,
        implementation="folded",
    ):
        super().__init__(sample_rate=sample_rate)
        check_range(n_bins, bins_per_octave, fmin)
        self.log = log
        build = {"folded": CQT, "nnaudio": _NnAudioCQT}
        if implementation not in build:
            raise ValueError(
                f"implementation: {implementation!r} is neither 'folded' nor "
                "'nnaudio'"
            )
        self.transform = build[implementation](
            sample_rate,
            n_bins=n_bins,
            bins_per_octave=bins_per_octave,
            fmin=fmin,
        )
        self.eval()

    def frame_targets(self, wavs):
        """Magnitudes, the clip padded so that frames meet the student's.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T', F)``.
        """
        padded = nn.functional.pad(wavs, (frames.CENTRED_PADDING, 0))
        magnitudes = self.transform(padded)
        return magnitudes.log1p() if self.log else magnitudes


class CQTFrames(FrameFeatures):
    """Constant-Q magnitudes, those of ``CQTTeacher``.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_bins : int
        F (MERT_RVQ-VAE_CQT_95M.yaml ``audio_cqt_bins``: 336).
    bins_per_octave : int
        48 (mert_model.py:524).
    fmin : float
        Lowest frequency in Hz.
    log : bool
        ``log(1 + magnitude)`` in place of the magnitude.

    Raises
    ------
    ValueError
        If the bins reach above half the rate, or are none.

    Example
    -------
    >>> import torch
    >>> features = CQTFrames(24_000, n_bins=84, bins_per_octave=12)
    >>> features(torch.rand(2, 24_080)).shape
    torch.Size([2, 75, 84])
    """

    def __init__(
        self,
        sample_rate,
        *,
        n_bins=336,
        bins_per_octave=48,
        fmin=32.7,
        log=False,
    ):
        bins = {
            "n_bins": n_bins,
            "bins_per_octave": bins_per_octave,
            "fmin": fmin,
        }
        check_range(**bins)
        super().__init__(
            sample_rate=sample_rate, dim=n_bins, settings={**bins, "log": log}
        )
        self.log = log
        self.transform = CQT(sample_rate, **bins)

    def forward(self, wavs):
        """Transform.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, F)``.
        """
        padding = frames.CENTRED_PADDING
        padded = nn.functional.pad(wavs, (padding, 0))
        magnitudes = frames.align(
            self.transform(padded), frames.n_frames(wavs.shape[-1]), -padding
        )
        return magnitudes.log1p() if self.log else magnitudes


def check_range(n_bins, bins_per_octave, fmin):
    """Refuse bins that are none.

    That they end below half the rate, the transform itself checks.

    Arguments
    ---------
    n_bins : int
        Bins.
    bins_per_octave : int
        Bins an octave.
    fmin : float
        Lowest frequency in Hz.

    Raises
    ------
    ValueError
        If one of them is not above zero.

    Example
    -------
    >>> check_range(84, 12, 32.7)
    """
    given = {
        "n_bins": n_bins,
        "bins_per_octave": bins_per_octave,
        "fmin": fmin,
    }
    for key, value in given.items():
        if not value > 0:
            raise ValueError(
                f"{key}: {value}, but a CQT needs a number above 0"
            )


class _NnAudioCQT(nn.Module):
    """nnAudio's transform with our arguments and axes."""

    def __init__(self, sample_rate, *, n_bins, bins_per_octave, fmin):
        super().__init__()
        from nnAudio.features.cqt import CQT1992v2

        self.transform = CQT1992v2(
            sr=sample_rate,
            hop_length=frames.HOP_LENGTH,
            fmin=fmin,
            n_bins=n_bins,
            bins_per_octave=bins_per_octave,
            norm=1,
            window="hann",
            center=True,
            pad_mode="constant",
            output_format="Magnitude",
            verbose=False,
        )

    def forward(self, wavs):
        """``(B, S)`` to ``(B, T', F)``."""
        return self.transform(wavs).mT
