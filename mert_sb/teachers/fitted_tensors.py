"""Tensors of a fitted file: whether they can be what the file is for.

F features.

Authors
 * The mert_sb developers 2026
"""

import torch

# A filter is built for each, of a file of log-mels.
MOST_FEATURES = 16_384


def check_fitted(path, kind, fitted, axes, n_features=None):
    """Refuse a fitted file whose tensors cannot be what it is for.

    Arguments
    ---------
    path : str or pathlib.Path
        The file, for the error.
    kind : str
        What it must be.
    fitted : dict of str to torch.Tensor
        Of ``read_fitted``, a positive ``scale`` among them.
    axes : dict of str to int
        How many axes each tensor has, the last being F in all of them.
    n_features : int, optional
        F, where it is known.

    Raises
    ------
    ValueError
        If one is missing or of another shape, or has numbers that are not finite.

    Example
    -------
    >>> tensors = {"mean": torch.zeros(3), "scale": torch.ones(2)}
    >>> check_fitted("a", "kmeans", tensors, {"mean": 1, "scale": 1})
    Traceback (most recent call last):
        ...
    ValueError: kmeans: a is damaged: its mean and scale are not of ...
    """
    found = [fitted.get(name) for name in axes]
    fits = all(map(_is_whole, found, axes.values()))
    widths = {tensor.shape[-1] for tensor in found} if fits else set()
    fits = len(widths) == 1 and max(widths) <= MOST_FEATURES
    if n_features is not None:
        fits = fits and widths == {n_features}
    if not (fits and (fitted["scale"] > 0).all()):
        number = "the same" if n_features is None else n_features
        raise ValueError(
            f"{kind}: {path} is damaged: its {' and '.join(axes)} are not of "
            f"{number} features, of finite numbers, scales above 0; delete it to "
            "fit anew"
        )


def _is_whole(tensor, n_axes):
    """Whether it is a tensor of finite numbers with so many axes."""
    return (
        tensor is not None
        and tensor.dtype == torch.float32
        and tensor.dim() == n_axes
        and tensor.numel() > 0
        and bool(tensor.isfinite().all())
    )
