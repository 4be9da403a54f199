"""Teachers whose targets are features themselves: log-mel, chroma, or any others.

B batch, S samples, T frames, F features.

Authors
 * The mert_sb developers 2026
"""

from mert_sb import frames
from mert_sb.teachers.base import Teacher
from mert_sb.teachers.chroma import ChromaFrames
from mert_sb.teachers.features import check_features, run_features
from mert_sb.teachers.mel import LogMelFrames
from mert_sb.teachers.standardize import Standardizer, standardizer_identity


class FeatureTeacher(Teacher):
    """Features to regress, standardised or not.

    Arguments
    ---------
    features : nn.Module
        See ``features.py``; a trained student's layer is one too.
    sample_rate : int
        In Hz, that of the features.
    standardize : str
        ``none``, ``clip``, ``bins``, ``constants`` or ``fitted``, see ``Standardizer``.
    mean, scale : float or list of float, optional
        Of ``constants``.
    statistics : str, optional
        Of ``fitted``: a file of ``fit_statistics``.

    Raises
    ------
    TypeError
        If ``features`` are none.
    ValueError
        If the rate is another, or standardising is badly told.

    Example
    -------
    >>> import torch
    >>> from mert_sb.teachers import MFCCFrames
    >>> FeatureTeacher(features=MFCCFrames(24_000))(torch.rand(2, 24_080)).shape
    torch.Size([2, 75, 39])
    """

    first_centre = frames.RECEPTIVE_FIELD // 2

    def __init__(
        self,
        *,
        features,
        sample_rate=24_000,
        standardize="none",
        mean=None,
        scale=None,
        statistics=None,
    ):
        super().__init__(sample_rate=sample_rate)
        self.features = check_features(features, sample_rate)
        self.standardizer = Standardizer(
            standardize,
            features,
            mean=mean,
            scale=scale,
            statistics=statistics,
        )
        self.eval().requires_grad_(False)

    @classmethod
    def identity(cls, **settings):
        """The class, the features and how they are standardised.

        Arguments
        ---------
        **settings : dict
            Keyword arguments of the constructor.

        Returns
        -------
        dict
            Plain values.

        Example
        -------
        >>> from mert_sb.teachers import MFCCFrames
        >>> FeatureTeacher.identity(features=MFCCFrames(24_000))["standardize"]
        'none'
        """
        identity = standardizer_identity(settings, standardize="none")
        identity["features"] = settings["features"].identity
        return super().identity(**identity)

    def frame_targets(self, wavs):
        """Features of the clips.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, F)`` float32.
        """
        return self.standardizer(run_features(self.features, wavs))


class MelTeacher(FeatureTeacher):
    """Log-mel frames to regress (the original's ``audio_mel_loss_m``, off there).

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_mels : int
        F (mert_model.py:348 ``audio_mel_bins``: 84).
    n_fft : int
        Samples of a window (mert_model.py:471: 2,048).
    fmin : float
        Lower end of the first filter in Hz (mert_model.py:471: 32.7).
    standardize : str
        As of ``FeatureTeacher``; mert_model.py:495 does it over the whole batch,
        ``clip`` over each clip.
    mean, scale : float or list of float, optional
        Of ``constants``.
    statistics : str, optional
        Of ``fitted``.

    Example
    -------
    >>> import torch
    >>> MelTeacher()(torch.rand(2, 24_080)).shape
    torch.Size([2, 75, 84])
    """

    def __init__(
        self,
        *,
        sample_rate=24_000,
        n_mels=84,
        n_fft=2048,
        fmin=32.7,
        standardize="clip",
        mean=None,
        scale=None,
        statistics=None,
    ):
        super().__init__(
            features=LogMelFrames(
                sample_rate, n_mels=n_mels, n_fft=n_fft, fmin=fmin
            ),
            sample_rate=sample_rate,
            standardize=standardize,
            mean=mean,
            scale=scale,
            statistics=statistics,
        )

    @classmethod
    def identity(cls, **settings):
        """The class and its settings.

        Arguments
        ---------
        **settings : dict
            Keyword arguments of the constructor.

        Returns
        -------
        dict
            Plain values.

        Example
        -------
        >>> MelTeacher.identity(n_mels=128)["features"]["fmin"]
        32.7
        """
        mel = {"n_mels": 84, "n_fft": 2048, "fmin": 32.7}
        features, others = _split(LogMelFrames, mel, settings)
        return super().identity(
            **{"features": features, "standardize": "clip", **others}
        )


class ChromaTeacher(FeatureTeacher):
    """Chroma to regress: values from 0 to 1, not standardised.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_chroma : int
        F, a multiple of 12. The paper regresses no chroma.
    n_fft : int
        Samples of a window.

    Example
    -------
    >>> import torch
    >>> ChromaTeacher()(torch.rand(2, 24_080)).shape
    torch.Size([2, 75, 12])
    """

    def __init__(self, *, sample_rate=24_000, n_chroma=12, n_fft=2048):
        super().__init__(
            features=ChromaFrames(sample_rate, n_chroma=n_chroma, n_fft=n_fft),
            sample_rate=sample_rate,
        )

    @classmethod
    def identity(cls, **settings):
        """The class and its settings.

        Arguments
        ---------
        **settings : dict
            Keyword arguments of the constructor.

        Returns
        -------
        dict
            Plain values.

        Example
        -------
        >>> ChromaTeacher.identity()["features"]["n_chroma"]
        12
        """
        chroma = {"n_chroma": 12, "n_fft": 2048}
        features, others = _split(ChromaFrames, chroma, settings)
        return super().identity(features=features, **others)


def _split(build, defaults, settings):
    """Features of a teacher's settings, and the settings that are not theirs."""
    own = {key: settings.get(key, value) for key, value in defaults.items()}
    features = build(settings.get("sample_rate", 24_000), **own)
    others = {k: v for k, v in settings.items() if k not in own}
    return features, others
