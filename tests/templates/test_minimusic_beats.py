"""Beats of songs by a head that has heard minimusic: the grid, and the whole script.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest
import soundfile

from tests.samples.make_gtzan import SAMPLE_RATE, add_clicks
from tests.samples.make_samples import write_student

SECONDS = 3.0


@pytest.fixture
def pieces(tmp_path):
    """Clicks as ``make_dataset.py`` would write pieces."""
    folder = tmp_path / "out" / "pieces"
    (folder / "audio").mkdir(parents=True)
    labels = {}
    for index in range(20):
        wav = np.zeros(round(SECONDS * SAMPLE_RATE))
        beats = add_clicks(wav, np.random.default_rng(index))
        soundfile.write(folder / f"audio/{index:02d}.flac", wav, SAMPLE_RATE)
        labels[f"{index:02d}"] = {
            "beats": [time for time, _ in beats],
            "downbeats": [time for time, place in beats if place == 1],
        }
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


@pytest.fixture
def song(tmp_path):
    """A song of 150, then 120 bpm, whose bars have three beats."""
    pretty_midi = pytest.importorskip("pretty_midi")
    mido = pytest.importorskip("mido")
    folder = tmp_path / "songs" / "waltz"
    folder.mkdir(parents=True)
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("time_signature", numerator=3, denominator=4))
    track.append(mido.MetaMessage("set_tempo", tempo=400_000))
    track.append(mido.MetaMessage("set_tempo", tempo=500_000, time=480 * 3))
    track.append(mido.Message("note_on", note=60, velocity=9, time=480 * 3))
    track.append(mido.Message("note_off", note=60, velocity=9, time=240))
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(folder / "notes.mid")
    assert pretty_midi.PrettyMIDI(str(folder / "notes.mid")).get_end_time() > 2
    for name, part in (("song", 1.0), ("guitar", 0.9)):
        wav = np.zeros((round(SECONDS * part * 44_100), 2))
        add_clicks(wav[:, 0], np.random.default_rng(3))
        soundfile.write(folder / f"{name}.ogg", wav, 44_100)
    return folder


def test_the_grid_follows_tempo_metre_and_delay(song):
    from fretsonfire import find_songs, read_grid

    (found,) = find_songs(song.parent)
    beats, downbeats = read_grid(found, 9.0)
    expected = [0.0, 0.4, 0.8, 1.2, 1.7, 2.2, 2.7]
    assert beats[:7] == pytest.approx(expected, abs=1e-6)
    assert downbeats[:3] == pytest.approx([0.0, 1.2, 2.7], abs=1e-6)
    (song / "song.ini").write_text("[song]\nname = 100 % waltz\ndelay = 250\n")
    beats, _ = read_grid(found, 1.5)
    assert beats == pytest.approx([0.25, 0.65, 1.05, 1.45], abs=1e-6)
    with pytest.raises(FileNotFoundError, match=r"notes\.mid"):
        find_songs(song.parent.parent / "absent")


def test_stems_are_added(song, tmp_path):
    from fretsonfire import mix_stems

    assert mix_stems(song, tmp_path / "a.wav") == pytest.approx(SECONDS)
    mixed, rate = soundfile.read(tmp_path / "a.wav")
    stems = [soundfile.read(path)[0] for path in song.glob("*.ogg")]
    total = sum(np.pad(s.mean(1), (0, len(mixed) - len(s))) for s in stems)
    total /= max(1.0, abs(total).max())
    np.testing.assert_allclose(mixed, total, atol=1e-4)


def test_a_table_of_songs_is_written(
    pieces, song, tmp_path, monkeypatch, process
):
    import beats

    monkeypatch.setattr(beats, "make_dataset", lambda *args, **options: None)
    write_student(tmp_path / "student")
    arguments = ["--encoder", tmp_path / "student", "--songs", song.parent]
    arguments += ["--output", tmp_path / "out", "--number_of_epochs", 1]
    arguments += ["--batch_size", 4, "--device", "cpu", "--noprogressbar"]
    arguments += ["--crop_seconds", 1.0, "--prepare", "{n_workers: 1}"]
    beats.main([*map(str, arguments)])
    text = (tmp_path / "out" / "beats.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert {tuple(row[:2]) for row in rows[2:]} == {
        (name, upstream)
        for name in ("minimusic, test", "waltz")
        for upstream in ("pretrained", "log-mel")
    }
    for upstream in ("pretrained", "log-mel"):
        folder = tmp_path / "out" / "beats" / upstream
        results = json.loads((folder / "results.json").read_text())
        cell = f"{100 * results['test']['f_measure']:.1f}"
        assert ["minimusic, test", upstream, cell] in [row[:3] for row in rows]
        assert (folder / "songs" / "waltz.beats").is_file()
        splits = {
            name: len(json.loads((folder / f"save/{name}.json").read_text()))
            for name in ("train", "valid", "test")
        }
        assert splits == {"train": 18, "valid": 1, "test": 1}
    # What is there is not trained again.
    monkeypatch.setattr(beats, "open_recipe", None)
    beats.main([*map(str, arguments)])
    assert (tmp_path / "out" / "beats.md").read_text() == text
    # Nor taken for what another command would make.
    arguments += ["--lr", 0.5]
    with pytest.raises(ValueError, match="was made with .* give another --out"):
        beats.main([*map(str, arguments)])
