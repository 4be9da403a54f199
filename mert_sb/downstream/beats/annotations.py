"""Files of beats: ``.beats`` text, and JAMS as of GTZAN-Rhythm.

A row of text is a time in seconds and the beat's place in its bar, 1 at downbeats; "#"
and "%" begin a comment. Place 0 is an unknown one, whose row is the time alone.

N beats, K downbeats.

Sources: Foscarin, Schlueter and Widmer (CPJKU/beat_this_annotations); Marchand, Fresnel
and Peeters, GTZAN-Rhythm (JAMS with namespace "beat").

Authors
 * The mert_sb developers 2026
"""

import re
from pathlib import Path

import numpy as np
from speechbrain.utils.logger import get_logger

from mert_sb.texts import parse_json

logger = get_logger(__name__)

# Times nearer than this, in seconds, are one beat.
SAME = 1e-3
# Of a downbeat from the nearest beat, in seconds: what is right in scoring.
FAR = 0.07
# Places in a bar; more beats has none.
MOST_PLACES = 1000


def read_beats(path):
    """Read beats.

    Times are sorted, those within a millisecond of the last are one beat, and those
    before 0 are dropped, each with a warning.

    Arguments
    ---------
    path : str or pathlib.Path
        Ends in ``.jams``, or is text.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        ``(N,)`` seconds, and ``(N,)`` places in the bar from 1, 0 where unknown. None
        of a file without beats.

    Raises
    ------
    ValueError
        Names file and line, if a row has anything but a time and a place, or says what
        a JAMS file lacks.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.beats"
    >>> _ = path.write_text("# by hand\\n0.5\\t4\\n1.0\\t1\\n")
    >>> read_beats(path)
    (array([0.5, 1. ]), array([4, 1]))
    """
    path = Path(path)
    # Comments may be in any encoding; numbers are the same in all.
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if path.suffix == ".jams":
        beats, downbeats = _from_jams(text, path)
        beats, _ = _tidy(beats, np.zeros(len(beats), int), path)
        return beats, bar_positions(beats, downbeats)
    rows = [re.split("[#%]", line)[0].split() for line in text.splitlines()]
    parsed = [
        _parse(row, f"{path}:{number}")
        for number, row in enumerate(rows, start=1)
        if row
    ]
    times = np.array([time for time, _ in parsed], float)
    return _tidy(times, np.array([place for _, place in parsed], int), path)


def write_beats(path, times, positions):
    """Write beats as text, milliseconds.

    Arguments
    ---------
    path : str or pathlib.Path
        Of the file.
    times : numpy.ndarray
        ``(N,)`` seconds.
    positions : numpy.ndarray
        ``(N,)`` places in the bar from 1, 0 where unknown.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.beats"
    >>> write_beats(path, np.array([0.5, 1.0]), np.array([0, 1]))
    >>> path.read_text()
    '0.500\\n1.000\\t1\\n'
    """
    rows = [
        f"{time:.3f}\t{place}\n" if place else f"{time:.3f}\n"
        for time, place in zip(times, positions, strict=True)
    ]
    Path(path).write_text("".join(rows), encoding="utf-8")


def within(times, positions, seconds, name):
    """Beats of a clip; those at its end or later are dropped with a warning.

    Arguments
    ---------
    times : numpy.ndarray
        ``(N,)`` seconds.
    positions : numpy.ndarray
        ``(N,)`` places in the bar.
    seconds : float
        The clip's length.
    name : str
        Of the clip, for the warning.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        Times and places.

    Example
    -------
    >>> within(np.array([0.5, 30.5]), np.array([4, 1]), 30, "a.wav")
    (array([0.5]), array([4]))
    """
    kept = times < seconds
    if not kept.all():
        logger.warning(
            "%s: %d beats at or beyond its end at %.3f s are left out",
            name,
            (~kept).sum(),
            seconds,
        )
    return times[kept], positions[kept]


