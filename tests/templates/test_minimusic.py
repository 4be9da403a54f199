"""The default data set's music and labels.

Authors
 * The mert_sb developers 2026
"""

import collections
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "templates" / "minimusic"
MODULES = sorted(path.stem for path in FOLDER.glob("*.py"))
WITH_AUDIO = {"demo", "make_dataset", "render"}
SAMPLE_RATE = 24_000


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name, request):
    import doctest

    if name in WITH_AUDIO:
        request.getfixturevalue("synthesizer")
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_a_piece_depends_on_seed_and_number_only(composed):
    import random

    from compose import compose

    random.seed(0)
    state = random.getstate()
    assert compose(7, 123) == composed[123]
    assert random.getstate() == state
    assert compose(8, 123).labels() != composed[123].labels()
    assert compose(7, 124).labels() != composed[123].labels()


def test_pieces_cover_keys_styles_tempos_and_metres(composed):
    from styles import STYLES

    keys = collections.Counter(piece.key for piece in composed)
    assert len(keys) == 24
    assert max(keys.values()) < 0.1 * len(composed)
    styles = collections.Counter(piece.style for piece in composed)
    assert set(styles) == set(STYLES)
    assert min(styles.values()) > 0.05 * len(composed)
    tempos = [piece.tempo for piece in composed]
    assert 60 <= min(tempos) < 65
    assert 170 < max(tempos) <= 180
    assert {piece.beats_per_bar for piece in composed} == {3, 4}
    families = {part.family for p in composed for part in p.parts}
    assert len(families) >= 12


def test_styles_keep_their_tempo_and_instruments(composed):
    from styles import STYLES

    for piece in composed:
        style = STYLES[piece.style]
        assert style.tempo[0] <= piece.tempo <= style.tempo[1]
        programs = {part.name: part.program for part in piece.parts}
        assert programs["melody"] in style.melody_programs
        assert programs["bass"] in style.bass_programs
        assert ("drums" in programs) <= bool(style.drums)


def test_beats_are_a_steady_grid(composed):
    for piece in composed:
        labels = piece.labels()
        steps = np.diff(labels["beats"])
        np.testing.assert_allclose(steps, 60 / piece.tempo, atol=2e-6)
        assert labels["downbeats"] == labels["beats"][:: piece.beats_per_bar]
        assert len(labels["beats"]) % (4 * piece.beats_per_bar) == 0
        assert 0 < labels["beats"][0] < labels["beats"][-1] < piece.duration


def test_most_onsets_fall_on_eighths(composed):
    for piece in composed:
        if piece.style == "jazz":
            continue
        notes = np.array([row[0] for row in piece.labels()["notes"]])
        eighths = (notes - piece.beats[0]) * piece.tempo / 30
        if piece.style in ("techno", "funk", "bossa"):
            eighths = eighths * 2
        off = np.abs(eighths - np.rint(eighths))
        assert np.mean(off < 0.2) > 0.8, piece.name


def test_notes_lie_within_the_piece(composed):
    for piece in composed:
        assert 20 <= piece.duration <= 40
        for part in piece.parts:
            assert part.notes
            assert all(
                0 <= n.start < n.end <= piece.duration for n in part.notes
            )
            assert all(20 <= n.velocity <= 120 for n in part.notes)
            assert all(24 <= n.pitch <= 96 for n in part.notes)


def test_no_pitch_is_struck_while_it_sounds(composed):
    for piece in composed:
        for part in piece.parts:
            free = {}
            for note in part.notes:
                assert note.start >= free.get(note.pitch, 0.0)
                free[note.pitch] = note.end


def test_chords_follow_each_other_without_gaps(composed):
    for piece in composed:
        beat = 60 / piece.tempo
        assert piece.chords[0].start == pytest.approx(piece.beats[0])
        assert piece.chords[-1].end == pytest.approx(piece.beats[-1] + beat)
        for chord, following in zip(
            piece.chords, piece.chords[1:], strict=False
        ):
            assert chord.start < chord.end == following.start
            assert chord.label != following.label
        assert piece.chords[-1].root == piece.tonic


def test_notes_belong_to_the_key_and_to_the_chords(composed):
    from theory import SCALES

    for piece in composed:
        starts = [chord.start for chord in piece.chords]
        in_key, in_chord = [], []
        for part in piece.parts:
            if part.stem == "drums":
                continue
            for note in part.notes:
                degree = (note.pitch - piece.tonic) % 12
                in_key.append(degree in SCALES[piece.mode])
                place = np.searchsorted(starts, note.start + 0.06, "right") - 1
                tones = piece.chords[max(place, 0)].tones
                in_chord.append(note.pitch % 12 in tones)
        assert np.mean(in_key) > 0.75, piece.name
        assert np.mean(in_chord) > 0.7, piece.name


def test_melodies_keep_to_the_scale_and_end_on_the_tonic():
    from melody import write_melody
    from sketch import draw_sketch
    from theory import local_scale

    for index in range(50):
        sketch = draw_sketch(7, index)
        for phrase in sketch.phrases:
            notes = write_melody(sketch, phrase)
            for note in notes:
                chord = phrase.chord_at(note.start)
                scale = local_scale(sketch.tonic, sketch.mode, chord)
                assert note.pitch % 12 in scale
        assert notes[-1].pitch % 12 == sketch.tonic


def test_labels_are_plain_and_complete(composed):
    labels = composed[0].labels()
    assert json.loads(json.dumps(labels)) == labels
    assert len(labels["notes"]) == sum(len(p.notes) for p in composed[0].parts)
    part = labels["parts"][labels["notes"][0][4]]
    assert set(part) >= {"instrument", "family", "program", "stem", "name"}


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_progression_ends_and_every_chord_fits_its_scale(mode):
    import random

    from pieces import Chord
    from theory import NUMERALS, local_scale, progression

    for trial in range(300):
        n_slots = 2 + trial % 7
        numerals = progression(
            random.Random(trial), mode, n_slots, closing=True, rich=True
        )
        assert len(numerals) == n_slots
        assert numerals[-1] in ("I", "i")
    for offset, *qualities in NUMERALS[mode].values():
        for quality in qualities:
            chord = Chord(0.0, 1.0, (5 + offset) % 12, quality)
            scale = local_scale(5, mode, chord)
            assert set(chord.tones) <= scale
            assert len(scale) == 7


def test_patterns_exist_for_every_metre_of_a_style():
    import patterns
    from styles import STYLES

    for name, style in STYLES.items():
        for role in ("bass", "chord", "drum"):
            table = getattr(patterns, f"{role.upper()}_PATTERNS")
            chosen = getattr(style, role if role == "bass" else f"{role}s")
            assert set(chosen) <= set(table)
            for metre in style.metres if chosen else ():
                assert any(metre in table[p] for p in chosen), (name, metre)
