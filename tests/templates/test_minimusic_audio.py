"""The default data set's audio plays what its labels say.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest

from tests.utils.progress_lines import last_lines

SAMPLE_RATE = 24_000


def one_part(notes, *, program=0, stem="melody"):
    from pieces import Part

    return Part(stem, stem, program, "any", "any", 0.0, tuple(notes))


def spectrum(audio, rate):
    """Magnitudes and their frequencies in hertz, to a sixteenth of one."""
    size = 16 * rate
    magnitude = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), size))
    return magnitude, np.fft.rfftfreq(size, 1 / rate)


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


def test_a_second_run_keeps_files_and_mends_damage(
    synthesizer, tmp_path, capsys
):
    import soundfile

    from make_dataset import make_dataset

    options = {"hours": 0.004, "workers": 0, "stems": True}
    pieces, rendered = make_dataset(tmp_path, **options)
    assert pieces == rendered
    (piece,) = pieces
    said = last_lines(capsys.readouterr().err)["render"]
    assert (said["done"], said["total"], said["unit"]) == (1, 1, "piece")
    assert said["audio_hours"] == pytest.approx(piece.duration / 3600, 1e-3)
    audio = tmp_path / "audio" / f"{piece.name}.flac"
    info = soundfile.info(audio)
    assert (info.samplerate, info.channels) == (SAMPLE_RATE, 1)
    assert (info.frames, info.subtype) == (piece.n_samples, "PCM_16")
    labels = (tmp_path / "labels.json").read_text()
    assert json.loads(labels) == {piece.name: piece.labels()}
    content, written = audio.read_bytes(), audio.stat().st_mtime_ns

    assert make_dataset(tmp_path, **options) == (pieces, [])
    assert capsys.readouterr().err == ""
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
