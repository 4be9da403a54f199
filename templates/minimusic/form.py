"""Form and harmony: a piece as a row of four-bar phrases.

Phrases are named by letters (``AABA``); those of one letter share melody and
patterns, and their harmony but for the cadence. Even phrases and the last one
close on the tonic, others stay open, unless four chords go round.

Authors
 * The mert_sb developers 2026
"""

from dataclasses import dataclass

from pieces import Chord
from theory import LOOPS, NUMERALS, progression

BARS = 4
FORMS = ("AABA", "ABAB", "AABB", "ABAC")
LENGTHS = (19.0, 37.0)  # seconds, of all phrases together


@dataclass(frozen=True)
class Phrase:
    """Four bars of harmony, and who plays.

    Arguments
    ---------
    letter : str
        Phrases of one letter are alike.
    start : int
        First beat, counted from the piece's first.
    end : int
        First beat after it.
    chords : tuple
        Of ``Chord``, in beats of the piece.
    roles : frozenset
        Roles that play, such as ``melody`` and ``drums``.
    lift : int
        Added to all velocities.
    is_last : bool
        Whether the piece ends here.
    """

    letter: str
    start: int
    end: int
    chords: tuple
    roles: frozenset
    lift: int
    is_last: bool

    def chord_at(self, beat):
        """The chord that sounds.

        Arguments
        ---------
        beat : float
            In beats of the piece; at the phrase's end its last chord.

        Returns
        -------
        Chord
            In beats.
        """
        return next(c for c in reversed(self.chords) if c.start <= beat)


def draw_letters(rng, phrase_seconds):
    """Draw how many phrases a piece has, and which are alike.

    Arguments
    ---------
    rng : random.Random
        Draws the form.
    phrase_seconds : float
        Length of one phrase, at most 18 s.

    Returns
    -------
    str
        One letter a phrase.

    Example
    -------
    >>> import random
    >>> len(draw_letters(random.Random("a"), 16.0))
    2
    """
    shortest, longest = LENGTHS
    least = int(-(-shortest // phrase_seconds))
    n_phrases = rng.randint(least, int(longest // phrase_seconds))
    form = rng.choice(FORMS)
    return "".join(form[i % len(form)] for i in range(n_phrases))


def draw_phrases(roll, style, *, letters, tonic, mode, beats_per_bar, roles):
    """Draw harmony and arrangement of all phrases.

    Arguments
    ---------
    roll : callable
        Purpose to generator.
    style : styles.Style
        Style of the piece.
    letters : str
        One letter a phrase.
    tonic : int
        Pitch class of the key.
    mode : str
        ``major`` or ``minor``.
    beats_per_bar : int
        3 or 4.
    roles : tuple
        Everyone who may play.

    Returns
    -------
    tuple
        Of ``Phrase``.
    """
    per_bar = roll("rhythm of harmony").choice(style.chords_per_bar)
    per_bar = min(per_bar, 1) if beats_per_bar == 3 else per_bar
    arranger = roll("arrangement")
    length = BARS * beats_per_bar
    phrases = []
    for number, letter in enumerate(letters):
        is_last = number + 1 == len(letters)
        rng = roll("harmony", letter)
        closing = is_last or number % 2 == 1
        numerals = _numerals(rng, style, mode, per_bar, closing, is_last)
        start = number * length
        phrases.append(
            Phrase(
                letter,
                start,
                start + length,
                _spell(rng, style, numerals, tonic, mode, start, length),
                _who_plays(arranger, roles, number, len(letters)),
                arranger.randint(-6, 6) + 4 * (letter != "A"),
                is_last,
            )
        )
    return tuple(phrases)


def _numerals(rng, style, mode, per_bar, closing, is_last):
    """The chords of a phrase; the last bar of a piece has one only."""
    n_slots = int(BARS * per_bar)
    n_drawn = n_slots - max(per_bar - 1, 0) if is_last else n_slots
    if style.loops:
        loop = rng.choice(LOOPS[mode]).split()
        numerals = [loop[i % len(loop)] for i in range(n_drawn)]
        if is_last:
            numerals[-2:] = ("V", "I" if mode == "major" else "i")
    else:
        numerals = progression(
            rng, mode, n_drawn, closing=closing, rich=style.rich
        )
    return numerals + numerals[-1:] * (n_slots - n_drawn)


def _spell(rng, style, numerals, tonic, mode, start, length):
    """Numerals to chords with their spans."""
    step = length / len(numerals)
    chords = []
    for position, numeral in enumerate(numerals):
        offset, triad, seventh = NUMERALS[mode][numeral]
        dominant = numeral == "V" and style.rich and rng.random() < 0.5
        quality = seventh if style.sevenths or dominant else triad
        begin = start + position * step
        root = (tonic + offset) % 12
        chords.append(Chord(begin, begin + step, root, quality))
    return tuple(chords)


def _who_plays(rng, roles, number, n_phrases):
    """Leave someone out of the first phrase often, of inner ones at times."""
    absent = rng.choice(("melody", "drums", "pad", "bass"))
    first, last = number == 0, number + 1 == n_phrases
    share = 0.4 if first and n_phrases > 2 else 0.0 if first or last else 0.2
    if rng.random() < share:
        return frozenset(roles) - {absent}
    return frozenset(roles)
