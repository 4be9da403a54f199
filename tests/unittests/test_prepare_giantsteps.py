"""GiantSteps: the benchmark's split by artist, keys as labels, clips of 30 s.

With GIANTSTEPS_FOLDER naming a folder that holds both clones of the datasets (no
audio is needed), the split of the real annotations is tested too.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from recipes.downstream.GiantSteps import giantsteps_prepare
from recipes.downstream.GiantSteps.giantsteps_prepare import (
    COUNTS,
    LABELS,
    prepare_giantsteps,
    read_keys,
    read_splits,
    split_artists,
)
from tests.samples.make_giantsteps import make_giantsteps

MTG = "giantsteps-mtg-key-dataset"
TEST = "giantsteps-key-dataset"
KEYS = f"{MTG}/annotations/annotations.txt"
ARTISTS = f"{MTG}/annotations/beatport_metadata.txt"

# Of the benchmark's 236 validation ids, sorted as numbers, a blank between.
VALID_IDS = "e5ba0c8fb215d9bd3a54a13ef57d30200844dafda00730fdccc14df1977c0a2e"


@pytest.fixture(scope="module")
def miniature(tmp_path_factory):
    folder = tmp_path_factory.mktemp("giantsteps")
    make_giantsteps(folder)
    return folder


@pytest.fixture
def annotations(miniature, tmp_path):
    """A copy without audio, to be damaged."""
    folder = tmp_path / "copy"
    shutil.copytree(
        miniature, folder, ignore=shutil.ignore_patterns("audio", "save")
    )
    return folder


def edit(folder, name, old, new):
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_labels_are_the_24_keys_in_the_order_of_the_benchmark():
    assert LABELS[:3] == ["C major", "Db major", "D major"]
    assert LABELS[12:] == [key.replace("major", "minor") for key in LABELS[:12]]
    assert len(set(LABELS)) == 24


def test_splits_of_the_miniature(miniature):
    splits = read_splits(miniature, allow_missing=True)
    files = {
        name: [int(fields["track"]) for fields in entries.values()]
        for name, entries in splits.items()
    }
    assert files["train"] == [*range(1000, 1024), *range(2000, 2024)]
    assert files["valid"] == list(range(3000, 3024))
    assert files["test"] == list(range(9000, 9024))
    path = f"{MTG}/audio/1013.LOFI.mp3"
    assert splits["train"][path] == {"track": "1013", "label": "Db minor"}
    for entries in splits.values():
        for fields in entries.values():
            assert fields["label"] == LABELS[int(fields["track"]) % 1000]


# SHA-1 modulo 116 is 99 for Xenia and 100 for Bruno.
@pytest.mark.parametrize("name", ["Clara", "Xenia", "XENIA", "Édith"])
def test_artists_of_training(name):
    assert split_artists([[name]]) == set()


@pytest.mark.parametrize("name", ["Bruno", "bRUNO", "Noël", "NOËL"])
def test_artists_of_validation(name):
    assert split_artists([[name]]) == {name}


def test_artists_who_worked_with_one_of_validation_follow_at_once():
    tracks = [["Clara", "Bruno"], ["Clara", "Wim"], ["CLARA", "Vera"]]
    assert split_artists(tracks) == {"Bruno", "Clara", "Wim"}


def test_they_follow_in_two_passes_in_the_order_of_the_tracks():
    chain = [["Bruno", "Wim"], ["Wim", "Karin"], ["Karin", "Luca"]]
    assert split_artists(chain) == {"Bruno", "Wim", "Karin", "Luca"}
    assert split_artists(chain[::-1]) == {"Bruno", "Wim", "Karin"}


def test_tracks_that_are_not_used_bind_artists_too(annotations):
    edit(annotations, ARTISTS, "5001\tXenia", "5001\tWim, Noël")
    valid = read_splits(annotations, allow_missing=True)["valid"].values()
    expected = [*range(2000, 2024), *range(3000, 3024)]
    assert [int(fields["track"]) for fields in valid] == expected


def test_only_sure_and_single_keys_are_used(tmp_path):
    path = tmp_path / "annotations.txt"
    rows = ["1\tB major \t2", "2\tF minor\t1", "3\tC major / C minor\t2"]
    rows += ["4\t-\t0", "5\tA-A# minor\t1", "6\tA# minor\t2"]
    path.write_text("\n".join(["ID\tMANUAL KEY\tC", *rows, ""]))
    used = {track: key for track, key in read_keys(path).items() if key}
    assert used == {"1": "B major", "6": "Bb minor"}


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (KEYS, "ID\tMANUAL", "ID\tMANUEL", "line 1: the columns are"),
        (KEYS, "1001\tC# major\t2", "1001\tC# major", "line 3: expected"),
        (KEYS, "1001\tC#", "l001\tC#", "line 3: expected a number"),
        (KEYS, "1001\tC#", "1000\tC#", "line 3: 1000 again"),
        (KEYS, "1001\tC#", "1001\tH#", "line 3: 'H# major' is no key"),
        (KEYS, "C# major\t2", "C# major\t3", "line 3: the confidence is '3'"),
        (ARTISTS, "1001\tClara\t", "1001\tClara", "metadata.txt, line 3"),
        (ARTISTS, "1001\tClara", "7\tClara", "'1001'.* 2 in all"),
        (KEYS, "3007\tG major\t2", "3007\tG major\t1", "valid split has no"),
        (f"{TEST}/annotations/key/9007.LOFI.key", "G", "H", "9007.LOFI.key: "),
    ],
)
def test_bad_annotations_are_refused(annotations, name, old, new, message):
    edit(annotations, name, old, new)
    with pytest.raises(ValueError, match=message):
        read_splits(annotations, allow_missing=True)


def test_other_counts_are_refused(annotations):
    with pytest.raises(ValueError, match="'train': 48.*'train': 923.*allow"):
        read_splits(annotations)


@pytest.mark.parametrize("clone", [MTG, TEST])
def test_a_wrong_folder_is_told_the_layout(annotations, clone):
    shutil.rmtree(annotations / clone)
    with pytest.raises(FileNotFoundError, match=f"(?s){clone}.*the layout is"):
        read_splits(annotations, allow_missing=True)


def prepare(folder, save_folder, **options):
    options = {"clip_seconds": 1.0, "allow_missing": True} | options
    return prepare_giantsteps(folder, save_folder, 24_000, **options)


def test_tracks_are_cut_into_whole_clips(miniature, tmp_path):
    manifests = prepare(miniature, tmp_path)
    rows = json.loads(manifests["train"].read_text())
    assert len(rows) == 2 * 48
    assert rows["1013--0001"] == {
        "wav": f"{{data_root}}/{MTG}/audio/1013.LOFI.mp3",
        "start": 24_000,
        "length": 24_000,
        "duration": 1.0,
        "track": "1013",
        "label": "Db minor",
    }
    for name in ("valid", "test"):
        rows = json.loads(manifests[name].read_text()).values()
        assert Counter(row["label"] for row in rows) == dict.fromkeys(LABELS, 2)


def test_missing_audio_is_refused_or_left_out(miniature, tmp_path, monkeypatch):
    folder = tmp_path / "partial"
    shutil.copytree(miniature, folder)
    (folder / TEST / "audio" / "9001.LOFI.mp3").unlink()
    with monkeypatch.context() as patch:
        counts = {"train": 48, "valid": 24, "test": 24}
        patch.setattr(giantsteps_prepare, "COUNTS", counts)
        with pytest.raises(FileNotFoundError, match="9001.LOFI.mp3"):
            prepare(folder, tmp_path / "save", allow_missing=False)
    manifests = prepare(folder, tmp_path / "save")
    assert len(json.loads(manifests["test"].read_text())) == 2 * 23
    assert "9001.LOFI.mp3" in (tmp_path / "save" / "missing.csv").read_text()


@pytest.mark.skipif(
    "GIANTSTEPS_FOLDER" not in os.environ,
    reason="GIANTSTEPS_FOLDER names no folder with both clones",
)
def test_the_real_annotations_give_the_benchmark_s_split():
    splits = read_splits(Path(os.environ["GIANTSTEPS_FOLDER"]))
    assert {name: len(files) for name, files in splits.items()} == COUNTS
    ids = [int(fields["track"]) for fields in splits["valid"].values()]
    text = " ".join(map(str, sorted(ids)))
    assert hashlib.sha256(text.encode()).hexdigest() == VALID_IDS
    minor = [f["label"].endswith("minor") for f in splits["test"].values()]
    assert sum(minor) == 511
