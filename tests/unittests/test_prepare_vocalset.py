"""VocalSet: singers and recordings in splits, 3-s clips, folders that are wrong.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import importlib
import json
import logging
import shutil
from itertools import chain, islice, product

import pytest

from tests.samples.make_vocalset import (
    GROUPS,
    LEFT_OUT,
    OTHERS,
    TECHNIQUES,
    make_vocalset,
)
from tests.utils.source_tree import ROOT

CONTEXTS = ("arpeggios", "scales", "long_tones", "excerpts")


@pytest.fixture
def vocalset(monkeypatch):
    """The prepare file."""
    folder = ROOT / "recipes" / "downstream" / "VocalSet"
    monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module("vocalset_prepare")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The dataset in miniature, made once."""
    folder = tmp_path_factory.mktemp("original")
    make_vocalset(folder)
    return folder


@pytest.fixture
def miniature(original, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(original, tmp_path / "VocalSet")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """As many files as the dataset has, without audio."""
    folder = tmp_path_factory.mktemp("full")
    names = product("aeiou", CONTEXTS, TECHNIQUES + OTHERS, chain(*GROUPS))
    for vowel, context, technique, singer in islice(names, 3_613 - 5):
        sex = "female" if singer[0] == "f" else "male"
        place = folder / "FULL" / (sex + singer[1:]) / context / technique
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{singer}_{context}_{technique}_{vowel}.wav").touch()
    for name in LEFT_OUT[:5]:
        path = folder / "FULL" / name.replace("vibrado", "vibrato")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def singers_of(vocalset, files):
    return {vocalset.SINGERS[path.split("/")[1]] for path in files}


def read(paths):
    return {
        split: json.loads(path.read_text()) for split, path in paths.items()
    }


def test_technique_is_split_by_singer(vocalset, full):
    splits = vocalset.read_splits(full, "technique")
    assert singers_of(vocalset, splits["test"]) == set(
        "f2 f8 m3 m5 m10".split()
    )
    valid = set("f3 f5 f7 m2 m4 m6".split())
    assert singers_of(vocalset, splits["valid"]) == valid
    assert len(singers_of(vocalset, splits["train"])) == 9
    labels = [file["label"] for file in splits["valid"].values()]
    assert set(labels) == set(vocalset.LABELS["technique"])
    assert not any("/fast_forte/" in path for path in splits["train"])


def test_valid_singers_are_the_first_three_of_each_sex_by_hash(vocalset):
    splits = vocalset.read_singers(vocalset.SINGERS_FILE)
    assert set(splits) == set(vocalset.LABELS["singer"])
    for sex in "fm":
        left = [s for s, split in splits.items() if s[0] == sex != split]
        left = [singer for singer in left if splits[singer] != "test"]
        left.sort(key=lambda s: hashlib.sha1(s.encode()).hexdigest())
        assert [splits[s] for s in left[:3]] == ["valid"] * 3
        assert {splits[s] for s in left[3:]} == {"train"}


def test_singers_are_split_by_recording_12_8_5(vocalset, full):
    splits = vocalset.read_splits(full, "singer")
    counts = {name: len(files) for name, files in splits.items()}
    assert sum(counts.values()) == 3_613 - 5
    for name, share in (("train", 12), ("valid", 8), ("test", 5)):
        assert counts[name] / 3_608 == pytest.approx(share / 25, abs=0.02)
        assert len(singers_of(vocalset, splits[name])) == 20
    assert any("/fast_forte/" in path for path in splits["test"])


def test_the_rule_for_recordings_stays_what_it_was(vocalset):
    names = [f"female1/scales/belt/f1_scales_belt_{v}" for v in "aeiou"]
    found = [vocalset.singer_split(name) for name in names]
    assert found == ["train", "test", "train", "train", "train"]
    copies = [vocalset.singer_split(f"{name}(1)") for name in names]
    assert copies == found


@pytest.mark.parametrize("task", ["technique", "singer"])
def test_the_five_files_and_other_folders_are_left_out(
    vocalset, miniature, task, caplog
):
    with caplog.at_level(logging.WARNING):
        splits = vocalset.read_splits(miniature, task, allow_missing=True)
    paths = set().union(*splits.values())
    assert len(paths) == {"technique": 40, "singer": 60}[task]
    assert not {f"FULL/{name}" for name in LEFT_OUT} & paths
    assert "female2/arpeggios/vibrado (2)" in caplog.text


def test_technique_clips_are_3_s_without_tails(vocalset, miniature, tmp_path):
    rows = read(
        vocalset.prepare_vocalset(
            miniature, tmp_path / "s", 24_000, "technique", allow_missing=True
        )
    )
    counts = {split: len(found) for split, found in rows.items()}
    assert counts == {"train": 18, "valid": 12, "test": 10}
    for found in rows.values():
        assert {row["length"] for row in found.values()} == {72_000}
        labels = {row["label"] for row in found.values()}
        assert labels == set(vocalset.LABELS["technique"])


def test_singer_clips_keep_tails_of_a_second(vocalset, miniature, tmp_path):
    rows = read(
        vocalset.prepare_vocalset(
            miniature, tmp_path / "s", 24_000, "singer", allow_missing=True
        )
    )
    tracks = [
        {row["track"] for row in found.values()} for found in rows.values()
    ]
    assert [len(found) for found in tracks] == [20, 20, 20]
    assert len(set.union(*tracks)) == 60
    every = [row for found in rows.values() for row in found.values()]
    assert {row["length"] for row in every} == {72_000, 36_000}
    assert sum(row["length"] == 36_000 for row in every) == 30
    for found in rows.values():
        labels = {row["label"] for row in found.values()}
        assert labels == set(vocalset.LABELS["singer"])


def test_the_folder_tells_the_singer(vocalset, miniature):
    place = miniature / "FULL" / "female4" / "scales" / "straight"
    place.mkdir(parents=True)
    for name in ("scales_straight_a", "m9_straight_a"):
        (place / f"{name}.wav").touch()
    splits = vocalset.read_splits(miniature, "singer", allow_missing=True)
    labels = {
        path.rpartition("/")[2]: file["label"]
        for files in splits.values()
        for path, file in files.items()
    }
    assert labels["scales_straight_a.wav"] == "f4"
    assert labels["m9_straight_a.wav"] == "f4"


def test_fewer_files_are_refused(vocalset, miniature):
    message = "has 66 recordings, the whole dataset 3613; .*allow_missing"
    with pytest.raises(FileNotFoundError, match=message):
        vocalset.prepare_vocalset(miniature, miniature / "s", 24_000, "singer")


def test_a_wrong_folder_is_told_the_layout(vocalset, tmp_path):
    with pytest.raises(
        FileNotFoundError, match="no folder FULL .*FULL/<female"
    ):
        vocalset.read_splits(tmp_path, "singer")


def test_an_unknown_task_is_refused(vocalset, miniature):
    with pytest.raises(ValueError, match="one of technique, singer"):
        vocalset.read_splits(miniature, "vowel")


def test_an_unknown_singer_is_named(vocalset, miniature):
    full = miniature / "FULL"
    shutil.move(full / "female1", full / "female10")
    with pytest.raises(ValueError, match="'female10' is no singer's folder"):
        vocalset.read_splits(miniature, "singer", allow_missing=True)


@pytest.mark.parametrize(
    ("task", "folder", "message"),
    [
        ("technique", "female2/*/belt", "no recording of belt in test"),
        ("singer", "male11", "no recording of m11 in train"),
    ],
)
def test_a_class_missing_from_a_split_is_named(
    vocalset, miniature, task, folder, message
):
    for path in (miniature / "FULL").glob(folder):
        shutil.rmtree(path)
    with pytest.raises(ValueError, match=message):
        vocalset.read_splits(miniature, task, allow_missing=True)


def test_a_faulty_list_of_singers_is_named(vocalset, tmp_path):
    path = tmp_path / "singers.txt"
    path.write_text("f1 train\nf1 dev\n")
    with pytest.raises(ValueError, match=f"{path}, line 2: 'f1 dev'"):
        vocalset.read_singers(path)
