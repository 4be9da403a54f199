"""Clips: exact windows of given files, their labels, and restarts.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile as sf

from tests.utils.clip_folders import clips, labelled, missing
from tests.utils.music_folders import RATE, bad_files, skipped, write


def spans(rows):
    """Start and length of rows in seconds."""
    return [(row["start"] / RATE, row["length"] / RATE) for row in rows]


def test_windows_at_another_rate_are_those_of_the_whole_file(tmp_path):
    from mert_sb.audio import read_audio, read_crop

    write(tmp_path / "data" / "a b.wav", 3.7, 44_100, 2)
    rows = clips(tmp_path, {"test": labelled("a b.wav")}, clip_seconds=1.1)
    assert list(rows["test"]) == ["a b--0000", "a b--0001", "a b--0002"]
    whole = read_audio(tmp_path / "data" / "a b.wav", RATE)
    for index, row in enumerate(rows["test"].values()):
        assert row == {
            "wav": "{data_root}/a b.wav",
            "start": index * 26_400,
            "length": 26_400,
            "duration": 1.1,
            "track": "a b",
            "label": "rock",
        }
        crop = read_crop(
            tmp_path / "data" / "a b.wav", row["start"], row["length"], RATE
        )
        expected = whole[row["start"] : row["start"] + row["length"]]
        assert crop.shape == (26_400,)
        assert np.allclose(crop, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(0, 3.7)]),
        ({"max_seconds": 2.5}, [(0, 2.5)]),
        ({"max_seconds": 9.0}, [(0, 3.7)]),
        ({"clip_seconds": 4.0, "min_tail_seconds": 1.0}, [(0, 3.7)]),
        ({"clip_seconds": 3.7}, [(0, 3.7)]),
        ({"clip_seconds": 2.0}, [(0, 2)]),
        ({"clip_seconds": 1.5}, [(0, 1.5), (1.5, 1.5)]),
        (
            {"clip_seconds": 1.5, "min_tail_seconds": 0.7},
            [(0, 1.5), (1.5, 1.5), (3, 0.7)],
        ),
        (
            {"clip_seconds": 1.5, "min_tail_seconds": 0.71},
            [(0, 1.5), (1.5, 1.5)],
        ),
        (
            {"clip_seconds": 1.5, "min_tail_seconds": 0.5, "max_seconds": 2.0},
            [(0, 1.5), (1.5, 0.5)],
        ),
        ({"clip_seconds": 1.5, "max_seconds": 1.5}, [(0, 1.5)]),
    ],
)
def test_tails_and_ends(tmp_path, options, expected):
    write(tmp_path / "data" / "a.wav", 3.7)
    rows = clips(tmp_path, {"test": labelled("a.wav")}, **options)["test"]
    assert spans(rows.values()) == expected
    ids = [f"a--{index:04d}" for index in range(len(expected))]
    assert list(rows) == (ids if len(ids) > 1 else ["a"])


def test_a_sample_decides_whether_a_tail_is_kept(tmp_path):
    n_samples = 2 * RATE
    for name, more in (("a", -1), ("b", 0), ("c", 11_999), ("d", 12_000)):
        wav = np.random.default_rng(0).normal(0, 0.1, n_samples + more)
        (tmp_path / "data").mkdir(exist_ok=True)
        sf.write(tmp_path / "data" / f"{name}.wav", wav, RATE)
    files = labelled("a.wav", "b.wav", "c.wav", "d.wav")
    options = {"clip_seconds": 2.0, "min_tail_seconds": 0.5}
    rows = clips(tmp_path, {"test": files}, **options)["test"]
    assert {key: row["length"] for key, row in rows.items()} == {
        "a": 47_999,
        "b": 48_000,
        "c": 48_000,
        "d--0000": 48_000,
        "d--0001": 12_000,
    }
    rows = clips(tmp_path, {"test": files}, clip_seconds=2.0)["test"]
    assert list(rows) == ["b", "c", "d"]
    assert skipped(tmp_path) == {"a.wav": "short: 2.00 s, clip_seconds is 2.00"}


def test_short_files_say_which_setting_they_are_too_short_for(tmp_path):
    write(tmp_path / "data" / "a.wav", 0.6)
    write(tmp_path / "data" / "b.wav", 3.0)
    files = {"test": labelled("a.wav", "b.wav")}
    tail = {"clip_seconds": 2.0, "min_tail_seconds": 0.7}
    for options, text in (
        ({"min_seconds": 0.7}, "min_seconds is 0.70"),
        ({"clip_seconds": 1.0}, "clip_seconds is 1.00"),
        (tail, "min_tail_seconds is 0.70"),
        ({**tail, "min_seconds": 0.8}, "min_seconds is 0.80"),
    ):
        clips(tmp_path, files, **options)
        assert skipped(tmp_path) == {"a.wav": f"short: 0.60 s, {text}"}


def test_labels_of_any_kind_reach_the_rows(tmp_path):
    for name in "abc":
        write(tmp_path / "data" / "x" / f"{name}.wav", 1.0)
    files = {
        "x/a.wav": {"track": "1", "label": "C major"},
        "x/b.wav": {"track": "2", "tags": ["no vocals", "\u00e9"]},
        "x/c.wav": {"track": "3", "targets": [0.25, -1.5]},
    }
    rows = clips(tmp_path, {"train": files})["train"]
    assert list(rows) == ["1", "2", "3"]
    assert rows["1"]["label"] == "C major"
    assert rows["2"]["tags"] == ["no vocals", "\u00e9"]
    assert rows["3"]["targets"] == [0.25, -1.5]


def test_speechbrain_opens_them(tmp_path):
    from speechbrain.dataio.dataset import DynamicItemDataset

    from mert_sb.audio import read_audio

    write(tmp_path / "data" / "{a}.wav", 1.0, 44_100)
    fields = {"tags": ["{data_root}", "}"], "targets": [0.5], "label": "{{b}"}
    clips(tmp_path, {"test": labelled("{a}.wav", **fields)})
    dataset = DynamicItemDataset.from_json(
        tmp_path / "save" / "test.json",
        replacements={"data_root": str(tmp_path / "data")},
        output_keys=["id", "wav", "length", "track", *fields],
    )
    (item,) = dataset
    assert item["id"] == item["track"] == "{a}"
    assert {name: item[name] for name in fields} == fields
    assert len(read_audio(item["wav"], RATE)) == item["length"]


def test_damaged_files_are_listed_and_silent_ones_stay(tmp_path):
    bad = bad_files(tmp_path / "data")
    write(tmp_path / "data" / "good.wav")
    write(tmp_path / "data" / "unasked.wav")
    rows = clips(
        tmp_path,
        {"test": labelled("good.wav", *bad)},
        min_seconds=1.0,
        n_workers=2,
        allow_missing=True,
    )["test"]
    assert list(rows) == ["good", "opposite", "silent"]
    assert rows["silent"]["length"] == 2 * RATE
    kinds = {
        path: reason.split(":")[0] for path, reason in skipped(tmp_path).items()
    }
    # What has no bytes was not downloaded.
    empty = [path for path, split in missing(tmp_path)]
    assert empty and all(bad[path] == "empty" for path in empty)
    assert kinds == {
        path: kind
        for path, kind in bad.items()
        if kind != "silent" and path not in empty
    }


def test_a_restart_gives_the_same_bytes(tmp_path, monkeypatch):
    from mert_sb.audio import workers

    bad = bad_files(tmp_path / "data")
    for index in range(3):
        write(tmp_path / "data" / f"{index}.ogg", 2.0 + index, 22_050)
    train = labelled("2.ogg", "0.ogg", *bad)
    splits = {"train": train, "test": labelled("1.ogg")}
    options = {"clip_seconds": 1.5, "min_tail_seconds": 0.5}
    options["allow_missing"] = True

    def outputs():
        return {
            path.name: path.read_bytes()
            for path in (tmp_path / "save").iterdir()
            if path.name != "prepare.jsonl"
        }

    clips(tmp_path, splits, **options)
    before = outputs()
    assert set(before) == {
        "missing.csv",
        "skipped.csv",
        "test.json",
        "train.json",
    }
    examined = []
    examine = workers.examine

    def spy(path, verify):
        examined.append(path.rsplit("/", 1)[-1])
        return examine(path, verify)

    with monkeypatch.context() as patch:
        patch.setattr(workers, "examine", spy)
        # The order in which a dataset's files are named is no matter.
        turned = {"train": dict(reversed(train.items()))} | splits
        turned["train"] = dict(reversed(train.items()))
        clips(tmp_path, turned, **options)
    # What may be a passing trouble is tried again, the rest is known.
    assert sorted(examined) == ["cut.flac", "text.mp3"]
    assert outputs() == before
    journal = tmp_path / "save" / "prepare.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    clips(tmp_path, splits, **options, n_workers=2)
    assert outputs() == before
