"""GTZAN with beats: both forms of annotations, and what is wrong with them.

Authors
 * The mert_sb developers 2026
"""

import csv
import importlib
import json
import shutil

import pytest

from tests.samples.make_gtzan import make_gtzan
from tests.utils.task_folders import DOWNSTREAM, own_modules

SECONDS = 2.0


@pytest.fixture(scope="module")
def prepare():
    """``prepare_gtzan_beats`` of miniatures."""
    with own_modules(DOWNSTREAM / "GTZAN"):
        module = importlib.import_module("gtzan_beats_prepare")

    def prepare(data, save, annotations=None, **changed):
        options = {"sample_rate": 24_000, "allow_missing": True} | changed
        manifests = module.prepare_gtzan_beats(
            data, annotations or data, save, **options
        )
        return {
            split: json.loads(path.read_text())
            for split, path in manifests.items()
        }

    return prepare


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """The miniature; not to be changed."""
    folder = tmp_path_factory.mktemp("mini")
    make_gtzan(folder, seconds=SECONDS)
    return folder


@pytest.fixture
def annotations(mini, tmp_path):
    """Its annotations, to be changed."""
    shutil.copytree(mini / "beats", tmp_path / "annotations" / "beats")
    return tmp_path / "annotations"


def table(path):
    """Rows of a table."""
    with open(path, newline="") as file:
        return list(csv.reader(file))[1:]


def test_rows_have_the_beats_of_their_files(prepare, mini, tmp_path):
    rows = prepare(mini, tmp_path)
    assert {split: len(part) for split, part in rows.items()} == {
        "train": 20,
        "valid": 10,
        "test": 10,
    }
    row = rows["test"]["rock.00010"]
    assert row["wav"] == "{data_root}/genres/rock/rock.00010.wav"
    lines = (mini / "beats" / "gtzan_rock_00010.beats").read_text().split("\n")
    fields = [line.split("\t") for line in lines if line]
    assert row["beats"] == [float(time) for time, _ in fields]
    firsts = [float(time) for time, place in fields if place == "1"]
    assert row["downbeats"] == firsts and firsts


def test_both_forms_say_the_same(prepare, mini, tmp_path):
    make_gtzan(tmp_path / "jams", seconds=SECONDS, jams=True)
    texts = prepare(mini, tmp_path / "a")
    others = prepare(tmp_path / "jams", tmp_path / "b")
    for split, rows in texts.items():
        assert rows.keys() == others[split].keys()
        for name, row in rows.items():
            for key in ("beats", "downbeats"):
                expected = pytest.approx(row[key], abs=6e-4)
                assert others[split][name][key] == expected


@pytest.mark.parametrize(
    ("form", "place"),
    [
        ("beats", "."),
        ("beats", "annotations/beats"),
        ("beats", "gtzan/annotations/beats"),
        ("jams", "."),
        ("jams", "GTZAN-Rhythm_v2_ismir2015_lbd/jams"),
    ],
)
def test_each_layout_is_found(prepare, tmp_path, form, place):
    make_gtzan(tmp_path / "data", seconds=0.5, jams=form == "jams")
    folder = tmp_path / "annotations"
    shutil.copytree(tmp_path / "data" / form, folder / place)
    rows = prepare(tmp_path / "data", tmp_path / "save", folder)
    assert sum(map(len, rows.values())) == 40


def test_a_wrong_folder_is_told_the_layout(prepare, mini, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gtzan_<genre>_00000\.beats"):
        prepare(mini, tmp_path / "save", tmp_path)


def test_missing_annotations_are_counted_listed_and_refused(
    prepare, mini, annotations, tmp_path
):
    (annotations / "beats" / "gtzan_rock_00010.beats").unlink()
    save = tmp_path / "save"
    with pytest.raises(FileNotFoundError, match="890 of 930.*allow_missing"):
        prepare(mini, save, annotations, allow_missing=False)
    missing = table(save / "missing_annotations.csv")
    assert len(missing) == 890 and ["rock.00010", "test"] in missing
    assert not (save / "test.json").exists()
    rows = prepare(mini, save, annotations)
    assert len(rows["test"]) == 9 and "rock.00010" not in rows["test"]


@pytest.mark.parametrize("row", ["0.9\tone", "nan\t1", "0.9\t-1", "0.9\t1\t2"])
def test_a_bad_row_is_named(prepare, mini, annotations, tmp_path, row):
    path = annotations / "beats" / "gtzan_pop_00000.beats"
    path.write_text(f"# by hand\n0.1\t1\n{row}\n")
    with pytest.raises(ValueError, match=r"gtzan_pop_00000\.beats:3"):
        prepare(mini, tmp_path / "save", annotations)
    # Found before the audio is examined.
    assert not (tmp_path / "save" / "prepare.jsonl").exists()


def test_a_jams_file_without_beats_is_named(prepare, tmp_path):
    make_gtzan(tmp_path, seconds=0.5, jams=True)
    (tmp_path / "jams" / "pop.00000.wav.jams").write_text('{"a": 1}')
    with pytest.raises(ValueError, match=r"pop\.00000\.wav\.jams.*annotation"):
        prepare(tmp_path, tmp_path / "save")


def test_untidy_annotations_are_tidied(
    prepare, mini, annotations, tmp_path, caplog
):
    path = annotations / "beats" / "gtzan_pop_00000.beats"
    path.write_text("0.7\t2\n# bar 1\n0.2\t1\n0.7\t2\n\n1.2\t3 % c\n99.0\t4\n")
    with caplog.at_level("WARNING"):
        rows = prepare(mini, tmp_path / "save", annotations)
    row = rows["test"]["pop.00000"]
    assert (row["beats"], row["downbeats"]) == ([0.2, 0.7, 1.2], [0.2])
    for text in ("not in order", "twice", "pop.00000: 1 beats at or beyond"):
        assert text in caplog.text


def test_an_annotation_without_beats_is_skipped_with_its_reason(
    prepare, mini, annotations, tmp_path
):
    save = tmp_path / "save"
    (annotations / "beats" / "gtzan_pop_00000.beats").write_text("# none\n")
    (annotations / "beats" / "gtzan_jazz_00073.beats").write_text("50.0\t1\n")
    rows = prepare(mini, save, annotations)
    assert len(rows["test"]) == 8
    skipped = dict(table(save / "skipped.csv"))
    assert set(skipped) == {
        "genres/jazz/jazz.00054.wav",
        "genres/jazz/jazz.00073.wav",
        "genres/pop/pop.00000.wav",
    }
    assert skipped["genres/pop/pop.00000.wav"].startswith("no beats")
    before = {path.name: path.read_bytes() for path in save.iterdir()}
    prepare(mini, save, annotations)
    after = {path.name: path.read_bytes() for path in save.iterdir()}
    assert after == before


def test_a_split_without_any_beat_is_refused(
    prepare, mini, annotations, tmp_path
):
    for path in (annotations / "beats").iterdir():
        path.write_text("")
    with pytest.raises(ValueError, match="'train': no annotation has a beat"):
        prepare(mini, tmp_path / "save", annotations)
