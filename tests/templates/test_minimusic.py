"""The default data set: its labels are exact and its audio plays them.

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
WITH_AUDIO = {"make_dataset", "render"}
SAMPLE_RATE = 24_000


@pytest.fixture(autouse=True)
def _import_from_template(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def synthesizer():
    """The optional packages that make audio."""
    pytest.importorskip("midirenderer")
    pytest.importorskip("pretty_midi")


@pytest.fixture(scope="module")
def composed():
    """Enough pieces for every key and style to come up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        from compose import compose

        return [compose(7, index) for index in range(500)]


def one_part(notes, *, program=0, stem="melody"):
    from pieces import Part

    return Part(stem, stem, program, "any", "any", 0.0, tuple(notes))


def spectrum(audio, rate):
    """Magnitudes and their frequencies in hertz, to a sixteenth of one."""
    size = 16 * rate
    magnitude = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), size))
    return magnitude, np.fft.rfftfreq(size, 1 / rate)


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


def test_variable_length_numbers_are_those_of_the_standard():
    from midi import _variable_length

    known = {
        0: "00",
        0x7F: "7f",
        0x80: "8100",
        0x3FFF: "ff7f",
        0x4000: "818000",
    }
    assert {n: _variable_length(n).hex() for n in known} == known


def test_missing_packages_are_named(monkeypatch):
    import render

    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    render.sound_font.cache_clear()
    with pytest.raises(ImportError, match=r"midirenderer.*mert_sb\[demo\]"):
        render.sound_font()


@pytest.mark.parametrize("program", [0, 11, 33, 40, 73, 80])
def test_a4_sounds_at_440_hz(synthesizer, program):
    from pieces import Note
    from render import render_part

    part = one_part([Note(0.1, 1.9, 69, 100)], program=program)
    magnitude, hertz = spectrum(render_part(part, 2 * SAMPLE_RATE), 48_000)
    near = (hertz > 415) & (hertz < 466)
    assert hertz[near][magnitude[near].argmax()] == pytest.approx(440, abs=4)
    assert magnitude[near].max() > 0.5 * magnitude[hertz < 466].max()


def test_drums_play_the_kit_and_not_pitches(synthesizer):
    from pieces import Note
    from render import render_part

    shares = []
    for stem in ("drums", "melody"):
        part = one_part([Note(0.1, 1.9, 69, 100)], stem=stem)
        magnitude, hertz = spectrum(render_part(part, 2 * SAMPLE_RATE), 48_000)
        power = magnitude**2
        near = (hertz > 415) & (hertz < 466)
        shares.append(power[near].sum() / power.sum())
    assert shares[0] < 0.02 < 0.3 < shares[1]


@pytest.mark.parametrize("start", [0.25, 1.2345])
def test_notes_sound_when_the_labels_say(synthesizer, start):
    from pieces import Note
    from render import render_part

    note = Note(start, start + 0.5, 69, 100)
    audio = render_part(one_part([note], program=12), 2 * SAMPLE_RATE)
    first = np.flatnonzero(np.abs(audio) > 1e-3)[0] / 48_000
    assert len(audio) == 4 * SAMPLE_RATE
    assert first == pytest.approx(start, abs=0.003)


def test_rendering_twice_gives_equal_samples_of_the_right_length(synthesizer):
    from compose import compose
    from render import render

    piece = compose(7, 3)
    first, second = render(piece)["mixture"], render(piece, with_stems=True)
    assert first.dtype == np.int16
    assert first.shape == (piece.n_samples,)
    np.testing.assert_array_equal(first, second["mixture"])
    peak = 20 * np.log10(np.abs(first.astype(float)).max() / 32_767)
    assert peak == pytest.approx(piece.peak_db, abs=0.01)
    stems = [second[name].astype(int) for name in second if name != "mixture"]
    assert len(stems) == 4
    assert np.abs(sum(stems) - first).max() <= 3
    assert np.abs(stems).max(axis=1).min() > 0


def test_a_second_run_keeps_files_and_mends_damage(synthesizer, tmp_path):
    import soundfile

    from make_dataset import make_dataset

    options = {"hours": 0.004, "workers": 0, "stems": True}
    pieces, rendered = make_dataset(tmp_path, **options)
    assert pieces == rendered
    (piece,) = pieces
    audio = tmp_path / "audio" / f"{piece.name}.flac"
    info = soundfile.info(audio)
    assert (info.samplerate, info.channels) == (SAMPLE_RATE, 1)
    assert (info.frames, info.subtype) == (piece.n_samples, "PCM_16")
    labels = (tmp_path / "labels.json").read_text()
    assert json.loads(labels) == {piece.name: piece.labels()}
    content, written = audio.read_bytes(), audio.stat().st_mtime_ns

    assert make_dataset(tmp_path, **options) == (pieces, [])
    assert audio.stat().st_mtime_ns == written

    samples, _ = soundfile.read(audio, dtype="int16")
    soundfile.write(audio, samples[:-1], SAMPLE_RATE)
    assert make_dataset(tmp_path, **options) == (pieces, pieces)
    assert audio.read_bytes() == content
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "audio",
        "labels.json",
        "stems",
    ]


def test_audio_of_another_data_set_is_refused(synthesizer, tmp_path):
    from make_dataset import make_dataset

    stranger = tmp_path / "audio" / "other.flac"
    stranger.parent.mkdir()
    stranger.touch()
    with pytest.raises(FileExistsError, match="other.flac"):
        make_dataset(tmp_path, hours=0.004, workers=0)


def test_an_interrupted_run_leaves_no_half_file(
    synthesizer, tmp_path, monkeypatch
):
    import files
    from make_dataset import make_dataset

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            make_dataset(tmp_path, hours=0.004, workers=0)
    assert not list((tmp_path / "audio").iterdir())
    assert not (tmp_path / "labels.json").exists()
    _, rendered = make_dataset(tmp_path, hours=0.004, workers=0)
    assert len(rendered) == 1
    assert not (tmp_path / "unfinished").exists()
