"""emoMusic: the split by artists, the scale of the ratings, the tables' faults.

Authors
 * The mert_sb developers 2026
"""

import json
import os

import numpy as np
import pytest
import soundfile

from recipes.downstream.EMO.emo_prepare import (
    COUNTS,
    MEAN,
    STD,
    Song,
    prepare_emo,
    read_splits,
    split_of,
)
from tests.samples.make_emo import (
    ARTISTS,
    INFO_HEADER,
    N_SONGS,
    RATINGS_HEADER,
    SAMPLE_RATE,
    info_row,
    make_emo,
)

# Songs of the real set: where the published split has their artists.
PUBLISHED = {
    "The New Mystikal Troubadours": "valid",
    "Kevin MacLeod": "valid",
    "My Bubba & Mi": "train",
    "Vieux Farka Touré": "train",
    "Circus Marcus": "valid",
    "Sláinte": "valid",
    "MIT Concert Choir": "train",
    "Jahzzar": "train",
    # The last that train, and the first that do not.
    "Caravan of Thieves": "train",
    "Big Bill Broonzy": "valid",
}


def write_tables(folder, info, ratings):
    """Write both tables into ``annotations``."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    for name, lines in (("songs_info", info), ("static_annotations", ratings)):
        path = folder / "annotations" / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def full_tables(folder, spread=1.0):
    """Tables of 744 songs, ratings with the published mean and deviation."""
    splits = [split for split, count in COUNTS.items() for _ in range(count)]
    info, ratings = [INFO_HEADER], [RATINGS_HEADER]
    # One song at the mean, 309 at each side: the mean and deviation are exact.
    step = spread * np.array(STD) * (619 / 618) ** 0.5
    for index, split in enumerate(splits):
        info.append(info_row(index + 3, ARTISTS[split][index % 2], split))
        side = 0 if index == 0 else (-1) ** index
        arousal, valence = np.array(MEAN) + side * step
        rated = (arousal, valence) if split != "test" else (3.1, 3)
        ratings.append(f"{index + 3},{rated[0]},0.9,{rated[1]},0.6")
    write_tables(folder, info, ratings)
    (folder / "clips_45seconds").mkdir()
    (folder / "clips_45seconds" / "3.mp3").touch()
    return folder


def rows_of(manifests):
    """Rows by split and id."""
    return {
        split: json.loads(path.read_text()) for split, path in manifests.items()
    }


def tracks_of(rows):
    """Ids of songs, those of the windows once."""
    return {row["track"] for row in rows.values()}


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """The miniature; not to be changed."""
    folder = tmp_path_factory.mktemp("mini")
    make_emo(folder)
    return folder


@pytest.mark.parametrize(("artist", "split"), PUBLISHED.items())
def test_artists_are_where_the_published_split_has_them(artist, split):
    ratings = (5.0, 5.0)
    assert split_of(Song(artist, "development", ratings)) == split
    assert split_of(Song(artist, "evaluation", ratings)) == "test"
    spelled = f" {artist.upper()}7"
    expected = split_of(Song(f" {artist}", "development", ratings))
    assert split_of(Song(spelled, "development", ratings)) == expected


def test_spaces_in_names_are_collapsed():
    song = Song("Kevin  3   MacLeod", "development", (5.0, 5.0))
    assert split_of(song) == "valid"


def test_full_tables_have_the_published_counts_and_scale(tmp_path):
    splits = read_splits(full_tables(tmp_path))
    assert {split: len(rows) for split, rows in splits.items()} == COUNTS
    targets = [
        row["targets"]
        for split in ("train", "valid")
        for row in splits[split].values()
    ]
    assert np.mean(targets, axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert np.std(targets, axis=0) == pytest.approx([1, 1], abs=1e-6)
    # The published targets of song 2, which is rated so.
    row = splits["test"]["clips_45seconds/746.mp3"]
    assert row["targets"] == pytest.approx([-1.1948, -1.5733], abs=1e-4)
    assert row["track"] == "746"


def test_full_tables_with_other_ratings_are_refused(tmp_path):
    full_tables(tmp_path, spread=1.001)
    with pytest.raises(
        ValueError, match="static_annotations.csv: mean and dev"
    ):
        read_splits(tmp_path)


def test_windows_of_five_seconds_carry_scaled_targets(mini, tmp_path):
    manifests = prepare_emo(mini, tmp_path, 24_000, allow_missing=True)
    rows = rows_of(manifests)
    counts = {split: len(tracks_of(rows[split])) for split in rows}
    assert counts == N_SONGS
    windows = [
        (key, row["start"], row["length"])
        for key, row in rows["train"].items()
        if row["track"] == "2"
    ]
    assert windows == [("2--0000", 0, 120_000), ("2--0001", 120_000, 120_000)]
    scale = json.loads((tmp_path / "scale.json").read_text())
    assert scale["targets"] == ["arousal", "valence"]
    table = mini / "annotations" / "static_annotations.csv"
    rated = np.loadtxt(table, delimiter=",", skiprows=1)
    for split in rows:
        for row in rows[split].values():
            found = np.array(row["targets"]) * scale["std"] + scale["mean"]
            expected = rated[int(row["track"]) - 2, [1, 3]]
            assert found == pytest.approx(expected)
    assert scale["mean"] == pytest.approx(rated[:12, [1, 3]].mean(axis=0))


def test_only_45_seconds_count(tmp_path):
    make_emo(tmp_path, seconds=5.5, suffix=".wav")
    clips = tmp_path / "clips_45seconds"
    rng = np.random.default_rng(0)
    for name, seconds in (("2", 51.0), ("3", 44.6), ("4", 5.9)):
        wav = rng.normal(0.0, 0.1, round(seconds * 8_000))
        soundfile.write(clips / f"{name}.wav", wav, 8_000)
    save = tmp_path / "save"
    manifests = prepare_emo(tmp_path, save, 16_000, allow_missing=True)
    lengths = {}
    for row in rows_of(manifests)["train"].values():
        lengths.setdefault(row["track"], []).append(row["length"])
    assert lengths["2"] == [80_000] * 9
    assert lengths["3"] == [80_000] * 8 + [73_600]
    assert lengths["4"] == [80_000]


def test_other_places_are_found(mini, tmp_path):
    (tmp_path / "clips_45sec").mkdir()
    os.symlink(
        mini / "clips_45seconds", tmp_path / "clips_45sec/clips_45seconds"
    )
    for table in (mini / "annotations").iterdir():
        (tmp_path / table.name).write_bytes(table.read_bytes())
    splits = read_splits(tmp_path)
    assert "clips_45sec/clips_45seconds/2.mp3" in splits["train"]


def test_half_a_table_and_half_the_clips_are_refused(mini, tmp_path):
    with pytest.raises(
        ValueError, match="songs_info.*'train': 8.*allow_missing"
    ):
        prepare_emo(mini, tmp_path / "save", 24_000)
    full_tables(tmp_path)
    audio = mini / "clips_45seconds" / "3.mp3"
    clips = tmp_path / "clips_45seconds"
    (clips / "3.mp3").write_bytes(audio.read_bytes())
    with pytest.raises(FileNotFoundError, match="743 of 744.*allow_missing"):
        prepare_emo(tmp_path, tmp_path / "save", 24_000)


def test_a_wrong_folder_is_told_the_layout(mini, tmp_path):
    with pytest.raises(FileNotFoundError, match="no songs_info.*clips_45sec"):
        read_splits(tmp_path)
    os.symlink(mini / "annotations", tmp_path / "annotations")
    with pytest.raises(FileNotFoundError, match="no .mp3 or .wav.*song_id"):
        read_splits(tmp_path)


TWO = info_row(2, "A", "train")
RATED = "2,3.1,0.9,3,0.6"


@pytest.mark.parametrize(
    ("info", "ratings", "message"),
    [
        (["id,Artist"], [RATED], "songs_info.csv, line 1: lacks"),
        ([INFO_HEADER, TWO, "x" + TWO], [RATED], "songs_info.csv, line 3"),
        ([INFO_HEADER, TWO, TWO], [RATED], "line 3: song 2 is there twice"),
        ([INFO_HEADER, TWO[:20]], [RATED], "songs_info.csv, line 2"),
        ([INFO_HEADER, TWO.replace("dev", "Dev")], [RATED], "line 2.*neither"),
        ([INFO_HEADER, TWO], ["2,0.9,1,3,1"], "static.*line 2.*from 1 to 9"),
        ([INFO_HEADER, TWO], ["2,3,1,nan,1"], "static.*line 2.*from 1 to 9"),
        ([INFO_HEADER, TWO], ["2,3,1,,1"], "static.*line 2.*could not"),
        ([INFO_HEADER, TWO], ["3,3,1,3,1"], "2 songs are only in one.* 2"),
        ([INFO_HEADER, TWO], [RATED], "have one rating"),
        (
            [INFO_HEADER, TWO.replace("development", "evaluation")],
            [RATED],
            "no song is in the development set",
        ),
    ],
)
def test_faults_of_the_tables_are_named(tmp_path, info, ratings, message):
    write_tables(tmp_path, info, [RATINGS_HEADER, *ratings])
    with pytest.raises(ValueError, match=message):
        read_splits(tmp_path)


def test_names_that_are_not_utf8_do_not_matter(mini, tmp_path):
    os.symlink(mini / "clips_45seconds", tmp_path / "clips_45seconds")
    (tmp_path / "annotations").mkdir()
    for table in (mini / "annotations").iterdir():
        text = table.read_text(encoding="utf-8").encode("latin-1")
        (tmp_path / "annotations" / table.name).write_bytes(text)
    assert read_splits(tmp_path) == read_splits(mini)


def test_the_miniature_can_be_learnt(mini):
    loudness, arousal = [], []
    table = mini / "annotations" / "static_annotations.csv"
    for line in table.read_text().splitlines()[1:]:
        song_id, rated = line.split(",")[:2]
        wav, rate = soundfile.read(mini / f"clips_45seconds/{song_id}.mp3")
        assert rate == SAMPLE_RATE
        loudness.append(wav.std())
        arousal.append(float(rated))
    assert np.corrcoef(loudness, arousal)[0, 1] > 0.99