def bar_positions(beats, downbeats):
    """Count beats from downbeats.

    Arguments
    ---------
    beats : numpy.ndarray
        ``(N,)`` seconds, ascending.
    downbeats : numpy.ndarray
        ``(K,)`` seconds; each makes the beat nearest to it a first.

    Returns
    -------
    numpy.ndarray
        ``(N,)`` places in the bar from 1. Those before the first downbeat are counted
        as if its bar were as long as the one after it; 0 if there is none.

    Example
    -------
    >>> bar_positions(np.arange(8.0), np.array([2.0, 5.0]))
    array([2, 3, 1, 2, 3, 1, 2, 3])
    """
    beats, downbeats = np.asarray(beats, float), np.asarray(downbeats, float)
    if not len(beats) or not len(downbeats):
        return np.zeros(len(beats), int)
    firsts = np.unique(_nearest(beats, downbeats))
    indices = np.arange(len(beats))
    bars = np.searchsorted(firsts, indices, side="right") - 1
    positions = indices - firsts[bars] + 1
    early = indices < firsts[0]
    positions[early] = 0
    if len(firsts) > 1:
        length = firsts[1] - firsts[0]
        positions[early] = (indices[early] - firsts[0]) % length + 1
    return positions


def _nearest(times, others):
    """Which of ascending times each of the others is nearest to, the first of two."""
    after = np.searchsorted(times, others).clip(1, max(len(times) - 1, 1))
    before = after - 1
    after = after.clip(max=len(times) - 1)
    nearer = abs(times[after] - others) < abs(others - times[before])
    return np.where(nearer, after, before)


def _parse(row, place):
    """Time and place in the bar of a row's fields."""
    try:
        time, position = map(float, [*row, "0"][: max(2, len(row))])
    except ValueError:
        time, position = np.nan, 0
    whole = 0 <= position <= MOST_PLACES and position % 1 == 0
    if not (np.isfinite(time) and whole):
        raise ValueError(
            f"{place}: {' '.join(row)!r} is not a time in seconds and a whole "
            "number, the place in the bar; begin comments with #"
        )
    return time, int(position)


def _from_jams(text, path):
    """Times of beats and downbeats, as they come."""
    found = {}
    try:
        for annotation in parse_json(text, path)["annotations"]:
            if annotation["namespace"] == "beat":
                kind = annotation["sandbox"]["annotation_type"]
                rows = annotation["data"]
                found[kind] = np.array([float(row["time"]) for row in rows])
        beats, downbeats = found["beat"], found.get("downbeat", np.zeros(0))
        if not np.isfinite([*beats, *downbeats]).all():
            raise ValueError("a time is not finite")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path}: is not JAMS with an annotation of namespace "beat", '
            'whose sandbox has annotation_type "beat" and whose data have '
            f"times: {error!r}"
        ) from error
    if len(beats) and len(downbeats):
        ordered = np.sort(beats)
        nearest = ordered[_nearest(ordered, downbeats)]
        far = abs(downbeats - nearest) > FAR
        if far.any():
            logger.warning(
                "%s: %d downbeats are far from any beat", path, far.sum()
            )
    return beats, downbeats


def _tidy(times, positions, path):
    """Beats sorted, once each and not before 0."""
    if (np.diff(times) < 0).any():
        logger.warning("%s: beats are not in order; they are sorted", path)
    order = np.argsort(times)
    times, positions = times[order], positions[order]
    early = times < 0
    if early.any():
        logger.warning("%s: %d beats before 0 are left out", path, early.sum())
    times, positions = times[~early], positions[~early]
    # A hair more than a millisecond: decimals are not exact.
    firsts = np.flatnonzero(np.diff(times, prepend=-1) > SAME + 1e-9)
    if len(firsts) < len(times):
        count = len(times) - len(firsts)
        logger.warning("%s: %d beats come twice; one is kept", path, count)
    # An unknown place is the highest number there is, so that a known one wins.
    unknown = np.iinfo(positions.dtype).max
    positions = np.where(positions, positions, unknown)
    if len(firsts):
        positions = np.minimum.reduceat(positions, firsts)
    return times[firsts], np.where(positions == unknown, 0, positions)
