"""Probes on minimusic: its notes, its splits, and the table of upstreams.

Authors
 * The mert_sb developers 2026
"""

import collections
import csv
import io
import json
import shutil

import numpy as np
import pytest
import soundfile

from tests.samples.make_minimusic import make_minimusic
from tests.samples.make_samples import write_student
from tests.templates.conftest import MINIMUSIC
from tests.utils.progress_lines import last_lines

TASKS = ("key", "style", "instrument", "pitch")
UPSTREAMS = ("pretrained", "untrained", "log-mel")
SPLITS = ("train", "valid", "test")
FLAGS = {
    "layers": "mix",
    "seeds": "1",
    "batch_size": "4",
    "number_of_epochs": "1",
    "device": "cpu",
    "prepare": "{n_workers: 1, min_tail_seconds: 0.2}",
}


def write_table(folder, name, rows):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(rows))
    return folder


@pytest.fixture
def all_notes(tmp_path):
    """The table of all notes, without audio."""
    from notes import choose_notes

    rows = {note.name: note.labels() for note in choose_notes()}
    return write_table(tmp_path / "notes", "notes.json", rows), rows


@pytest.fixture
def all_pieces(composed, tmp_path):
    """The table of 500 pieces, without audio."""
    rows = {p.name: {"key": p.key, "style": p.style} for p in composed}
    return write_table(tmp_path / "pieces", "labels.json", rows), rows


@pytest.mark.parametrize("task", ["instrument", "pitch"])
def test_programs_of_the_splits_are_disjoint(all_notes, task):
    from minimusic_prepare import LABELS, read_splits

    folder, rows = all_notes
    splits = read_splits(folder, task)
    programs = {
        split: {rows[fields["track"]]["program"] for fields in files.values()}
        for split, files in splits.items()
    }
    for split, share in zip(SPLITS, (5, 1, 2), strict=True):
        families = collections.Counter(who // 8 for who in programs[split])
        assert families == dict.fromkeys(range(14), share)
        labels = {fields["label"] for fields in splits[split].values()}
        assert labels == set(LABELS[task])
    assert sum(map(len, programs.values())) == len(
        set.union(*programs.values())
    )
    assert sum(map(len, splits.values())) == len(rows) == 2_687


@pytest.mark.parametrize("task", ["key", "style"])
def test_pieces_are_split_within_each_class(all_pieces, task):
    from minimusic_prepare import LABELS, read_splits

    folder, rows = all_pieces
    splits = read_splits(folder, task)
    tracks = [f["track"] for files in splits.values() for f in files.values()]
    assert sorted(tracks) == sorted(rows)
    counts = {split: collections.Counter() for split in SPLITS}
    for split, files in splits.items():
        for path, fields in files.items():
            assert path == f"audio/{fields['track']}.flac"
            assert fields["label"] == rows[fields["track"]][task]
            counts[split][fields["label"]] += 1
    for label in LABELS[task]:
        n_pieces = sum(counts[split][label] for split in SPLITS)
        assert counts["valid"][label] == round(0.2 * n_pieces)
        assert counts["test"][label] == round(0.2 * n_pieces)


def test_keys_are_those_of_the_key_score():
    from mert_sb.downstream.metrics import KEYS
    from minimusic_prepare import LABELS, make_family

    assert LABELS["key"] == KEYS
    assert make_family("key").MONITOR == "key_score"
    assert make_family("pitch").n_outputs == 24
    with pytest.raises(ValueError, match="'tempo': give one of key, style"):
        make_family("tempo")


@pytest.mark.parametrize(
    ("task", "command"),
    [("style", "python make_dataset.py"), ("pitch", "python notes.py")],
)
def test_a_wrong_folder_is_told_how_to_be_made(tmp_path, task, command):
    from minimusic_prepare import read_splits

    with pytest.raises(FileNotFoundError) as caught:
        read_splits(tmp_path, task)
    assert f"is not there; make it with: {command} {tmp_path}" in str(
        caught.value
    )


def test_faulty_tables_are_refused(all_pieces, tmp_path):
    from minimusic_prepare import read_splits

    folder, rows = all_pieces
    few = dict(list(rows.items())[:30])
    with pytest.raises(ValueError, match="too few for train, valid, test"):
        read_splits(write_table(folder, "labels.json", few), "key")
    rows = {k: v for k, v in rows.items() if v["style"] != "jazz"}
    with pytest.raises(ValueError, match="the train split has no style jazz"):
        read_splits(write_table(folder, "labels.json", rows), "style")
    rows["strange"] = {"key": "H minor", "style": "jazz"}
    with pytest.raises(ValueError, match="key of strange is H minor, not one"):
        read_splits(write_table(folder, "labels.json", rows), "key")
    (folder / "labels.json").write_text('{\n"a": {')
    with pytest.raises(ValueError, match="labels.json, line 2: .* delete it"):
        read_splits(folder, "key")


def test_a_piece_keeps_its_split(tmp_path):
    from minimusic_prepare import prepare_minimusic

    make_minimusic(tmp_path)
    options = {"task": "key", "sample_rate": 24_000, "min_tail_seconds": 0.2}
    folder, save = tmp_path / "pieces", tmp_path / "save"
    paths = prepare_minimusic(folder, save, **options)
    before = {name: path.read_bytes() for name, path in paths.items()}
    prepare_minimusic(folder, save, **options)
    assert {n: path.read_bytes() for n, path in paths.items()} == before
    rows = json.loads((folder / "labels.json").read_text())
    for name, row in list(rows.items()):
        rows[f"more_{name}"] = row
        audio = folder / "audio" / f"{name}.flac"
        shutil.copy(audio, audio.with_name(f"more_{name}.flac"))
    write_table(folder, "labels.json", rows)
    with pytest.raises(ValueError, match="Give another output_folder"):
        prepare_minimusic(folder, save, **options)


def test_notes_sound_at_the_pitch_of_their_label(synthesizer, tmp_path):
    from notes import make_notes

    # Of these the fundamental is the strongest partial: marimba, violin,
    # recorder, ocarina, square wave, pad.
    make_notes(tmp_path, programs=(12, 40, 74, 79, 80, 88), pitches=(60, 61))
    rows = json.loads((tmp_path / "notes.json").read_text())
    assert len(rows) == 12
    for name, row in rows.items():
        audio, rate = soundfile.read(tmp_path / "audio" / f"{name}.flac")
        assert (len(audio), rate) == (48_000, 24_000)
        peak = 20 * np.log10(np.abs(audio).max())
        assert peak == pytest.approx(row["peak_db"], abs=0.01)
        held = audio[2_400:26_400] * np.hanning(24_000)
        magnitude = np.abs(np.fft.rfft(held, 16 * 24_000))
        hertz = np.fft.rfftfreq(16 * 24_000, 1 / rate)
        pitch = 69 + 12 * np.log2(hertz[magnitude.argmax()] / 440)
        assert pitch == pytest.approx(row["pitch"], abs=0.4), name
        assert np.abs(audio[-2_400:]).max() < 0.5 * np.abs(held).max()


def test_a_second_run_keeps_notes_and_mends_damage(
    synthesizer, tmp_path, capsys
):
    from notes import make_notes

    options = {"programs": (73,), "pitches": (60, 61)}
    notes, rendered = make_notes(tmp_path, **options)
    said = last_lines(capsys.readouterr().err)["render"]
    assert said["done"] == said["total"] == len(rendered)
    assert notes == rendered
    first, second = sorted((tmp_path / "audio").iterdir())
    written, content = first.stat().st_mtime_ns, second.read_bytes()
    soundfile.write(second, np.zeros(10), 24_000)
    assert make_notes(tmp_path, **options) == (notes, notes[1:])
    assert first.stat().st_mtime_ns == written
    assert second.read_bytes() == content
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["audio", "notes.json"]


def test_another_sound_font_makes_all_notes_anew(synthesizer, tmp_path):
    from notes import make_notes
    from render import sound_font

    options = {"programs": (73,), "pitches": (60,)}
    make_notes(tmp_path / "notes", **options)
    (path,) = (tmp_path / "notes" / "audio").iterdir()
    before = path.read_bytes()
    # A zero at the end is another file of the same sound.
    font = tmp_path / "other.sf2"
    font.write_bytes(sound_font() + bytes(2))
    for _ in range(2):
        notes, rendered = make_notes(tmp_path / "notes", font=font, **options)
    assert (len(notes), rendered) == (1, [])
    assert path.read_bytes() != before
    assert (
        soundfile.SoundFile(path).comment
        != soundfile.SoundFile(io.BytesIO(before)).comment
    )


@pytest.fixture(scope="module")
def run_probes(process, tmp_path_factory):
    """Runs ``probes.py`` on data in miniature; its output folder."""
    encoder = tmp_path_factory.mktemp("made") / "encoder"
    write_student(encoder)
    output = tmp_path_factory.mktemp("probes")
    make_minimusic(output)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(MINIMUSIC))
        import probes

        for name in ("make_dataset", "make_notes"):
            patch.setattr(probes, name, lambda folder, **_: None)

        def run_probes(**changed):
            flags = {"encoder": encoder, "output": output} | FLAGS | changed
            pairs = ((f"--{k}", str(v)) for k, v in flags.items())
            probes.main([part for pair in pairs for part in pair])
            return output

        yield run_probes


