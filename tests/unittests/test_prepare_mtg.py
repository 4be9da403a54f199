"""MTG-Jamendo: the dataset's own split 0 of four tasks, tags, windows of 30 s.

With MTG_JAMENDO_FOLDER naming a clone of the dataset's repository (no audio is
needed), the real split files are tested too.

Authors
 * The mert_sb developers 2026
"""

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from recipes.downstream.MTG import mtg_prepare
from recipes.downstream.MTG.mtg_prepare import (
    COUNTS,
    LABELS,
    SPELLINGS,
    prepare_mtg,
    read_splits,
    with_suffix,
)
from tests.samples.make_mtg import make_mtg

SPLIT_FOLDER = "data/splits/split-0"
GENRE_TEST = "autotagging_genre-test.tsv"


@pytest.fixture(scope="module")
def miniature(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mtg")
    make_mtg(folder)
    return folder


@pytest.fixture
def split_folder(miniature, tmp_path):
    """A copy of the split files, to be damaged."""
    return shutil.copytree(miniature / SPLIT_FOLDER, tmp_path / "split-0")


def edit(path, old, new):
    data = path.read_bytes()
    assert old.encode() in data
    path.write_bytes(data.replace(old.encode(), new.encode(), 1))


def prepare(folder, save_folder, **options):
    options = {"clip_seconds": 2.0, "allow_missing": True} | options
    return prepare_mtg(folder, save_folder, 24_000, **options)


@pytest.mark.parametrize(
    ("task", "number", "first", "last"),
    [
        ("instrument", 40, "accordion", "voice"),
        ("mood", 56, "action", "uplifting"),
        ("genre", 87, "60s", "worldfusion"),
        ("top50", 50, "alternative", "relaxing"),
    ],
)
def test_the_tags_of_a_task(task, number, first, last):
    tags = LABELS[task]
    assert (len(tags), len(set(tags))) == (number, number)
    assert (tags[0], tags[-1]) == (first, last)
    assert list(SPELLINGS[task]) == sorted(SPELLINGS[task])


def test_tags_are_spelled_with_their_category():
    assert SPELLINGS["mood"]["mood/theme---happy"] == "happy"
    kinds = Counter(name.split("---")[0] for name in SPELLINGS["top50"])
    assert kinds == {"genre": 31, "instrument": 14, "mood/theme": 5}
    for task, category in (("genre", "genre"), ("instrument", "instrument")):
        top = {n for n in SPELLINGS["top50"] if n.startswith(f"{category}---")}
        assert top <= set(SPELLINGS[task])


@pytest.mark.parametrize("task", LABELS)
def test_splits_of_the_miniature(miniature, task):
    splits = read_splits(miniature / SPLIT_FOLDER, task, allow_missing=True)
    files = {name: list(entries) for name, entries in splits.items()}
    assert files == {
        "train": [f"0{n}/100{n}" for n in range(8)],
        "valid": [f"0{n}/200{n}" for n in range(8)],
        "test": [f"0{n}/300{n}" for n in range(8)],
    }
    entry = splits["valid"]["05/2005"]
    assert entry["track"] == "track_0002005"
    names = [SPELLINGS[task][name] for name in sorted(SPELLINGS[task])[1::4]]
    assert entry["tags"] == names


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ALBUM_ID", "ALBUM", "line 1: the columns are"),
        ("\t00/3000.mp3", "", "line 2: path '4.5'"),
        ("\t02/3002.mp3", "\t03/3002.mp3", "line 4: path '03/3002.mp3'"),
        ("track_0003002", "track_x", "line 4: path"),
        ("track_0003001", "track_0003000", "line 3: path"),
        ("genre---70s", "genre---1770s", "line 3: 'genre---1770s' is none of"),
        ("genre---70s", "instrument---70s", "line 3: 'instrument---70s' is"),
        ("artist_001500", "artist_000500", "line 2: artist_000500 is in split"),
        ("album_003001", "album_001001", "line 3: album_001001 is in split"),
    ],
)
def test_bad_rows_are_refused(split_folder, old, new, message):
    edit(split_folder / GENRE_TEST, old, new)
    with pytest.raises(ValueError, match=message) as error:
        read_splits(split_folder, "genre", allow_missing=True)
    assert GENRE_TEST in str(error.value)


def test_rows_without_tags_and_doubled_rows_are_refused(split_folder):
    path = split_folder / GENRE_TEST
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    path.write_bytes(whole + last)
    with pytest.raises(ValueError, match="line 10: track_0003007 again"):
        read_splits(split_folder, "genre", allow_missing=True)
    path.write_bytes(whole + b"\t".join(last.split(b"\t")[:5]) + b"\r\n")
    with pytest.raises(ValueError, match="line 10: 5 cells, at least 6"):
        read_splits(split_folder, "genre", allow_missing=True)


