"""Arrays to be scored: of numpy or torch, in one form, every value finite.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import torch


def finite(values, name):
    """An array of values, refused if one is not finite.

    Arguments
    ---------
    values : numpy.ndarray or torch.Tensor
        ``(N, ...)``, in main memory.
    name : str
        What they are, for the error.

    Returns
    -------
    numpy.ndarray
        ``(N, ...)`` float64.

    Raises
    ------
    ValueError
        If a value is not finite, or there are no rows.

    Example
    -------
    >>> finite(torch.tensor([1, 2]), "scores")
    array([1., 2.])
    >>> finite(np.array([0.0, np.nan]), "scores")
    Traceback (most recent call last):
        ...
    ValueError: scores: 1 of 2 are not finite, the first in row 1
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().double().numpy()
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0 or len(values) == 0:
        raise ValueError(f"{name} have shape {values.shape}: there are no rows")
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argwhere(bad)[0][0])
        raise ValueError(
            f"{name}: {int(bad.sum())} of {values.size} are not finite, the "
            f"first in row {row}"
        )
    return values


def finite_rows(values, name):
    """A table of values, refused if one is not finite.

    Arguments
    ---------
    values : numpy.ndarray or torch.Tensor
        ``(N, C)``, in main memory.
    name : str
        What they are, for the error.

    Returns
    -------
    numpy.ndarray
        ``(N, C)`` float64.

    Raises
    ------
    ValueError
        If a value is not finite, or there are no rows or no columns.

    Example
    -------
    >>> finite_rows(torch.tensor([[1], [2]]), "scores").shape
    (2, 1)
    """
    values = finite(values, name)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"{name} have shape {values.shape}, not (N, C)")
    return values
