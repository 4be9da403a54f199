"""The drums: a pattern a bar, fills before and crashes after a phrase.

Authors
 * The mert_sb developers 2026
"""

from backing import choose_pattern, full_bars, velocity
from instruments import DRUMS
from patterns import DRUM_PATTERNS, FILLS, strikes
from pieces import Note

ACCENTS = {"X": 12, "x": 0, "o": -28}
LENGTH = 0.2  # beats


def write_drums(sketch, phrase):
    """Write the drums of a phrase, with a fill at its end and a crash.

    Arguments
    ---------
    sketch : sketch.Sketch
        The piece.
    phrase : form.Phrase
        One of its phrases.

    Returns
    -------
    list
        Of ``Note``, in beats; pitches are drums of the General MIDI kit.
    """
    rng = sketch.dice("drums", phrase.letter)
    names = sketch.style.drums
    kit = choose_pattern(sketch, phrase, "drums", names, DRUM_PATTERNS)
    length = sketch.beats_per_bar
    fill = rng.choice(FILLS) if rng.random() < 0.6 else ""
    fill_start = phrase.end - 1 if fill and not phrase.is_last else phrase.end
    hits = [
        (drum, bar + offset, symbol)
        for bar in full_bars(sketch, phrase)
        for drum, pattern in kit.items()
        for symbol, offset, _ in strikes(pattern, length)
        if bar + offset < fill_start or drum == "kick"
    ]
    if fill_start < phrase.end:
        drum = rng.choice(("snare", "tom"))
        hits += [(drum, fill_start + o, s) for s, o, _ in strikes(fill, 1)]
    if phrase.start and rng.random() < 0.6:
        hits.append(("crash", phrase.start, "x"))
    if phrase.is_last:
        hits += [(drum, phrase.end - length, "x") for drum in ("kick", "crash")]
    return [
        Note(
            beat,
            beat + LENGTH,
            DRUMS[drum],
            velocity(sketch, phrase, beat, ACCENTS[symbol]),
        )
        for drum, beat, symbol in hits
    ]
