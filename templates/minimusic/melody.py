"""The tune: motifs over the chords.

A phrase is four bars *a b a c*: the rhythm and the steps of a motif return,
begun again on a tone of the bar's chord, and *c* ends on a long chord tone.
Strong beats fall on chord tones, others on the key's scale.

Authors
 * The mert_sb developers 2026
"""

from instruments import INSTRUMENTS
from patterns import MELODY_RHYTHMS
from pieces import Note
from theory import local_scale

STEPS = (-1, 1, -1, 1, -2, 2, 0, 1, -1, 3, -3, 4)
ENDINGS = {4: ((2, -2), (3, -1), (1, 2, -1)), 3: ((3,), (2, -1))}
SHORTEST_REST = 0.08  # beats cut from every note, so that repeats are heard


def write_melody(sketch, phrase):
    """Write the melody of a phrase.

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
    rng = sketch.dice("melody", phrase.letter)
    low, high = INSTRUMENTS[sketch.programs["melody"]][1:]
    motifs = _draw_motifs(rng, sketch)
    pitch = rng.randint(low + 5, high - 7)
    notes = []
    for bar, name in enumerate("abac"):
        start = phrase.start + bar * sketch.beats_per_bar
        for offset, length, step in motifs[name]:
            chord = phrase.chord_at(start + offset)
            scale = local_scale(sketch.tonic, sketch.mode, chord)
            pitch = _move(pitch, step, scale, low, high)
            if offset % 1 == 0 and (offset % 2 == 0 or length >= 1):
                pitch = _nearest(pitch, chord.tones, low, high)
            begin = start + offset
            end = begin + length - SHORTEST_REST
            notes.append(
                Note(begin, end, pitch, _loudness(sketch, phrase, begin))
            )
    if phrase.is_last and notes:
        notes[-1] = _on_tonic(notes[-1], sketch.tonic, low, high)
    return notes


def _draw_motifs(rng, sketch):
    """Motif name to a list of (offset, length, step), rests left out."""
    beats = sketch.beats_per_bar
    rhythms = MELODY_RHYTHMS[sketch.style.density][beats]
    chosen = {name: rng.choice(rhythms) for name in "ab"}
    chosen["c"] = rng.choice(ENDINGS[beats])
    motifs = {}
    for name, rhythm in chosen.items():
        offset, motif = 0, []
        for length in rhythm:
            if length > 0:
                motif.append((offset, length, rng.choice(STEPS)))
            offset += abs(length)
        motifs[name] = motif
    return motifs


def _move(pitch, step, scale, low, high):
    """Go some steps of a scale, turning round at the ends of the range."""
    steps = [p for p in range(low, high + 1) if p % 12 in scale]
    here = min(range(len(steps)), key=lambda i: abs(steps[i] - pitch))
    there = here + step
    if not 0 <= there < len(steps):
        there = here - step
    return steps[there]


def _nearest(pitch, tones, low, high):
    """The chord tone nearest to a pitch."""
    choices = [p for p in range(low, high + 1) if p % 12 in tones]
    return min(choices, key=lambda p: abs(p - pitch))


def _on_tonic(note, tonic, low, high):
    pitch = _nearest(note.pitch, (tonic,), low, high)
    return Note(note.start, note.end, pitch, note.velocity)


def _loudness(sketch, phrase, beat):
    """A swell over the phrase, and an accent on the downbeat."""
    place = (beat - phrase.start) / (phrase.end - phrase.start)
    swell = 12 * (1 - abs(2 * place - 1))
    accent = 6 * (beat % sketch.beats_per_bar == 0)
    return round(sketch.style.loudness + phrase.lift + swell + accent)
