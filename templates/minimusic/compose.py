"""The composer: a seed and a number to a piece of music, as plain data.

``compose(seed, index)`` draws a sketch (``sketch.py``), writes its parts in
beats (``melody.py``, ``backing.py``, ``drums.py``) and plays them: beats become seconds, with
swing and slight errors of timing and touch. Labels hold what is really played.

Authors
 * The mert_sb developers 2026
"""

from dataclasses import replace
from itertools import chain

from backing import write_bass, write_chords, write_pad
from drums import write_drums
from instruments import DRUM_KIT, describe
from melody import write_melody
from pieces import SAMPLE_RATE, Chord, Note, Part, Piece
from sketch import draw_sketch

# Role: writer, stem, loudness in the mixture in dB.
ROLES = {
    "melody": (write_melody, "melody", 0.0),
    "chords": (write_chords, "chords", -4.0),
    "pad": (write_pad, "chords", -9.0),
    "bass": (write_bass, "bass", -2.0),
    "drums": (write_drums, "drums", 0.0),
}
LEAD_IN = (0.1, 0.6)  # seconds before the first beat
RING_OUT = (1.0, 2.0)  # seconds after the last bar
SHORTEST = 0.03  # seconds of a note


def compose(seed, index):
    """Compose one piece.

    Arguments
    ---------
    seed : int
        Seed of the data set.
    index : int
        Number of the piece.

    Returns
    -------
    pieces.Piece
        20 to 40 seconds; a function of the two arguments.

    Example
    -------
    >>> piece = compose(1, 0)
    >>> piece == compose(1, 0), 20 <= piece.duration <= 40
    (True, True)
    """
    sketch = draw_sketch(seed, index)
    rng = sketch.dice("frame")
    beat = 60 / sketch.tempo
    start = round(rng.uniform(*LEAD_IN), 3)
    end = start + sketch.n_beats * beat + rng.uniform(*RING_OUT)
    return Piece(
        name=f"mini{seed}_{index:05d}",
        style=sketch.style_name,
        tonic=sketch.tonic,
        mode=sketch.mode,
        tempo=sketch.tempo,
        beats_per_bar=sketch.beats_per_bar,
        n_samples=round(end * SAMPLE_RATE),
        peak_db=round(rng.uniform(-9, -1), 2),
        beats=tuple(start + n * beat for n in range(sketch.n_beats)),
        chords=_chords(sketch, start, beat),
        parts=tuple(
            _part(sketch, role, start, beat) for role in sketch.programs
        ),
    )


def _chords(sketch, start, beat):
    """Chords in seconds, equal neighbours joined."""
    joined = []
    for chord in chain.from_iterable(p.chords for p in sketch.phrases):
        begin, end = start + chord.start * beat, start + chord.end * beat
        if joined and joined[-1].label == chord.label:
            joined[-1] = replace(joined[-1], end=end)
        else:
            joined.append(Chord(begin, end, chord.root, chord.quality))
    return tuple(joined)


def _part(sketch, role, start, beat):
    """Write and play all phrases of a role."""
    write, stem, level = ROLES[role]
    program = sketch.programs[role]
    written = [
        note
        for phrase in sketch.phrases
        if role in phrase.roles
        for note in write(sketch, phrase)
    ]
    rng = sketch.dice("play", role)
    instrument, family = DRUM_KIT if role == "drums" else describe(program)
    return Part(
        name=role,
        stem=stem,
        program=program,
        instrument=instrument,
        family=family,
        gain_db=round(level + rng.uniform(-2, 2), 2),
        notes=_play(rng, sketch.style, written, start, beat),
    )


def _play(rng, style, written, start, beat):
    """Beats to seconds, with the errors of a player, by onset."""
    played = []
    for note in written:
        error = max(-2.0, min(2.0, rng.gauss(0, 1))) * style.jitter
        begin = start + _swing(note.start, style.swing) * beat + error
        end = start + _swing(note.end, style.swing) * beat + error
        velocity = max(20, min(120, note.velocity + round(rng.gauss(0, 3))))
        end = max(end, begin + SHORTEST)
        played.append(Note(begin, end, note.pitch, velocity))
    return _separate(sorted(played, key=lambda n: (n.start, n.pitch)))


def _swing(position, share):
    """Move the second eighth of a beat to a share of the beat."""
    whole, part = divmod(position, 1)
    if part < 0.5:
        return whole + part * 2 * share
    return whole + share + (part - 0.5) * 2 * (1 - share)


def _separate(notes):
    """End a note where its pitch is struck again; drop exact doubles."""
    following, kept = {}, []
    for note in reversed(notes):
        limit = following.get(note.pitch, float("inf"))
        if limit - note.start >= SHORTEST:
            kept.append(replace(note, end=min(note.end, limit - SHORTEST / 3)))
            following[note.pitch] = note.start
    return tuple(reversed(kept))
