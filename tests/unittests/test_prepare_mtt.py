"""MagnaTagATune: the split by folders, the 50 tags, tables that are wrong.

Authors
 * The mert_sb developers 2026
"""

import importlib
import json
import shutil
from itertools import cycle

import pytest

from tests.samples.make_mtt import (
    COLUMNS,
    TAGS,
    ZERO_BYTE,
    make_mtt,
    write_table,
)
from tests.utils.source_tree import ROOT

# Rows of the real table by split, with those of the files without bytes.
FOLDERS = {"0123456789ab": 18_709, "c": 1_825, "def": 5_329}


@pytest.fixture
def mtt(monkeypatch):
    """The prepare file."""
    folder = ROOT / "recipes" / "downstream" / "MTT"
    monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module("mtt_prepare")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The dataset in miniature, made once."""
    folder = tmp_path_factory.mktemp("original")
    make_mtt(folder, seconds=0.5)
    return folder


@pytest.fixture
def miniature(original, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(original, tmp_path / "MTT")


def full_rows():
    """As many rows in each split as the real table has."""
    rows = [(clip, {"rock"}, path) for clip, path in ZERO_BYTE.items()]
    for folders, count in FOLDERS.items():
        count -= len(rows) if folders.startswith("0") else 0
        for index, folder in zip(range(count), cycle(folders), strict=False):
            tags = {TAGS[index % 60]} if index % 60 < 50 else {"rare tag 3"}
            clip = f"{folder}/artist-album-{index}-song-0-29.mp3"
            rows.append((f"{folders[0]}{index}", tags, clip))
    return rows


@pytest.fixture
def full(tmp_path):
    """A folder with a table of full size and no audio."""
    (tmp_path / "mp3").mkdir()
    write_table(tmp_path / "annotations_final.csv", COLUMNS, full_rows())
    return tmp_path


def test_the_full_table_gives_the_benchmark_s_counts(mtt, full):
    splits = mtt.read_splits(full)
    counts = {name: len(clips) for name, clips in splits.items()}
    assert counts == {"train": 18_706, "valid": 1_825, "test": 5_329}
    mtt.check_counts(splits, full, allow_missing=False)
    paths = set().union(*splits.values())
    assert len(paths) == 25_860
    assert not {f"mp3/{path}" for path in ZERO_BYTE.values()} & paths
    folders = {
        name: {path.split("/")[1] for path in clips}
        for name, clips in splits.items()
    }
    assert folders["train"] == set("0123456789ab")
    assert folders["valid"] == {"c"}
    assert folders["test"] == set("def")


def test_clips_without_any_of_the_50_tags_stay(mtt, full):
    valid = mtt.read_splits(full)["valid"].values()
    without = [clip["track"] for clip in valid if not clip["tags"]]
    assert len(without) == 300
    assert without[0] == "c50"


def test_one_row_less_is_refused(mtt, full):
    rows = full_rows()[:-1]
    write_table(full / "annotations_final.csv", COLUMNS, rows)
    with pytest.raises(ValueError, match="'test': 5328.*allow_missing"):
        mtt.prepare_mtt(full, full / "save", 24_000)


def test_clips_that_are_not_there_are_listed(mtt, full):
    (full / "mp3" / "c").mkdir()
    path = full / "mp3" / "c" / "artist-album-0-song-0-29.mp3"
    path.write_bytes(b"ID3")
    with pytest.raises(FileNotFoundError, match="^25859 .*allow_missing"):
        mtt.prepare_mtt(full, full / "save", 24_000)
    missing = (full / "save" / "missing.csv").read_text().splitlines()
    assert len(missing) == 1 + 25_859


def test_tags_are_the_benchmark_s_in_its_order(mtt):
    assert mtt.LABELS == tuple(TAGS)
    assert len(set(mtt.LABELS)) == 50
    assert mtt.LABELS[:3] == ("guitar", "classical", "slow")
    assert mtt.LABELS[-1] == "choral"


@pytest.mark.parametrize("prefix", ["mp3/", ""])
def test_the_miniature_is_prepared(mtt, miniature, tmp_path, prefix):
    if not prefix:
        for folder in (miniature / "mp3").iterdir():
            folder.rename(miniature / folder.name)
        (miniature / "mp3").rmdir()
    paths = mtt.prepare_mtt(
        miniature, tmp_path / "save", 24_000, allow_missing=True
    )
    rows = {
        split: json.loads(path.read_text()) for split, path in paths.items()
    }
    counts = {split: len(found) for split, found in rows.items()}
    assert counts == {"train": 30, "valid": 10, "test": 15}
    assert rows["train"]["3"] == {
        "wav": "{data_root}/" + prefix + "0/artist_1-album-01-song-0-29.mp3",
        "start": 0,
        "length": 12_000,
        "duration": 0.5,
        "track": "3",
        "tags": list(TAGS[1::5]),
    }
    assert rows["train"]["2"]["tags"] == []


def test_a_wrong_folder_is_told_the_layout(mtt, tmp_path):
    with pytest.raises(FileNotFoundError, match="annotations_final.csv.*mp3/"):
        mtt.read_splits(tmp_path)
    write_table(tmp_path / "annotations_final.csv", COLUMNS, [])
    with pytest.raises(FileNotFoundError, match="mp3.zip.001"):
        mtt.read_splits(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"choral"', '"corral"', "line 1: no column choral"),
        ("\t", ",", "line 1: no column clip_id, mp3_path"),
        ('"4"\t"0"', '"4"\t"2"', "line 4: .* is '2', neither 0 nor 1"),
        ('"4"\t"0"', '"4"', "line 4: 189 cells for 190 columns"),
        ('"0/artist_2', '"g/artist_2', "line 4: mp3_path is 'g/artist_2"),
        ('"0/artist_2', '"artist_2', "line 4: mp3_path is 'artist_2"),
    ],
)
def test_a_row_that_does_not_parse_is_named(mtt, miniature, old, new, message):
    table = miniature / "annotations_final.csv"
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=f"annotations_final.csv, {message}"):
        mtt.read_splits(miniature)
