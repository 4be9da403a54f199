"""GTZAN: the split to the excerpt, the layouts, what is damaged or missing.

Authors
 * The mert_sb developers 2026
"""

import csv
import hashlib
import json
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile

from recipes.downstream.GTZAN import gtzan_prepare
from recipes.downstream.GTZAN.gtzan_prepare import (
    LABELS,
    SPLIT_FILE,
    prepare_gtzan,
    read_ids,
    read_splits,
)
from tests.samples.make_gtzan import make_gtzan

# Excerpts of blues, classical, ... rock; 443, 197 and 290 in all.
PER_GENRE = {
    "train": (46, 48, 45, 42, 47, 43, 44, 41, 43, 44),
    "valid": (23, 20, 23, 22, 18, 17, 20, 13, 17, 24),
    "test": (31, 31, 30, 29, 27, 27, 27, 30, 26, 32),
}
# SHA-256 of the original lists, whose lines read blues/blues.00029.wav.
LISTS = {
    "train": "2b04966cef1486f1a7767b74271533fa23e220388db804a1937835e1fc4fa3fa",
    "valid": "f8fbee7c52397a0e0f3a91dc54fedecb2e27f5bdc9a9daeab8cb10d077e26956",
    "test": "09cafa6a89ce0a27f30ed250d56ecb4d03c22fffb5a693f96c7ae655ee02ac72",
}


def rows_of(manifests):
    """Rows by split and id."""
    return {
        split: json.loads(path.read_text()) for split, path in manifests.items()
    }


def counts(splits):
    """Numbers of files by split."""
    return {split: len(rows) for split, rows in splits.items()}


def skipped(folder):
    """Paths and reasons in skipped.csv."""
    with open(folder / "skipped.csv", newline="") as file:
        return [(row["path"], row["reason"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """The miniature; not to be changed."""
    folder = tmp_path_factory.mktemp("mini")
    make_gtzan(folder, seconds=0.5)
    return folder


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A thousand very short excerpts, ``jazz.00054.wav`` no audio."""
    folder = tmp_path_factory.mktemp("full")
    for genre in LABELS:
        (folder / "genres_original" / genre).mkdir(parents=True)
        for number in range(100):
            path = folder / f"genres_original/{genre}/{genre}.{number:05d}.wav"
            soundfile.write(path, np.full(1_000, 0.1), 8_000)
    damaged = folder / "genres_original/jazz/jazz.00054.wav"
    damaged.write_text("not audio")
    return folder


def test_the_lists_are_the_original_ones():
    found = {split: [] for split in LISTS}
    for split, genre, numbers in read_ids(SPLIT_FILE):
        found[split] += [f"{genre}/{genre}.{n:05d}.wav\n" for n in numbers]
    for split, digest in LISTS.items():
        text = "".join(sorted(found[split]))
        assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_a_full_copy_has_the_published_counts(full):
    splits = read_splits(full)
    assert counts(splits) == {"train": 443, "valid": 197, "test": 290}
    for split, expected in PER_GENRE.items():
        labels = Counter(row["label"] for row in splits[split].values())
        assert tuple(labels[genre] for genre in LABELS) == expected
    tracks = {row["track"] for rows in splits.values() for row in rows.values()}
    assert len(tracks) == 930


def test_a_full_copy_goes_without_the_damaged_excerpt(full, tmp_path):
    rows = rows_of(prepare_gtzan(full, tmp_path, 24_000))
    assert counts(rows) == {"train": 442, "valid": 197, "test": 290}
    ((path, reason),) = skipped(tmp_path)
    assert path == "genres_original/jazz/jazz.00054.wav"
    assert reason.startswith("unreadable")


def test_the_damaged_excerpt_may_be_missing_but_no_other(
    full, tmp_path, caplog
):
    copy = tmp_path / "copy"
    shutil.copytree(full, copy)
    jazz = copy / "genres_original" / "jazz"
    (jazz / "jazz.00054.wav").unlink()
    with caplog.at_level("WARNING"):
        rows = rows_of(prepare_gtzan(copy, tmp_path / "save", 24_000))
    assert "jazz.00054.wav" in caplog.text
    assert counts(rows) == {"train": 442, "valid": 197, "test": 290}
    (jazz / "jazz.00055.wav").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 929.*allow_missing"):
        prepare_gtzan(copy, tmp_path / "save", 24_000)


@pytest.mark.parametrize(
    ("parent", "suffix"),
    [("genres", ".wav"), ("genres", ".au"), ("Data/genres_original", ".wav")],
)
def test_each_layout_is_found(tmp_path, parent, suffix):
    make_gtzan(tmp_path, seconds=0.5, parent=parent, suffix=suffix)
    save = tmp_path / "save"
    rows = rows_of(prepare_gtzan(tmp_path, save, 24_000, allow_missing=True))
    assert counts(rows) == {"train": 20, "valid": 10, "test": 10}
    row = rows["test"]["disco.00001"]
    assert row["wav"] == f"{{data_root}}/{parent}/disco/disco.00001{suffix}"
    assert (row["label"], row["track"]) == ("disco", "disco.00001")
    assert row["start"] == 0 and 12_000 <= row["length"] <= 12_241
    assert [path for path, _ in skipped(save)] == [
        f"{parent}/jazz/jazz.00054{suffix}"
    ]


def test_the_folder_of_genres_may_be_given_itself(mini, tmp_path):
    make = {"sample_rate": 24_000, "allow_missing": True}
    rows = rows_of(prepare_gtzan(mini / "genres", tmp_path, **make))
    assert (
        rows["train"]["rock.00000"]["wav"] == "{data_root}/rock/rock.00000.wav"
    )


def test_a_copy_in_part_is_refused_and_listed(mini, tmp_path):
    with pytest.raises(FileNotFoundError, match="889 of 930.*allow_missing"):
        prepare_gtzan(mini, tmp_path, 24_000)
    with open(tmp_path / "missing.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 889


@pytest.mark.parametrize(
    "name", ["rock.00000.wav", "genres/x.wav", "genres/rock/rock.00000.mp3"]
)
def test_a_wrong_folder_is_told_the_layout(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(FileNotFoundError, match=r"genres_original.*00000\.wav"):
        read_splits(tmp_path)


def test_a_genre_missing_from_a_split_is_named(tmp_path):
    make_gtzan(tmp_path, seconds=0.5)
    for number in (2, 3):
        (tmp_path / f"genres/pop/pop.0000{number}.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="'train' has no usable file of pop"):
        prepare_gtzan(tmp_path, tmp_path / "save", 24_000, allow_missing=True)


@pytest.mark.parametrize(
    "line",
    [
        "dev rock 1-3",
        "train soul 1-3",
        "train rock 1-100",
        "train rock 3-1",
        "train rock -3",
        "train rock one",
    ],
)
def test_a_bad_line_of_the_list_is_named(tmp_path, monkeypatch, mini, line):
    path = tmp_path / "list.txt"
    path.write_text(f"# A comment.\n\ntrain blues 1-3\n{line}\n")
    monkeypatch.setattr(gtzan_prepare, "SPLIT_FILE", path)
    with pytest.raises(ValueError, match="list.txt, line 4: "):
        read_splits(mini)
