"""The teacher that learns nothing: nearest random codes of randomly projected frames.

BEST-RQ (arXiv 2202.01855), as MusicFM (arXiv 2311.03318) has it for music: standardised
log-mel frames times a random matrix, and of a random codebook the code of the smallest
angle. Both take four frames of 10 ms to a code; here a code is of one student frame, and
what it hears is the features' window.

Standardising decides how many codes are used: what frames share, all their projections
share. MusicFM takes one mean and one deviation, of its data. Of 8,192 codes, 19 minutes of
orchestral and electronic music used (perplexity, three seeds, 128 bins of log-mel):

- ``none``        110 to 140, a frame's code being the last frame's in 7 of 10 cases;
- ``constants``   140, MusicFM's way, 7 of 10;
- ``clip``        180 to 260, 6 of 10;
- ``fitted``      330 to 530, 6 of 10: a mean and a deviation of each bin;
- ``bins``      1,900 to 2,800, 3 of 10: what changes least in a clip is blown up.

``fitted`` is the default: a code means the same sound in every clip.

B batch, S samples, T frames, K codebooks, C codes, P dimensions, F features.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb.seeds import item_generator
from mert_sb.teachers.nearest import nearest
from mert_sb.teachers.regression import FeatureTeacher


class RandomProjectionTeacher(FeatureTeacher):
    """Codes of frames by random projections and random codebooks.

    Arguments
    ---------
    features : nn.Module
        See ``features.py`` (MusicFM: 128 bins of log-mel, windows of 2,048 samples).
    sample_rate : int
        In Hz, that of the features.
    n_codebooks : int
        K, each with a projection of its own (BEST-RQ, MusicFM: 1).
    codebook_size : int
        C (BEST-RQ: 8,192; MusicFM's code: 4,096).
    codebook_dim : int
        P (BEST-RQ, MusicFM: 16).
    seed : int
        Of projections and codebooks; one codebook's are the same for any K.
    standardize : str
        ``clip``, ``bins``, ``constants`` or ``fitted``, see ``Standardizer``.
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
    >>> from mert_sb.teachers import LogMelFrames
    >>> teacher = RandomProjectionTeacher(
    ...     features=LogMelFrames(24_000, n_mels=128), standardize="clip"
    ... )
    >>> teacher(torch.rand(2, 24_080)).shape
    torch.Size([2, 75, 1])
    """

    def __init__(
        self,
        *,
        features,
        sample_rate=24_000,
        n_codebooks=1,
        codebook_size=8192,
        codebook_dim=16,
        seed=0,
        standardize="fitted",
        mean=None,
        scale=None,
        statistics=None,
    ):
        super().__init__(
            features=features,
            sample_rate=sample_rate,
            standardize=standardize,
            mean=mean,
            scale=scale,
            statistics=statistics,
        )
        self.n_codebooks = n_codebooks
        self.codebook_size = codebook_size
        projections, codebooks = [], []
        for number in range(n_codebooks):
            dice = item_generator(seed, 0, str(number), "random_projection")
            projections.append(
                torch.randn(features.dim, codebook_dim, generator=dice)
            )
            codes = torch.randn(codebook_size, codebook_dim, generator=dice)
            codebooks.append(nn.functional.normalize(codes, dim=-1))
        # A projection's size cancels out: only angles are compared.
        self.register_buffer("projections", torch.stack(projections))
        self.register_buffer("codebooks", torch.stack(codebooks))

    @classmethod
    def identity(cls, **settings):
        """The class, its features and settings.

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
        >>> from mert_sb.teachers import LogMelFrames
        >>> features = LogMelFrames(24_000)
        >>> RandomProjectionTeacher.identity(features=features)["seed"]
        0
        """
        settings = {
            "n_codebooks": 1,
            "codebook_size": 8192,
            "codebook_dim": 16,
            "seed": 0,
            "standardize": "fitted",
            **settings,
        }
        return super().identity(**settings)

    def frame_targets(self, wavs):
        """Codes of the clips.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, K)`` int64.
        """
        feats = super().frame_targets(wavs)
        codes = []
        for projection, codebook in zip(
            self.projections, self.codebooks, strict=True
        ):
            rows = nn.functional.normalize(feats @ projection, dim=-1)
            chosen = nearest(rows.flatten(0, 1), codebook)
            codes.append(chosen.view(feats.shape[:2]))
        return torch.stack(codes, dim=-1)
