"""Metrics of beat tracking, after mir_eval.

Beats of a file are seconds, ascending. Nothing is trimmed, as in the benchmark; to
leave out a song's first seconds, as mir_eval's own evaluation does, use
``mir_eval.beat.trim_beats`` first. Beats that are not there are a bad result, never an
error; what a file without reference beats counts, each function says.

Sources: mir_eval (Raffel et al., ISMIR 2014); MARBLE (Yuan et al., NeurIPS 2023) for
pooling; Gouyon et al., "An experimental comparison of audio tempo induction
algorithms", 2006, for the accuracy of tempi.

F files, N beats, M beats.

Authors
 * The mert_sb developers 2026
"""

import mir_eval
import numpy as np


def pooled_f(estimates, references, *, tolerance=0.07):
    """F-measure of all files' beats counted together.

    Arguments
    ---------
    estimates : list of numpy.ndarray
        F files' ``(N,)``.
    references : list of numpy.ndarray
        F files' ``(M,)``; where there is none, every estimate is wrong.
    tolerance : float
        Seconds between a beat and its match, one to one.

    Returns
    -------
    float
        From 0 to 1; 0 if nothing matches.

    Example
    -------
    >>> pooled_f([[1.0, 2.0], [5.0]], [[1.05, 2.2], [5.0]])
    0.6666666666666666
    """
    matched = sum(
        len(mir_eval.util.match_events(reference, estimate, tolerance))
        for estimate, reference in zip(estimates, references, strict=True)
        if len(estimate) and len(reference)
    )
    total = sum(map(len, estimates)) + sum(map(len, references))
    return 2 * matched / total if total else 0.0


def f_measure(estimate, reference, *, tolerance=0.07):
    """F-measure of a file.

    Arguments
    ---------
    estimate : numpy.ndarray
        ``(N,)``.
    reference : numpy.ndarray
        ``(M,)``.
    tolerance : float
        Seconds.

    Returns
    -------
    float
        From 0 to 1; 0 if there are no beats.

    Example
    -------
    >>> f_measure([1.0, 2.0], [1.05, 2.2])
    0.5
    """
    return pooled_f([estimate], [reference], tolerance=tolerance)


def continuity(estimate, reference):
    """Share of a file's beats in runs at the right tempo.

    Arguments
    ---------
    estimate : numpy.ndarray
        ``(N,)``.
    reference : numpy.ndarray
        ``(M,)``.

    Returns
    -------
    tuple of (float, float, float, float)
        CMLc, CMLt, AMLc, AMLt: the longest run and all runs, at the reference's
        metrical level, then at any: off-beat, twice or half the tempo too. 0 with
        fewer than two beats.

    Example
    -------
    >>> reference = np.arange(0, 20, 0.5)
    >>> continuity(reference[::2], reference)
    (0.0, 0.0, 1.0, 1.0)
    """
    if min(len(estimate), len(reference)) < 2:
        return 0.0, 0.0, 0.0, 0.0
    scores = mir_eval.beat.continuity(
        np.asarray(reference, float), np.asarray(estimate, float)
    )
    return tuple(float(score) for score in scores)


def tempo(beats):
    """Tempo of beats.

    Arguments
    ---------
    beats : numpy.ndarray
        ``(N,)``.

    Returns
    -------
    float
        Beats per minute: of the mean interval, of those within a tenth of the median,
        as frames make single intervals coarse. 0 with fewer than two beats, or
        beats that are all at one time.

    Example
    -------
    >>> round(tempo([0.0, 0.493, 1.0, 1.493, 2.0, 4.0]), 6)
    120.0
    """
    intervals = np.diff(beats)
    median = np.median(intervals) if len(intervals) else 0.0
    if not median:
        return 0.0
    near = abs(intervals - median) <= median / 10
    return float(60 / intervals[near].mean()) if near.any() else 60 / median


def same_tempo(estimate, reference, *, factors=(1,), tolerance=0.04):
    """Whether a tempo is right, or so many times the right one.

    Arguments
    ---------
    estimate : float
        Beats per minute.
    reference : float
        Beats per minute, above 0.
    factors : tuple of float
        Accepted.
    tolerance : float
        Share of the accepted tempo.

    Returns
    -------
    bool
        Whether it is.

    Example
    -------
    >>> same_tempo(61, 120), same_tempo(61, 120, factors=(1, 0.5))
    (False, True)
    """
    return any(
        abs(estimate / (factor * reference) - 1) <= tolerance
        for factor in factors
    )