def test_all_tasks_and_upstreams_are_probed(run_probes, capsys):
    from minimusic_prepare import LABELS, SOURCES

    output = run_probes()
    table = (output / "probes.md").read_text()
    assert table in capsys.readouterr().out
    lines = [line.strip("| ").split(" | ") for line in table.splitlines()[2:6]]
    assert [line[0] for line in lines] == list(TASKS)
    for task, _, metric, *cells in lines:
        for upstream, cell in zip(UPSTREAMS, cells, strict=True):
            (path,) = (output / task / upstream).glob("*/1/results.json")
            results = json.loads(path.read_text())
            score = results["test"][metric.replace(" ", "_")]
            assert float(cell.split()[0]) == pytest.approx(100 * score, abs=0.1)
            with open(path.with_name("predictions.csv"), newline="") as file:
                targets = {row[0]: int(row[1]) for row in csv.reader(file)}
            name, field = SOURCES[task]
            (source,) = output.glob(f"*/{name}")
            rows = json.loads(source.read_text())
            for track, target in targets.items():
                assert LABELS[task][target] == str(rows[track][field])
    caches = {path.name.split("-")[0] for path in (output / "cache").iterdir()}
    assert caches == {"mert", "random", "mel"}

    written = {path: path.stat().st_mtime_ns for path in output.rglob("*.csv")}
    run_probes()
    runs = [path for path in written if path.name == "predictions.csv"]
    assert len(runs) == 12
    assert all(path.stat().st_mtime_ns == written[path] for path in runs)
    assert (output / "probes.md").read_text() == table


def test_without_an_encoder_it_says_how_to_make_one(run_probes, capsys):
    with pytest.raises(SystemExit):
        run_probes(encoder="nowhere")
    assert "nowhere is not there; make demo leaves" in capsys.readouterr().err
