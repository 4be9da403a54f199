"""MUSDB18: its split to the song, other collections, and what is not in order.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import re
import shutil
import sys

import numpy as np
import pytest
import soundfile

from recipes.downstream.MUSDB18 import convert_stems
from recipes.downstream.MUSDB18.musdb18_prepare import VALID, prepare_musdb18
from tests.samples.make_musdb18 import make_musdb18, write_song

FOUR = ("vocals", "drums", "bass", "other")
OPTIONS = {
    "sample_rate": 24_000,
    "stems": FOUR,
    "mixture": "mixture",
    "split": "musdb18",
    "valid_share": 0.25,
    "crop_seconds": 0.5,
    "allow_missing": True,
}
OWN = {"stems": ("guitar", "rest"), "mixture": None, "split": "own"}


def prepare(data, save, **changed):
    """Rows by split and id."""
    manifests = prepare_musdb18(data, save, **OPTIONS | changed)
    return {name: json.loads(p.read_text()) for name, p in manifests.items()}


def counts(rows):
    """Songs of each split."""
    return tuple(len(rows[name]) for name in ("train", "valid", "test"))


def table(path):
    """A table's rows."""
    with open(path, newline="") as file:
        return list(csv.reader(file))[1:]


def noise(seconds=0.6, rate=8_000, n_channels=2, seed=0):
    """Samples ``(S, C)``."""
    rng = np.random.default_rng(seed)
    return 0.1 * rng.normal(size=(round(seconds * rate), n_channels))


@pytest.fixture
def mini(tmp_path):
    make_musdb18(tmp_path / "data", seconds=0.6)
    return tmp_path / "data"


@pytest.fixture
def own(tmp_path):
    """Two stems, no mixture, eight songs for training."""
    folders = [f"train/{name}" for name in "abcdefgh"] + ["test/x", "test/y"]
    for seed, folder in enumerate(folders):
        stems = {name: noise(seed=seed) for name in OWN["stems"]}
        write_song(tmp_path / "own" / folder, stems, None, 8_000)
    return tmp_path / "own"


def test_a_full_copy_has_the_published_counts(tmp_path):
    data = tmp_path / "data"
    names = [*VALID, *(f"train {i}" for i in range(86))]
    folders = [f"train/{name}" for name in names]
    folders += [f"test/test {i}" for i in range(50)]
    stems = dict.fromkeys(FOUR, noise(0.01))
    write_song(tmp_path / "song", stems, rate=8_000)
    for folder in folders:
        shutil.copytree(tmp_path / "song", data / folder)
    full = {"allow_missing": False, "crop_seconds": 0.005}
    rows = prepare(data, tmp_path / "save", **full)
    assert counts(rows) == (86, 14, 50)
    assert {row["track"] for row in rows["valid"].values()} == set(VALID)
    assert not table(tmp_path / "save" / "missing.csv")
    shutil.rmtree(data / "train" / VALID[3])
    shutil.rmtree(data / "test" / "test 7")
    with pytest.raises(FileNotFoundError, match="2 missing.*allow_missing"):
        prepare(data, tmp_path / "save", **full)
    assert table(tmp_path / "save" / "missing.csv") == [
        [f"train/{VALID[3]}", "valid"],
        ["test: 49 songs, published are 50", "test"],
    ]


def test_rows_say_where_stems_are(mini, tmp_path):
    rows = prepare(mini, tmp_path / "save")
    assert counts(rows) == (2, 2, 2)
    row = rows["test"]["test/PR - Oh No"]
    assert row["wav"] == "{data_root}/test/PR - Oh No"
    assert row["stem_files"] == [f"{name}.wav" for name in FOUR]
    assert row["mixture_file"] == "mixture.wav"
    assert 14_400 <= row["length"] <= 16_000
    for name in ("missing", "skipped", "remarks"):
        assert (tmp_path / "save" / f"{name}.csv").is_file()
    assert not table(tmp_path / "save" / "remarks.csv")
    again = prepare(mini, tmp_path / "save")
    assert again == rows


def test_a_missing_stem_or_mixture_is_refused_and_named(mini, tmp_path):
    (mini / "test/PR - Oh No/bass.wav").unlink()
    (mini / "train/Music Delta - Rock/mixture.wav").unlink()
    with pytest.raises(FileNotFoundError, match="Complete the data"):
        prepare(mini, tmp_path / "save", allow_missing=False)
    lines = table(tmp_path / "save" / "missing.csv")
    assert ["test/PR - Oh No/bass.wav", "test"] in lines
    assert ["train/Music Delta - Rock/mixture.wav", "train"] in lines
    assert counts(prepare(mini, tmp_path / "save")) == (1, 2, 1)


def rewrite(change):
    """A song's bass as something else."""

    def spoil(path):
        wav, rate = soundfile.read(path, always_2d=True)
        soundfile.write(path, *change(wav, rate))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (rewrite(lambda w, r: (w[:-9], r)), "differ in length: vocals.wav"),
        (rewrite(lambda w, r: (w, 48_000)), "differ in rate: .*bass.wav 48000"),
        (rewrite(lambda w, r: (w[:, :1], r)), "differ in channels.*bass.wav 1"),
        (lambda path: path.write_bytes(b"no audio"), "bass.wav: unreadable"),
    ],
)
def test_files_that_do_not_belong_together_are_skipped(
    mini, tmp_path, spoil, reason, caplog
):
    spoil(mini / "test/PR - Oh No/bass.wav")
    with caplog.at_level("WARNING"):
        rows = prepare(mini, tmp_path / "save")
    assert counts(rows) == (2, 2, 1)
    ((song, found),) = table(tmp_path / "save" / "skipped.csv")
    assert song == "test/PR - Oh No"
    assert re.search(reason, found)
    assert song in caplog.text


