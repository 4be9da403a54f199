"""The band: bass, chords and pad of a phrase.

Each follows a pattern of ``patterns.py`` over the chords of the phrase; the
last bar of a piece is one held chord.

Authors
 * The mert_sb developers 2026
"""

from itertools import pairwise

from instruments import INSTRUMENTS
from patterns import BASS_PATTERNS, CHORD_PATTERNS, strikes
from pieces import Note

ACCENTS = {"D": 4, "U": -10}
CENTRES = {"chords": 60, "pad": 66}  # mean pitch of voicings
GAP = 0.06  # beats between a note and the next
STRUM = 0.03  # beats between the strings of a strummed chord


def write_bass(sketch, phrase):
    """Write the bass of a phrase.

    Arguments
    ---------
    sketch : sketch.Sketch
        The piece.
    phrase : form.Phrase
        One of its phrases.

    Returns
    -------
    list
        Of ``Note``, in beats.
    """
    low = INSTRUMENTS[sketch.programs["bass"]][1]
    pattern = choose_pattern(
        sketch, phrase, "bass", sketch.style.bass, BASS_PATTERNS
    )
    notes, previous = [], None
    for symbol, start, end in _over_chords(sketch, phrase, pattern):
        chord = phrase.chord_at(start)
        tone = symbol if chord == previous else "R"
        previous = chord
        pitch = _bass_pitch(tone, chord, phrase.chord_at(end), low)
        loudness = velocity(sketch, phrase, start, 4)
        notes.append(Note(start, end - GAP, pitch, loudness))
    return notes


def write_chords(sketch, phrase):
    """Write the accompaniment of a phrase.

    Arguments
    ---------
    sketch : sketch.Sketch
        The piece.
    phrase : form.Phrase
        One of its phrases.

    Returns
    -------
    list
        Of ``Note``, in beats.
    """
    names = sketch.style.chords
    pattern = choose_pattern(sketch, phrase, "chords", names, CHORD_PATTERNS)
    notes = []
    for symbol, start, end in _over_chords(sketch, phrase, pattern):
        voicing = _voicing(phrase.chord_at(start), CENTRES["chords"])
        loudness = velocity(sketch, phrase, start, ACCENTS.get(symbol, 0) - 8)
        for delay, pitch in _strike_chord(symbol, voicing):
            notes.append(Note(start + delay, end - GAP, pitch, loudness))
    return notes


def write_pad(sketch, phrase):
    """Write held chords under a phrase.

    Arguments
    ---------
    sketch : sketch.Sketch
        The piece.
    phrase : form.Phrase
        One of its phrases.

    Returns
    -------
    list
        Of ``Note``, in beats.
    """
    return [
        Note(
            chord.start,
            chord.end - GAP,
            pitch,
            velocity(sketch, phrase, chord.start, -14),
        )
        for chord in phrase.chords
        for pitch in _voicing(chord, CENTRES["pad"])
    ]


def choose_pattern(sketch, phrase, role, names, table):
    """Draw a pattern of the style that fits the metre, one for each letter.

    Arguments
    ---------
    sketch : sketch.Sketch
        The piece.
    phrase : form.Phrase
        One of its phrases.
    role : str
        Who plays it.
    names : tuple
        Patterns of the style.
    table : dict
        Name to beats a bar to pattern, see ``patterns.py``.

    Returns
    -------
    str or dict
        The pattern.
    """
    metre = sketch.beats_per_bar
    fitting = [table[name][metre] for name in names if metre in table[name]]
    return sketch.dice("pattern", role, phrase.letter).choice(fitting)


def full_bars(sketch, phrase):
    """First beats of the bars that follow the pattern.

    Arguments
    ---------
    sketch : sketch.Sketch
        The piece.
    phrase : form.Phrase
        One of its phrases.

    Returns
    -------
    range
        All bars but the last of the piece.
    """
    end = phrase.end - sketch.beats_per_bar * phrase.is_last
    return range(phrase.start, end, sketch.beats_per_bar)


def _over_chords(sketch, phrase, pattern):
    """(symbol, start, end) of a phrase; struck anew where the chord changes."""
    length = sketch.beats_per_bar
    borders = [chord.start for chord in phrase.chords]
    for bar in full_bars(sketch, phrase):
        for symbol, offset, held in strikes(pattern, length):
            start, end = bar + offset, bar + offset + held
            inside = [b for b in borders if start < b < end]
            points = [start, *inside, end]
            yield from ((symbol, a, b) for a, b in pairwise(points))
    if phrase.is_last:
        yield "C", phrase.end - length, phrase.end


def _bass_pitch(tone, chord, following, low):
    root = low + (chord.root - low) % 12
    if tone == "A":
        goal = low + (following.root - low) % 12
        return goal - 1 if goal > low else goal + 2
    if tone == "O":
        return root + 12
    step = {"T": 1, "F": 2}.get(tone, 0)
    return root + (chord.tones[step] - chord.root) % 12


def _voicing(chord, centre):
    """The chord's tones in close position, the mean nearest to the centre."""
    voicings = []
    for inversion in range(len(chord.tones)):
        tones = chord.tones[inversion:] + chord.tones[:inversion]
        for octave in range(36, 84, 12):
            pitches = [octave + tones[0]]
            for tone in tones[1:]:
                pitches.append(pitches[-1] + (tone - pitches[-1]) % 12)
            voicings.append(pitches)
    return min(voicings, key=lambda v: abs(sum(v) / len(v) - centre))


def _strike_chord(symbol, voicing):
    """(delay, pitch) of the tones that a symbol asks for."""
    if symbol.isdigit():
        octave, tone = divmod(int(symbol), len(voicing))
        return [(0.0, voicing[tone] + 12 * octave)]
    if symbol == "D":
        strings = [voicing[-1] - 12, *voicing]
        return [(i * STRUM, pitch) for i, pitch in enumerate(strings)]
    if symbol == "U":
        return [(i * STRUM, p) for i, p in enumerate(voicing[::-1])]
    return [(0.0, pitch) for pitch in voicing]


def velocity(sketch, phrase, beat, accent):
    """Loudness of a note.

    Arguments
    ---------
    sketch : sketch.Sketch
        The piece.
    phrase : form.Phrase
        One of its phrases.
    beat : float
        Where the note begins; a downbeat is louder.
    accent : int
        Added to the loudness of style and phrase.

    Returns
    -------
    int
        MIDI velocity, not yet limited to its range.
    """
    downbeat = 5 * (beat % sketch.beats_per_bar == 0)
    return round(sketch.style.loudness + phrase.lift + accent + downbeat)
