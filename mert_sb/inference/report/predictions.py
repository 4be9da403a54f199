"""``predictions.csv`` of a clip-level task: targets and outputs of the test's tracks.

A row is a track: its name, its target (a class, or a number for each tag or rating),
then the outputs, of which a track's are the mean over its clips. There is no header.

K tracks, C outputs.

Authors
 * The mert_sb developers 2026
"""

import csv
from typing import NamedTuple

import numpy as np

from mert_sb.inference.report.keys import BY_FIFTHS
from mert_sb.texts import opened_text

FILE = "predictions.csv"
ONE_TARGET = ("SingleLabel", "Key")


class Predictions(NamedTuple):
    """Of the test.

    Arguments
    ---------
    tracks : list of str
        K names.
    targets : numpy.ndarray
        ``(K,)`` classes, or ``(K, C)``.
    outputs : numpy.ndarray
        ``(K, C)``: logits, or a regression's numbers.

    Example
    -------
    >>> Predictions(["a"], np.array([1]), np.array([[0.0, 2.0]])).tracks
    ['a']
    """

    tracks: list
    targets: np.ndarray
    outputs: np.ndarray


def read_predictions(path, family):
    """Read the table.

    Arguments
    ---------
    path : pathlib.Path
        ``predictions.csv``.
    family : str
        Name of the family's class.

    Returns
    -------
    Predictions
        As written: six digits.

    Raises
    ------
    ValueError
        If a row is not as long as the others, or has no numbers where it should.

    Example
    -------
    >>> path = getfixture("tmp_path") / "predictions.csv"
    >>> _ = path.write_text("a,1,0.5,2\\nb,0,1,-1\\n")
    >>> read_predictions(path, "SingleLabel").outputs.argmax(1)
    array([1, 0])
    """
    with opened_text(path, newline="") as file:
        rows = list(csv.reader(file))
    try:
        numbers = np.array([[float(cell) for cell in row[1:]] for row in rows])
    except ValueError as error:
        raise ValueError(
            f"{path}: {error}; it is damaged, run the test again"
        ) from error
    if numbers.ndim != 2 or numbers.shape[1] < 2:
        raise ValueError(f"{path}: no table of predictions; run the test again")
    one = family in ONE_TARGET
    n_targets = 1 if one else numbers.shape[1] // 2
    targets = numbers[:, :n_targets]
    if one and not np.isin(targets, np.arange(numbers.shape[1] - 1)).all():
        raise ValueError(f"{path}: a target is no class; run the test again")
    return Predictions(
        [row[0] for row in rows],
        targets[:, 0].astype(int) if one else targets,
        numbers[:, n_targets:],
    )


def confusion(predictions):
    """How many tracks of a class were taken for which.

    Arguments
    ---------
    predictions : Predictions
        Of one class each.

    Returns
    -------
    numpy.ndarray
        ``(C, C)`` counts: a row is a true class. The trace over the sum is the
        accuracy in ``results.json``.

    Example
    -------
    >>> outputs = np.eye(3)[[0, 1, 1]]
    >>> confusion(Predictions(["a", "b", "c"], np.array([0, 1, 2]), outputs))
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 1, 0]])
    """
    n_classes = predictions.outputs.shape[1]
    counts = np.zeros((n_classes, n_classes), dtype=int)
    guesses = predictions.outputs.argmax(axis=1)
    np.add.at(counts, (predictions.targets, guesses), 1)
    return counts


def shares(counts):
    """Rows of a confusion matrix as shares.

    Arguments
    ---------
    counts : numpy.ndarray
        ``(C, C)``.

    Returns
    -------
    numpy.ndarray
        ``(C, C)``; a class without tracks is NaN.

    Example
    -------
    >>> shares(np.array([[1, 3], [0, 0]]))
    array([[0.25, 0.75],
           [ nan,  nan]])
    """
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(
        counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0
    )


def class_order(family, n_classes):
    """In which order classes are shown.

    Arguments
    ---------
    family : str
        Name of the family's class.
    n_classes : int
        C.

    Returns
    -------
    list of int
        Keys by the circle of fifths, others as they are numbered.

    Example
    -------
    >>> class_order("Key", 24)[:4], class_order("SingleLabel", 3)
    ([0, 21, 7, 16], [0, 1, 2])
    """
    return list(BY_FIFTHS) if family == "Key" else list(range(n_classes))
