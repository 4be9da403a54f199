"""From clips to tracks: a benchmark scores tracks, a head hears clips.

Clips' logits are averaged by ``track_means``, or put together in one of four ways
by ``aggregate``, as the benchmark does for keys: the way that is best on
validation is kept for test.

Sources of the four ways: jukemir (Castellon et al., ISMIR 2021), MARBLE (Yuan et
al., NeurIPS 2023).

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import torch

from mert_sb.downstream.arrays import finite, finite_rows

STRATEGIES = ("vote", "max", "gmean", "mean")


def track_means(values, tracks):
    """Average the clips of each track.

    Arguments
    ---------
    values : numpy.ndarray or torch.Tensor
        ``(N, ...)``, finite: logits, predictions or targets, a row a clip.
    tracks : list of str
        The N clips' tracks; clips of a track need not follow one another.

    Returns
    -------
    tuple of (numpy.ndarray, list of str)
        ``(T, ...)`` float64, and the T tracks, in order of first appearance.

    Raises
    ------
    ValueError
        If lengths do not fit or a value is not finite.

    Example
    -------
    >>> track_means(np.array([1.0, 2.0, 3.0]), ["b", "a", "b"])
    (array([2., 2.]), ['b', 'a'])
    """
    values = finite(values, "values")
    places, names = _places(tracks, len(values))
    sums = np.zeros((len(names), *values.shape[1:]))
    np.add.at(sums, places, values)
    counts = np.bincount(places).reshape(-1, *[1] * (values.ndim - 1))
    return sums / counts, names


def aggregate(logits, tracks, strategy):
    """Make scores of tracks from logits of their clips.

    Arguments
    ---------
    logits : numpy.ndarray or torch.Tensor
        ``(N, C)``, finite, before the softmax.
    tracks : list of str
        The N clips' tracks; clips of a track need not follow one another.
    strategy : str
        One of ``STRATEGIES``. ``"vote"``: how many clips are highest in a class;
        of equal ones the first class wins. ``"max"``: the highest logit.
        ``"gmean"``: mean of log-probabilities, whose order is that of the mean
        logits. ``"mean"``: mean of probabilities.

    Returns
    -------
    tuple of (numpy.ndarray, list of str)
        ``(T, C)`` float64, to be compared within a row, and the T tracks, in
        order of first appearance.

    Raises
    ------
    ValueError
        If lengths do not fit, a logit is not finite, or the strategy is unknown.

    Example
    -------
    >>> logits = np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> for strategy in STRATEGIES:
    ...     scores, names = aggregate(logits, ["a", "a", "a"], strategy)
    ...     print(strategy, scores.argmax(axis=1))
    vote [1]
    max [0]
    gmean [0]
    mean [1]
    """
    logits = finite_rows(logits, "logits")
    places, names = _places(tracks, len(logits))
    if strategy == "max":
        highest = np.full((len(names), logits.shape[1]), -np.inf)
        np.maximum.at(highest, places, logits)
        return highest, names
    if strategy == "vote":
        votes = np.zeros((len(names), logits.shape[1]))
        np.add.at(votes, (places, logits.argmax(axis=1)), 1)
        return votes, names
    if strategy == "gmean":
        return track_means(torch.from_numpy(logits).log_softmax(1), tracks)
    if strategy == "mean":
        return track_means(torch.from_numpy(logits).softmax(1), tracks)
    raise ValueError(
        f"strategy is {strategy!r}, give one of {', '.join(STRATEGIES)}"
    )


def _places(tracks, n_rows):
    """Which track each row is of, and the tracks by first appearance."""
    if len(tracks) != n_rows:
        raise ValueError(f"{len(tracks)} tracks are given for {n_rows} rows")
    names = list(dict.fromkeys(tracks))
    index = {name: place for place, name in enumerate(names)}
    return np.array([index[track] for track in tracks]), names
