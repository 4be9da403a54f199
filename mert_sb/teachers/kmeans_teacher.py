"""The acoustic teacher of HuBERT and of MERT v0: the nearest of k-means' centres.

MERT v0 has two, of log-mel (300 codes) and of chroma (200): each its own codebook. HuBERT
starts with one of MFCC and goes on with one of a trained student's layer.

B batch, S samples, T frames, K codebooks, C codes, F features.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb import frames
from mert_sb.teachers.base import Teacher, file_checksum
from mert_sb.teachers.features import check_features, run_features
from mert_sb.teachers.fitted import disagreements, read_fitted
from mert_sb.teachers.fitted_tensors import check_fitted
from mert_sb.teachers.kmeans_fit import KIND
from mert_sb.teachers.nearest import nearest

# Tensors and the number of their axes.
FITTED = {"mean": 1, "scale": 1, "codebook": 2}


class KMeansTeacher(Teacher):
    """Codes of frames by nearest centroid, from one fitted file or several.

    Arguments
    ---------
    path : str or list of str
        Files written by ``fit_kmeans``, one a codebook.
    features : nn.Module or list of nn.Module
        What the files were fitted on: one for all, or one for each. A module named
        twice is run once a clip.
    sample_rate : int
        In Hz, that of all features.
    checksum : str or list of str, optional
        First digits of the files' SHA-256, to pin the codes of an experiment.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If ``features`` are none.
    ValueError
        If a file was fitted on other features or has another checksum, or the lists
        are of different lengths.

    Example
    -------
    >>> from mert_sb.teachers import ChromaFrames, fit_kmeans
    >>> path = getfixture("tmpdir") / "chroma.safetensors"
    >>> features = ChromaFrames(24_000, n_chroma=12)
    >>> clips = [torch.rand(4, 24_080)]
    >>> _ = fit_kmeans(clips, path, features=features, n_codes=8, restarts=1)
    >>> KMeansTeacher(path=path, features=features)(clips[0]).shape
    torch.Size([4, 75, 1])
    """

    first_centre = frames.RECEPTIVE_FIELD // 2

    def __init__(self, *, path, features, sample_rate=24_000, checksum=None):
        super().__init__(sample_rate=sample_rate)
        paths = _listed(path)
        modules = _one_each("features", features, len(paths))
        digits = _one_each("checksum", checksum, len(paths))
        for module in modules:
            check_features(module, sample_rate)
        # The same module for several codebooks is kept, and run, once.
        distinct = list({id(module): module for module in modules}.values())
        self.features = nn.ModuleList(distinct)
        self.source = [_place(module, distinct) for module in modules]
        self.codebooks = nn.ModuleList(
            Codebook(*triple)
            for triple in zip(paths, modules, digits, strict=True)
        )
        self.n_codebooks = len(paths)
        # The largest; a smaller codebook never gives the codes that it lacks.
        self.codebook_size = max(len(book.codes) for book in self.codebooks)
        self.eval().requires_grad_(False)

    @classmethod
    def identity(cls, **settings):
        """The class, the rate, the features and the fitted files' checksums.

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
        >>> from mert_sb.teachers import ChromaFrames
        >>> features = ChromaFrames(24_000)
        >>> KMeansTeacher.identity(path="absent", features=features)["checksum"]
        [None]
        """
        identity = {"sample_rate": 24_000, **settings}
        paths = _listed(identity.pop("path"))
        modules = _one_each("features", identity["features"], len(paths))
        identity["features"] = [module.identity for module in modules]
        identity["checksum"] = [file_checksum(path) for path in paths]
        return super().identity(**identity)

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
        feats = [run_features(module, wavs) for module in self.features]
        codes = [
            book(feats[number])
            for number, book in zip(self.source, self.codebooks, strict=True)
        ]
        return torch.stack(codes, dim=-1)


class Codebook(nn.Module):
    """One fitted file: centres of standardised features.

    Arguments
    ---------
    path : str
        Written by ``fit_kmeans``.
    features : nn.Module
        That it must have been fitted on.
    checksum : str, optional
        First digits of its SHA-256.

    Raises
    ------
    ValueError
        If it was fitted on other features.

    Example
    -------
    >>> from mert_sb.teachers import ChromaFrames, fit_kmeans
    >>> path = getfixture("tmpdir") / "chroma.safetensors"
    >>> features = ChromaFrames(24_000, n_chroma=12)
    >>> clips = [torch.rand(4, 24_080)]
    >>> _ = fit_kmeans(clips, path, features=features, n_codes=8, restarts=1)
    >>> Codebook(path, features, None)(features(clips[0])).shape
    torch.Size([4, 75])
    """

    def __init__(self, path, features, checksum):
        super().__init__()
        fitted, about = read_fitted(path, KIND, checksum)
        faults = disagreements(
            about["settings"].get("features"), features.identity
        )
        if faults:
            raise ValueError(
                f"{KIND}: {path} was fitted on other features: "
                f"{'; '.join(faults)}; give those, or fit another file"
            )
        check_fitted(path, KIND, fitted, FITTED, features.dim)
        self.register_buffer("mean", fitted["mean"])
        self.register_buffer("scale", fitted["scale"])
        self.register_buffer("codes", fitted["codebook"])

    def forward(self, feats):
        """The nearest code of each frame.

        Arguments
        ---------
        feats : torch.Tensor
            ``(B, T, F)``.

        Returns
        -------
        torch.Tensor
            ``(B, T)`` int64.
        """
        rows = ((feats - self.mean) / self.scale).flatten(0, 1)
        return nearest(rows, self.codes).view(feats.shape[:2])


def _listed(values):
    """One value or several, as a list."""
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _one_each(key, values, count):
    """One value for all files, or a list of one for each."""
    values = _listed(values)
    if len(values) == 1:
        values = values * count
    if len(values) != count:
        raise ValueError(f"{key}: {len(values)} for {count} files in path")
    return values


def _place(module, modules):
    """Where a module stands in a list."""
    return next(i for i, other in enumerate(modules) if other is module)