def test_a_tag_absent_from_a_split_is_named(split_folder):
    path = split_folder / GENRE_TEST
    for _ in range(2):
        edit(path, "\tgenre---worldfusion", "")
    with pytest.raises(
        ValueError, match="test.tsv: no track is .* worldfusion"
    ):
        read_splits(split_folder, "genre", allow_missing=True)


def test_other_counts_unknown_tasks_and_missing_files_are_refused(split_folder):
    with pytest.raises(ValueError, match="'train': 8.*9949.*allow_missing"):
        read_splits(split_folder, "mood")
    with pytest.raises(ValueError, match="'moodtheme' is none of instrument, "):
        read_splits(split_folder, "moodtheme")
    (split_folder / GENRE_TEST).unlink()
    with pytest.raises(FileNotFoundError, match=f"{GENRE_TEST}.*split-0 of a"):
        read_splits(split_folder, "genre", allow_missing=True)


def test_the_form_of_most_files_is_taken(tmp_path):
    splits = {"train": {"00/100": {"tags": []}}, "test": {"01/101": {}}}
    for name in ("00/100.mp3", "01/101.mp3", "01/101.low.mp3", "01/1.low.mp3"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    expected = {
        "train": {"00/100.mp3": {"tags": []}},
        "test": {"01/101.mp3": {}},
    }
    assert with_suffix(tmp_path, splits) == expected
    (tmp_path / "00" / "100.low.mp3").touch()
    assert list(with_suffix(tmp_path, splits)["test"]) == ["01/101.low.mp3"]


def test_a_folder_without_audio_is_told_what_was_looked_for(split_folder):
    with pytest.raises(
        FileNotFoundError, match="none of the 24 .*<id>.low.mp3"
    ):
        prepare(split_folder, split_folder, task="top50", split_folder=".")


def test_tracks_are_cut_into_windows_and_short_tails_dropped(
    miniature, tmp_path
):
    manifests = prepare(miniature, tmp_path, task="top50")
    for name, path in manifests.items():
        rows = json.loads(path.read_text()).values()
        lengths = Counter(row["length"] for row in rows)
        assert lengths == {48_000: 16}
        assert {tag for row in rows for tag in row["tags"]} == set(
            LABELS["top50"]
        ), name
    row = json.loads(manifests["test"].read_text())["track_0003005--0001"]
    names = [SPELLINGS["top50"][n] for n in sorted(SPELLINGS["top50"])[1::4]]
    assert row == {
        "wav": "{data_root}/05/3005.low.mp3",
        "start": 48_000,
        "length": 48_000,
        "duration": 2.0,
        "track": "track_0003005",
        "tags": names,
    }


def test_a_tail_of_a_second_is_a_window_too(miniature, tmp_path):
    path = prepare(miniature, tmp_path, task="mood", clip_seconds=1.7)["test"]
    lengths = Counter(
        r["length"] for r in json.loads(path.read_text()).values()
    )
    assert lengths[40_800] == 16
    assert sum(lengths.values()) == 24 and min(lengths) > 24_000


def test_missing_audio_is_refused_or_left_out(miniature, tmp_path, monkeypatch):
    folder = shutil.copytree(miniature, tmp_path / "partial")
    (folder / "03" / "1003.low.mp3").unlink()
    options = {"save_folder": tmp_path / "save", "task": "genre"}
    with monkeypatch.context() as patch:
        counts = {"train": 8, "valid": 8, "test": 8}
        patch.setitem(mtg_prepare.COUNTS, "genre", counts)
        with pytest.raises(FileNotFoundError, match="03/1003.low.mp3"):
            prepare(folder, **options, allow_missing=False)
    manifests = prepare(folder, **options)
    assert len(json.loads(manifests["train"].read_text())) == 2 * 7


@pytest.mark.skipif(
    "MTG_JAMENDO_FOLDER" not in os.environ,
    reason="MTG_JAMENDO_FOLDER names no clone of MTG/mtg-jamendo-dataset",
)
@pytest.mark.parametrize("task", LABELS)
def test_the_real_split_files_give_the_benchmark_s_counts(task):
    folder = Path(os.environ["MTG_JAMENDO_FOLDER"]) / SPLIT_FOLDER
    splits = read_splits(folder, task)
    counts = {name: len(files) for name, files in splits.items()}
    assert counts == COUNTS[task]
    fewest = {"instrument": 21, "mood": 25, "genre": 23, "top50": 176}
    files = splits["test"].values()
    positives = Counter(tag for fields in files for tag in fields["tags"])
    assert (len(positives), min(positives.values())) == (
        len(LABELS[task]),
        fewest[task],
    )
