"""The sketch: what is decided before any note is written.

Style, key, tempo, metre, instruments, form and harmony.

Authors
 * The mert_sb developers 2026
"""

from dataclasses import dataclass
from functools import partial

from dice import dice
from form import BARS, draw_letters, draw_phrases
from styles import STYLES


@dataclass(frozen=True)
class Sketch:
    """A piece before its notes.

    Arguments
    ---------
    seed : int
        Seed of the data set.
    index : int
        Number of the piece.
    style_name : str
        A key of ``STYLES``.
    tonic : int
        Pitch class of the key.
    mode : str
        ``major`` or ``minor``.
    tempo : float
        Quarter notes a minute.
    beats_per_bar : int
        3 or 4.
    programs : dict
        Role to General MIDI program; roles that never play are absent.
    phrases : tuple
        Of ``form.Phrase``.
    """

    seed: int
    index: int
    style_name: str
    tonic: int
    mode: str
    tempo: float
    beats_per_bar: int
    programs: dict
    phrases: tuple

    @property
    def style(self):
        """The ``Style`` of the piece."""
        return STYLES[self.style_name]

    @property
    def n_beats(self):
        """Beats of all phrases."""
        return self.phrases[-1].end

    def dice(self, *purpose):
        """The generator of this piece for a purpose.

        Arguments
        ---------
        *purpose : str
            What is drawn.

        Returns
        -------
        random.Random
            See ``dice.dice``.
        """
        return dice(self.seed, self.index, *purpose)


def draw_sketch(seed, index):
    """Decide everything but the notes of a piece.

    Arguments
    ---------
    seed : int
        Seed of the data set.
    index : int
        Number of the piece.

    Returns
    -------
    Sketch
        A function of the two arguments.

    Example
    -------
    >>> sketch = draw_sketch(1, 0)
    >>> sketch == draw_sketch(1, 0), sketch == draw_sketch(1, 1)
    (True, False)
    """
    rng = dice(seed, index, "sketch")
    style_name = rng.choice(sorted(STYLES))
    style = STYLES[style_name]
    tonic = rng.randrange(12)
    mode = "minor" if rng.random() < style.minor else "major"
    tempo = round(rng.uniform(*style.tempo), 1)
    beats_per_bar = rng.choice(style.metres)
    programs = _draw_programs(rng, style)
    phrases = draw_phrases(
        partial(dice, seed, index),
        style,
        letters=draw_letters(rng, BARS * beats_per_bar * 60 / tempo),
        tonic=tonic,
        mode=mode,
        beats_per_bar=beats_per_bar,
        roles=tuple(programs),
    )
    return Sketch(
        seed=seed,
        index=index,
        style_name=style_name,
        tonic=tonic,
        mode=mode,
        tempo=tempo,
        beats_per_bar=beats_per_bar,
        programs=programs,
        phrases=phrases,
    )


def _draw_programs(rng, style):
    """Role to program; melody and accompaniment differ where they can."""
    melody = rng.choice(style.melody_programs)
    others = [p for p in style.chord_programs if p != melody]
    programs = {
        "melody": melody,
        "chords": rng.choice(others or style.chord_programs),
        "bass": rng.choice(style.bass_programs),
    }
    if style.pad_programs and rng.random() < 0.6:
        programs["pad"] = rng.choice(style.pad_programs)
    if style.drums and rng.random() < style.drum_share:
        programs["drums"] = 0
    return programs