def test_songs_of_many_channels_are_skipped(own, tmp_path):
    for name in OWN["stems"]:
        path = own / "test" / "x" / f"{name}.wav"
        soundfile.write(path, noise(n_channels=6), 8_000)
    assert counts(prepare(own, tmp_path / "save", **OWN))[2] == 1
    ((_, reason),) = table(tmp_path / "save" / "skipped.csv")
    assert reason == "6 channels, but one or two are wanted"


def test_silent_stems_and_wrong_sums_are_remarked_and_kept(mini, tmp_path):
    path = mini / "test/PR - Oh No/vocals.wav"
    wav, rate = soundfile.read(path)
    soundfile.write(path, 0 * wav, rate, "FLOAT")
    rows = prepare(mini, tmp_path / "save")
    assert counts(rows) == (2, 2, 2)
    silent, left = table(tmp_path / "save" / "remarks.csv")
    assert silent[0] == left[0] == "test/PR - Oh No"
    assert silent[1].startswith("vocals.wav is silent")
    mixture, _ = soundfile.read(path.with_name("mixture.wav"))
    share = 100 * (wav**2).sum() / (mixture**2).sum()
    assert left[1] == f"the stems leave {share:.3g} % of the mixture's power"


def test_other_collections_are_split_by_a_hash_or_by_folder(own, tmp_path):
    rows = prepare(own, tmp_path / "a", **OWN)
    assert sum(counts(rows)[:2]) == 8 and counts(rows)[2] == 2
    assert min(counts(rows)) > 0
    row = rows["test"]["test/x"]
    assert row["stem_files"] == ["guitar.wav", "rest.wav"]
    assert row["mixture_file"] == ""
    (own / "valid").mkdir()
    (own / "train" / "a").rename(own / "valid" / "a")
    rows = prepare(own, tmp_path / "b", **OWN)
    assert counts(rows) == (7, 1, 2) and list(rows["valid"]) == ["valid/a"]


def test_other_formats_are_as_good(own, tmp_path):
    for name in OWN["stems"]:
        path = own / "test" / "x" / f"{name}.wav"
        soundfile.write(path.with_suffix(".flac"), noise(), 8_000)
        path.unlink()
    rows = prepare(own, tmp_path / "save", **OWN)
    assert rows["test"]["test/x"]["stem_files"] == ["guitar.flac", "rest.flac"]


def test_short_songs_are_not_trained_on(own, tmp_path):
    before = prepare(own, tmp_path / "a", **OWN)
    short = [min(before["train"]), "test/x"]
    for folder in short:
        for name in OWN["stems"]:
            soundfile.write(own / folder / f"{name}.wav", noise(0.4), 8_000)
    rows = prepare(own, tmp_path / "b", **OWN)
    assert set(before["train"]) - set(rows["train"]) == {short[0]}
    assert "test/x" in rows["test"]


@pytest.mark.parametrize(
    ("changed", "error", "reason"),
    [
        ({"split": "random"}, ValueError, "split: 'random'"),
        ({"crop_seconds": 60.0}, ValueError, "'train' has no usable song"),
        ({"stems": ("a", "b")}, FileNotFoundError, "split: own"),
    ],
)
def test_impossible_settings_are_refused(
    mini, tmp_path, changed, error, reason
):
    changed = {"allow_missing": "stems" not in changed} | changed
    with pytest.raises(error, match=reason):
        prepare(mini, tmp_path / "save", **changed)


def test_folders_without_songs_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="the layout is train/<song>"):
        prepare(tmp_path, tmp_path / "save")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.stem.mp4").touch()
    with pytest.raises(FileNotFoundError, match=r"convert_stems\.py"):
        prepare(tmp_path, tmp_path / "save")


class Stempeg:
    """A library that reads: five streams of noise, mixture first."""

    @staticmethod
    def Info(path):
        class Found:
            def audio_stream_idx(self):
                return list(range(1, 5 if "short" in path else 6))

        return Found()

    @staticmethod
    def read_stems(path, *, stem_id, dtype):
        return noise(seed=stem_id).astype(dtype), 44_100


def test_mp4_files_become_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(convert_stems, "library", lambda: Stempeg)
    source, target = tmp_path / "mp4", tmp_path / "wav"
    for folder in ("train", "test"):
        (source / folder).mkdir(parents=True)
        (source / folder / "A - B.stem.mp4").touch()
    convert_stems.main([str(source), str(target)])
    wav, rate = soundfile.read(target / "test" / "A - B" / "drums.wav")
    assert rate == 44_100
    np.testing.assert_allclose(wav, noise(seed=2), atol=1e-7)
    names = {path.stem for path in (target / "train" / "A - B").iterdir()}
    assert names == {"mixture", *FOUR}
    # Finished songs are left alone.
    monkeypatch.setattr(Stempeg, "Info", None)
    convert_stems.convert_folder(source, target)


def test_other_mp4_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(convert_stems, "library", lambda: Stempeg)
    with pytest.raises(FileNotFoundError, match="no train"):
        convert_stems.convert_folder(tmp_path, tmp_path / "wav")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "short.stem.mp4").touch()
    with pytest.raises(ValueError, match="4 streams"):
        convert_stems.convert_folder(tmp_path, tmp_path / "wav")


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "stempeg", None)
    with pytest.raises(ImportError, match=r"mert_sb\[separation\].*ffmpeg"):
        convert_stems.library()
