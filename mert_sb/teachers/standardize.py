"""Features brought to mean 0 and deviation 1, clip by clip or by fixed numbers.

B batch, T frames, F features.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb.teachers.base import file_checksum
from mert_sb.teachers.fitted import disagreements, read_fitted
from mert_sb.teachers.fitted_tensors import check_fitted
from mert_sb.teachers.moments import KIND

WAYS = ("none", "clip", "bins", "constants", "fitted")
# Tensors of a file, and the number of their axes.
FITTED = {"mean": 1, "scale": 1}
# mert_model.py:495 adds as much to a deviation.
EPSILON = 1e-5


class Standardizer(nn.Module):
    """Standardises features in one of five ways.

    ``none`` leaves them. ``clip`` takes one mean and one deviation of a clip's frames
    and features (mert_model.py:495 does so over the whole batch; a clip's targets
    would then depend on its neighbours). ``bins`` takes a mean and a deviation of
    each feature over the clip's frames: loud and quiet bands then weigh alike, and
    what does not change in the clip is lost. ``constants`` takes ``mean`` and
    ``scale``, ``fitted`` a file of ``fit_statistics``.

    Arguments
    ---------
    way : str
        One of the five.
    features : nn.Module
        The features.
    mean, scale : float or list of float, optional
        Of ``constants``: one number, or one for each feature.
    statistics : str, optional
        Of ``fitted``: the file.

    Raises
    ------
    ValueError
        If the way is none of them, lacks what it needs or is given what it does not
        use, or the file was fitted on other features.

    Example
    -------
    >>> from mert_sb.teachers import LogMelFrames
    >>> standardizer = Standardizer("clip", LogMelFrames(24_000, n_mels=64))
    >>> standardizer(torch.rand(1, 9, 64)).std().round()
    tensor(1.)
    """

    def __init__(
        self, way, features, *, mean=None, scale=None, statistics=None
    ):
        super().__init__()
        given = {"mean": mean, "scale": scale, "statistics": statistics}
        _check_way(way, {k for k, v in given.items() if v is not None})
        self.way = way
        if way == "fitted":
            fitted, about = read_fitted(statistics, KIND)
            faults = disagreements(
                about["settings"].get("features"), features.identity
            )
            if faults:
                raise ValueError(
                    f"{KIND}: {statistics} was fitted on other features: "
                    f"{'; '.join(faults)}"
                )
            check_fitted(statistics, KIND, fitted, FITTED, features.dim)
            mean, scale = fitted["mean"], fitted["scale"]
        if way in ("fitted", "constants"):
            self.register_buffer("mean", _row("mean", mean, features.dim))
            self.register_buffer("scale", _row("scale", scale, features.dim))

    def forward(self, feats):
        """Standardise.

        Arguments
        ---------
        feats : torch.Tensor
            ``(B, T, F)``.

        Returns
        -------
        torch.Tensor
            The same shape.
        """
        if self.way == "none":
            return feats
        if self.way in ("clip", "bins"):
            over = (1, 2) if self.way == "clip" else (1,)
            scale, mean = torch.std_mean(
                feats, over, correction=0, keepdim=True
            )
            return (feats - mean) / (scale + EPSILON)
        return (feats - self.mean) / self.scale


def standardizer_identity(settings, *, standardize):
    """A teacher's settings with all that say how it standardises.

    Arguments
    ---------
    settings : dict
        Keyword arguments of its constructor.
    standardize : str
        Its default.

    Returns
    -------
    dict
        The same with the defaults, and the checksum of ``statistics`` in place of its
        path.

    Example
    -------
    >>> standardizer_identity({"seed": 1}, standardize="clip")["standardize"]
    'clip'
    """
    identity = {
        "sample_rate": 24_000,
        "standardize": standardize,
        "mean": None,
        "scale": None,
        "statistics": None,
        **settings,
    }
    if identity["statistics"] is not None:
        identity["statistics"] = file_checksum(identity["statistics"])
    return identity


def _check_way(way, given):
    """Refuse an unknown way, and keys that it lacks or does not use."""
    if way not in WAYS:
        raise ValueError(
            f"standardize: {way!r} is not one of {', '.join(WAYS)}"
        )
    needed = {"constants": {"mean", "scale"}, "fitted": {"statistics"}}
    wanted = needed.get(way, set())
    if given != wanted:
        wrong = ", ".join(sorted(given ^ wanted))
        raise ValueError(
            f"standardize: {way} {'needs' if wanted - given else 'does not use'} "
            f"{wrong}; mean and scale are for constants, statistics for fitted"
        )


def _row(name, numbers, dim):
    """One number, or one a feature, as ``(F,)``."""
    row = torch.as_tensor(numbers, dtype=torch.float32)
    if row.numel() not in (1, dim) or row.dim() > 1:
        raise ValueError(f"{name}: {row.numel()} numbers for {dim} features")
    if name == "scale" and not (row > 0).all():
        raise ValueError(f"{name}: a deviation must be above 0")
    return row.expand(dim).clone()
