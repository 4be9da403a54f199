"""The score: a piece of music and its labels as plain data.

All times are in seconds from the first sample. A piece is complete without
audio; ``render.py`` only makes it heard. Pitch classes are numbered from C = 0
and always named as in ``TONICS``, so that a key is ``"Eb minor"`` and a chord
``"Ab:maj7"`` (the syntax of Harte et al., ISMIR 2005, that ``mir_eval`` reads).

Authors
 * The mert_sb developers 2026
"""

from dataclasses import dataclass

from theory import QUALITIES, TONICS

SAMPLE_RATE = 24_000
STEMS = ("drums", "bass", "chords", "melody")
DIGITS = 6


@dataclass(frozen=True)
class Note:
    """One note; in beats while a part is written, in seconds in a piece.

    Arguments
    ---------
    start : float
        Onset.
    end : float
        Offset, after the onset.
    pitch : int
        MIDI number, 60 is middle C; in a drum part the drum of the MIDI kit.
    velocity : int
        Between 1 and 127.
    """

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Chord:
    """One chord and its span; in beats in a sketch, in seconds in a piece.

    Arguments
    ---------
    start : float
        Where it begins.
    end : float
        Where the next one begins.
    root : int
        Pitch class, 0 is C.
    quality : str
        A key of ``theory.QUALITIES``.

    Example
    -------
    >>> chord = Chord(0.0, 4.0, 9, "min7")
    >>> chord.label, chord.tones
    ('A:min7', (9, 0, 4, 7))
    """

    start: float
    end: float
    root: int
    quality: str

    @property
    def label(self):
        """Its name, such as ``"A:min7"``."""
        return f"{TONICS[self.root]}:{self.quality}"

    @property
    def tones(self):
        """Its pitch classes, from the root upwards."""
        intervals = QUALITIES[self.quality]
        return tuple((self.root + step) % 12 for step in intervals)


@dataclass(frozen=True)
class Part:
    """What one instrument plays.

    Arguments
    ---------
    name : str
        Role in the piece: ``melody``, ``chords``, ``pad``, ``bass``, ``drums``.
    stem : str
        The one of ``STEMS`` it is mixed into.
    program : int
        General MIDI program, counted from 0.
    instrument : str
        Its General MIDI name.
    family : str
        Its General MIDI family.
    gain_db : float
        Loudness in the mixture, relative to other parts.
    notes : tuple
        Of ``Note``, by onset.
    """

    name: str
    stem: str
    program: int
    instrument: str
    family: str
    gain_db: float
    notes: tuple


@dataclass(frozen=True)
class Piece:
    """A piece with every fact a music task may ask for.

    Arguments
    ---------
    name : str
        Identity, the stem of its file name.
    style : str
        Name of its style.
    tonic : int
        Pitch class of the key.
    mode : str
        ``major`` or ``minor``.
    tempo : float
        Quarter notes a minute, constant.
    beats_per_bar : int
        3 or 4.
    n_samples : int
        Length at ``SAMPLE_RATE``.
    peak_db : float
        Peak of the mixture relative to full scale.
    beats : tuple
        Times of all beats; every ``beats_per_bar``-th is a downbeat.
    chords : tuple
        Of ``Chord``, without gaps from the first beat to the last bar's end.
    parts : tuple
        Of ``Part``.
    """

    name: str
    style: str
    tonic: int
    mode: str
    tempo: float
    beats_per_bar: int
    n_samples: int
    peak_db: float
    beats: tuple
    chords: tuple
    parts: tuple

    @property
    def key(self):
        """The key as GiantSteps writes it, such as ``"Eb minor"``."""
        return f"{TONICS[self.tonic]} {self.mode}"

    @property
    def duration(self):
        """Length in seconds."""
        return self.n_samples / SAMPLE_RATE

    def labels(self):
        """The piece as a dictionary for ``labels.json``.

        Returns
        -------
        dict
            ``notes`` are rows of onset, offset, pitch, velocity and index into
            ``parts``; ``chords`` rows of start, end and name; floats rounded.
        """
        beats = [round(time, DIGITS) for time in self.beats]
        return {
            "beats": beats,
            "chords": [
                [round(c.start, DIGITS), round(c.end, DIGITS), c.label]
                for c in self.chords
            ],
            "downbeats": beats[:: self.beats_per_bar],
            "duration": round(self.duration, DIGITS),
            "key": self.key,
            "metre": f"{self.beats_per_bar}/4",
            "mode": self.mode,
            "notes": self._note_rows(),
            "num_samples": self.n_samples,
            "parts": [_part_facts(part) for part in self.parts],
            "peak_db": self.peak_db,
            "style": self.style,
            "tempo": self.tempo,
            "tonic": self.tonic,
        }

    def _note_rows(self):
        rows = [
            [round(n.start, DIGITS), round(n.end, DIGITS)]
            + [n.pitch, n.velocity, index]
            for index, part in enumerate(self.parts)
            for n in part.notes
        ]
        return sorted(rows)


def _part_facts(part):
    return {
        "family": part.family,
        "gain_db": part.gain_db,
        "instrument": part.instrument,
        "name": part.name,
        "program": part.program,
        "stem": part.stem,
    }
