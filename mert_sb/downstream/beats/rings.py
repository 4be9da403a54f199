"""The most likely path of a bar pointer: rings of states, one for each tempo.

A beat of n frames is a ring of n states; the pointer moves on by a state a frame, and
may change its ring only where a beat ends. So a path is a row of beats, and a step of
the search goes over the starts of beats, not over states: what lies between is a
difference of running sums. Starts less than the shortest beat apart do not depend on
one another and are taken together.

Source: Krebs, Boeck and Widmer, "An efficient state space model for joint tempo and
meter tracking", ISMIR 2015.

T frames, N rings, K beats of a path, L beats of a bar.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import numpy as np

# Candidates compared at once: few enough for a processor's cache.
CANDIDATES = 2**17


class Path(NamedTuple):
    """The beats of a path.

    Arguments
    ---------
    log_probability : float
        Of the path and the observations.
    starts : numpy.ndarray
        ``(K,)`` frames, ascending; the first may be up to a beat before frame 0.
    rings : numpy.ndarray
        ``(K,)`` indices of rings.
    numbers : numpy.ndarray
        ``(K,)`` places in the bar, from 0.

    Example
    -------
    >>> Path(-1.0, np.array([-2, 8]), np.array([1, 1]), np.array([3, 0])).starts
    array([-2,  8])
    """

    log_probability: float
    starts: np.ndarray
    rings: np.ndarray
    numbers: np.ndarray


class Rings:
    """Rings of all tempi of a range, and the best path through them.

    Arguments
    ---------
    bpm : tuple of (float, float)
        Slowest and fastest tempo, beats per minute.
    frame_rate : float
        Frames per second.
    transition_lambda : float
        How unlikely a change of tempo is: from ring i to ring j it has a probability
        proportional to exp(-lambda |j / i - 1|).
    observation_lambda : float
        The first of so many parts of a ring is its head, where a beat is heard.

    Raises
    ------
    ValueError
        If the range has no ring of two frames or more.

    Example
    -------
    >>> rings = Rings(
    ...     (55, 215), 75, transition_lambda=100, observation_lambda=16
    ... )
    >>> rings.intervals[[0, -1]], rings.heads[[0, -1]]
    (array([21, 82]), array([2, 6]))
    """

    def __init__(
        self, bpm, frame_rate, *, transition_lambda, observation_lambda
    ):
        slowest, fastest = bpm
        shortest = round(60 * frame_rate / fastest)
        longest = round(60 * frame_rate / slowest)
        if not 2 <= shortest <= longest:
            raise ValueError(
                f"bpm {bpm} gives beats of {shortest} to {longest} frames at "
                f"{frame_rate} frames per second; give (slowest, fastest), and "
                "at least two frames a beat"
            )
        self.intervals = np.arange(shortest, longest + 1)
        self.heads = np.ceil(self.intervals / observation_lambda).astype(int)
        ratios = self.intervals[:, None] / self.intervals
        chances = np.exp(-transition_lambda * abs(ratios - 1))
        # The published decoder's smallest chance.
        chances[chances <= np.spacing(1)] = 0
        with np.errstate(divide="ignore"):
            self.changes = np.log(chances / chances.sum(0))  # (to, from)

    def best_path(self, log_heads, log_rest):
        """Find the most likely path, which may begin and end in any state.

        As in the published decoder it begins a frame early, unheard.

        Arguments
        ---------
        log_heads : numpy.ndarray
            ``(L, T)``, finite: log-likelihood of a frame in the head of a bar's beat.
        log_rest : numpy.ndarray
            ``(T,)``, finite: of a frame elsewhere.

        Returns
        -------
        Path
            Of equally likely ones, any.

        Example
        -------
        >>> rings = Rings(
        ...     (20, 30), 10, transition_lambda=100, observation_lambda=16
        ... )
        >>> heads = np.full((1, 60), -5.0)
        >>> heads[0, [7, 8, 32, 33, 57, 58]] = 0
        >>> rings.best_path(heads, np.full(60, -1.0)).starts
        array([-18,   7,  32,  57])
        """
        sums = self._running_sums(log_heads, log_rest)
        table, sources = self._search(*sums)
        return self._trace(*self._best_end(table, *sums), sources)

    def _running_sums(self, log_heads, log_rest):
        """Sums of all frames before; zero before frame 0, shifted by ``pad``."""
        before = ((self.pad + 1, 0),)
        heads = np.pad(np.cumsum(log_heads, 1), ((0, 0), *before))
        return heads, np.pad(np.cumsum(log_rest), before)

    @property
    def pad(self):
        """Frames before frame 0 in which a first beat may start.

        Returns
        -------
        int
            The longest interval.

        Example
        -------
        >>> settings = {"transition_lambda": 100, "observation_lambda": 16}
        >>> Rings((60, 120), 10, **settings).pad
        10
        """
        return int(self.intervals[-1])

    def _heard(self, starts, ends, heads, rest):
        """``(L, ..., N)`` log-likelihood of frames from starts to before ends."""
        turns = np.minimum(starts + self.heads, ends) + self.pad
        starts, ends = starts + self.pad, ends + self.pad
        return heads[:, turns] - heads[:, starts] + rest[ends] - rest[turns]

    def _search(self, heads, rest):
        """Log-probabilities of the last starts, and the rings all came from.

        Row t modulo the table's length is of starts at frame t: before the first
        frame of a beat is heard.
        """
        n_beats, n_frames = len(heads), len(rest) - self.pad - 1
        n_rings = len(self.intervals)
        step = min(int(self.intervals[0]), CANDIDATES // n_rings**2 or 1)
        n_states = n_beats * self.intervals.sum()
        table = np.full((n_beats, self.pad + step, n_rings), -np.log(n_states))
        sources = np.zeros(
            (n_frames, n_beats, n_rings), np.min_scalar_type(n_rings)
        )
        columns = np.arange(n_rings)
        for first in range(0, n_frames, step):
            times = np.arange(first, min(first + step, n_frames))
            starts = times[:, None] - self.intervals
            rows = starts % table.shape[1]
            ended = table[:, rows, columns]
            ended = ended + self._heard(starts, times[:, None], heads, rest)
            for number in range(n_beats):
                chances = ended[number - 1][:, None] + self.changes
                best = chances.argmax(-1)
                sources[times, number] = best
                table[number, times % table.shape[1]] = np.take_along_axis(
                    chances, best[..., None], -1
                )[..., 0]
        return table, sources

    def _best_end(self, table, heads, rest):
        """The likeliest last beat: log-probability, start, ring, number."""
        n_frames = len(rest) - self.pad - 1
        starts = n_frames - 1 - np.arange(self.pad)[:, None]
        starts = np.broadcast_to(starts, (self.pad, len(self.intervals)))
        chances = table[:, starts % table.shape[1], np.arange(starts.shape[1])]
        chances = chances + self._heard(starts, n_frames, heads, rest)
        # A beat that has ended before the last frame is not the last one.
        chances[:, starts + self.intervals < n_frames] = -np.inf
        number, row, ring = np.unravel_index(chances.argmax(), chances.shape)
        return chances.max(), starts[row, ring], ring, number

    def _trace(self, log_probability, start, ring, number, sources):
        """The path that ends with a beat."""
        beats = [(start, ring, number)]
        while start > 0:
            ring = int(sources[start, number, ring])
            number = (number - 1) % sources.shape[1]
            start = start - self.intervals[ring]
            beats.append((start, ring, number))
        return Path(float(log_probability), *np.array(beats[::-1]).T)
