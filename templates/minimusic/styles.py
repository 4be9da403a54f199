"""Ten styles: tempo, metre, harmony, patterns and instruments of each.

Patterns are named here and written out in ``patterns.py``; instruments are
General MIDI programs of ``instruments.py``.

Authors
 * The mert_sb developers 2026
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Style:
    """How pieces of one style are made; a choice is drawn from each tuple.

    Arguments
    ---------
    tempo : tuple
        Slowest and fastest, in quarter notes a minute.
    metres : tuple
        Beats a bar, each 3 or 4; repeat one to make it likelier.
    minor : float
        Share of pieces in minor keys.
    loops : bool
        Whether four chords go round, or phrases run to cadences.
    rich : bool
        Whether to borrow chords from outside the key.
    sevenths : bool
        Whether chords have four tones.
    chords_per_bar : tuple
        Harmonic rhythms for 4/4; a bar of 3/4 has at most one chord.
    swing : float
        Where in a beat its second eighth falls; 0.5 is straight.
    jitter : float
        Standard deviation of onsets around the grid, in seconds.
    loudness : int
        Mean velocity.
    density : str
        ``sparse``, ``medium`` or ``dense`` melodies.
    drums, bass, chords : tuple
        Names of patterns; no drums if empty.
    drum_share : float
        Share of pieces with drums.
    bass_programs, chord_programs, melody_programs, pad_programs : tuple
        Programs; no pad if empty.
    """

    tempo: tuple
    metres: tuple = (4,)
    minor: float = 0.5
    loops: bool = False
    rich: bool = False
    sevenths: bool = False
    chords_per_bar: tuple = (1,)
    swing: float = 0.5
    jitter: float = 0.006
    loudness: int = 84
    density: str = "medium"
    drums: tuple = ()
    drum_share: float = 1.0
    bass: tuple
    chords: tuple
    bass_programs: tuple
    chord_programs: tuple
    melody_programs: tuple
    pad_programs: tuple = ()


STYLES = {
    "ambient": Style(
        tempo=(60, 92),
        minor=0.6,
        loops=True,
        chords_per_bar=(0.5, 1),
        loudness=68,
        density="sparse",
        bass=("roots",),
        chords=("block", "arpeggio"),
        bass_programs=(38, 39, 35),
        chord_programs=(4, 11, 46, 108),
        melody_programs=(75, 79, 8, 53, 54),
        pad_programs=(88, 89, 91, 51),
    ),
    "ballad": Style(
        tempo=(60, 88),
        metres=(4, 4, 4, 3),
        minor=0.4,
        rich=True,
        chords_per_bar=(1, 1, 2),
        jitter=0.01,
        loudness=74,
        drums=("ballad", "halftime"),
        bass=("roots", "halves"),
        chords=("block", "arpeggio", "broken"),
        bass_programs=(32, 33, 35),
        chord_programs=(0, 2, 4, 24),
        melody_programs=(0, 40, 42, 52, 64, 66, 71, 73),
        pad_programs=(48, 51),
    ),
    "bossa": Style(
        tempo=(112, 146),
        minor=0.45,
        rich=True,
        sevenths=True,
        chords_per_bar=(1,),
        loudness=76,
        drums=("bossa",),
        bass=("bossa",),
        chords=("bossa", "syncopated"),
        bass_programs=(32,),
        chord_programs=(24, 26, 4),
        melody_programs=(73, 66, 57, 11, 53, 24),
    ),
    "chorale": Style(
        tempo=(60, 84),
        metres=(4, 4, 3),
        minor=0.5,
        rich=True,
        chords_per_bar=(2,),
        jitter=0.008,
        loudness=78,
        bass=("steps", "halves"),
        chords=("held", "halves"),
        bass_programs=(43, 42, 70),
        chord_programs=(19, 48, 52, 53),
        melody_programs=(19, 52, 40, 68, 56),
    ),
    "folk": Style(
        tempo=(88, 132),
        metres=(4, 4, 3),
        minor=0.35,
        chords_per_bar=(1,),
        jitter=0.01,
        drums=("tambourine",),
        bass=("halves", "roots"),
        chords=("strum", "broken"),
        bass_programs=(32,),
        chord_programs=(25, 24, 105),
        melody_programs=(110, 73, 74, 40, 71, 105),
    ),
    "funk": Style(
        tempo=(92, 118),
        minor=0.7,
        loops=True,
        sevenths=True,
        chords_per_bar=(0.5, 1),
        loudness=92,
        density="dense",
        drums=("funk", "breakbeat"),
        bass=("funk", "slap"),
        chords=("scratch", "syncopated"),
        bass_programs=(36, 33),
        chord_programs=(27, 28, 7, 16),
        melody_programs=(66, 56, 62, 18, 4),
    ),
    "jazz": Style(
        tempo=(120, 180),
        metres=(4, 4, 4, 3),
        minor=0.4,
        rich=True,
        sevenths=True,
        chords_per_bar=(1, 2),
        swing=0.64,
        jitter=0.01,
        density="dense",
        drums=("swing",),
        bass=("walking",),
        chords=("charleston", "block"),
        bass_programs=(32,),
        chord_programs=(0, 26, 11),
        melody_programs=(66, 59, 56, 64, 57, 71, 26),
    ),
    "rock": Style(
        tempo=(104, 168),
        minor=0.5,
        loops=True,
        chords_per_bar=(1,),
        loudness=98,
        drums=("rock", "driving", "halftime"),
        bass=("pulse", "rock"),
        chords=("eighths", "strum", "block"),
        bass_programs=(33, 34),
        chord_programs=(29, 30, 27),
        melody_programs=(29, 30, 18, 81, 27),
    ),
    "techno": Style(
        tempo=(122, 148),
        minor=0.8,
        loops=True,
        chords_per_bar=(0.5, 1),
        jitter=0.001,
        loudness=100,
        density="dense",
        drums=("techno", "house"),
        bass=("offbeat", "octaves"),
        chords=("stabs", "sequence"),
        bass_programs=(38, 39),
        chord_programs=(62, 81, 80, 51),
        melody_programs=(80, 81, 62, 12),
        pad_programs=(89, 51),
    ),
    "waltz": Style(
        tempo=(96, 180),
        metres=(3,),
        minor=0.5,
        rich=True,
        chords_per_bar=(1,),
        jitter=0.008,
        loudness=80,
        drums=("waltz",),
        drum_share=0.5,
        bass=("waltz",),
        chords=("waltz",),
        bass_programs=(43, 32, 70),
        chord_programs=(0, 6, 48, 24),
        melody_programs=(40, 73, 71, 68, 0, 69),
    ),
}
