"""Clips: missing files, splits and lengths that cannot be.

Authors
 * The mert_sb developers 2026
"""

import logging

import pytest

from tests.utils.clip_folders import clips, labelled, missing
from tests.utils.music_folders import skipped, write


def test_missing_files_are_all_listed_and_refused(tmp_path, caplog):
    write(tmp_path / "data" / "a.wav")
    write(tmp_path / "data" / "z.wav")
    (tmp_path / "data" / "dead.wav").symlink_to(tmp_path / "nowhere")
    names = [f"{index}.mp3" for index in range(7)]
    splits = {
        "train": labelled("a.wav", "dead.wav", *names[1:]),
        "test": labelled("z.wav", names[0]),
    }
    lost = [(name, "train") for name in [*names[1:], "dead.wav"]]
    lost.insert(0, ("0.mp3", "test"))
    with pytest.raises(FileNotFoundError) as caught:
        clips(tmp_path, splits)
    for text in ("8 of 10 files", "0.mp3, 1.mp3, 2.mp3, 3.mp3, 4.mp3 and 3"):
        assert text in str(caught.value)
    for text in ("missing.csv", "allow_missing: True", str(tmp_path / "data")):
        assert text in str(caught.value)
    assert missing(tmp_path) == lost
    assert not (tmp_path / "save" / "train.json").exists()
    with caplog.at_level(logging.WARNING):
        rows = clips(tmp_path, splits, allow_missing=True)
    assert {name: list(part) for name, part in rows.items()} == {
        "train": ["a"],
        "test": ["z"],
    }
    assert missing(tmp_path) == lost
    assert skipped(tmp_path) == {}
    assert "8 of 10 files" in caplog.text
    for name in ("dead.wav", *names):
        (tmp_path / "data" / name).unlink(missing_ok=True)
        write(tmp_path / "data" / f"{name}.wav")
        (tmp_path / "data" / f"{name}.wav").rename(tmp_path / "data" / name)
    assert len(clips(tmp_path, splits)["train"]) == 8
    assert missing(tmp_path) == []


def test_files_without_a_byte_were_not_downloaded(tmp_path):
    write(tmp_path / "data" / "a.wav")
    (tmp_path / "data" / "b.wav").touch()
    files = {"test": labelled("a.wav", "b.wav")}
    with pytest.raises(FileNotFoundError, match="1 of 2 files .* or empty: b"):
        clips(tmp_path, files)
    assert list(clips(tmp_path, files, allow_missing=True)["test"]) == ["a"]
    assert missing(tmp_path) == [("b.wav", "test")]


def test_a_tag_whose_files_are_all_lost_is_named(tmp_path):
    write(tmp_path / "data" / "a.wav")
    (tmp_path / "data" / "b.wav").write_bytes(b"RIFF")
    files = labelled("a.wav", tags=["slow"]) | labelled("b.wav", tags=["harp"])
    with pytest.raises(ValueError, match="'test' has no usable file of harp"):
        clips(tmp_path, {"test": files})


def test_a_wrong_folder_is_no_partial_download(tmp_path):
    files = {"test": labelled("a.wav", "b.wav")}
    with pytest.raises(FileNotFoundError, match="data is not a folder"):
        clips(tmp_path, files, allow_missing=True)
    (tmp_path / "data").mkdir()
    with pytest.raises(FileNotFoundError, match="2 of 2.*another data_folder"):
        clips(tmp_path, files, allow_missing=True)


def test_splits_that_contradict_themselves_are_refused(tmp_path):
    for name in ("a.wav", "b.wav"):
        write(tmp_path / "data" / name, 2.0)
    a, b = labelled("a.wav"), labelled("b.wav")
    apart = {"train": a, "test": {"./a.wav": {"track": "c"}}}
    same = {"train": a, "test": {"b.wav": {"track": "a"}}}
    for splits, text in (
        (
            {"train": a, "test": {**b, **a}},
            "'test'.*'a.wav'.*same file.*'train'",
        ),
        (apart, "same file is splits.'train'"),
        (same, r"its track, 'a', is that of splits\['train'\]\['a.wav'\]"),
        ({"train": labelled("a.wav", "b.wav", track="x")}, "is that of"),
        ({"train": {"a.wav": {"label": "x"}}}, "its track is None"),
        ({"train": {"a.wav": {"track": 7}}}, "its track is 7"),
        ({"train": labelled("a.wav", length=3, wav="")}, "length, wav cannot"),
        ({"train": a, "test": {}}, "split 'test' has no clip.*0 files"),
        ({"train": {}}, "name no file"),
    ):
        with pytest.raises(ValueError, match=text):
            clips(tmp_path, splits)
    assert not list((tmp_path / "save").glob("*.json"))


def test_ids_of_clips_are_unique(tmp_path):
    for name in ("a.wav", "b.wav"):
        write(tmp_path / "data" / name, 2.0)
    files = {"a.wav": {"track": "a"}, "b.wav": {"track": "a--0001"}}
    assert list(clips(tmp_path, {"test": files})["test"]) == ["a", "a--0001"]
    write(tmp_path / "data" / "b.wav", 1.0)
    for splits in (
        {"test": files},
        {n: {p: files[p]} for n, p in (("train", "a.wav"), ("test", "b.wav"))},
    ):
        with pytest.raises(ValueError, match="b.wav: another.*id a--0001"):
            clips(tmp_path, splits, clip_seconds=1.0)


def test_a_split_whose_files_are_all_damaged_is_refused(tmp_path):
    write(tmp_path / "data" / "a.wav")
    (tmp_path / "data" / "b.wav").write_bytes(b"RIFF")
    splits = {"train": labelled("a.wav"), "test": labelled("b.wav")}
    with pytest.raises(ValueError, match="'test' has no clip: none of its 1"):
        clips(tmp_path, splits)
    assert list(skipped(tmp_path)) == ["b.wav"]
    with pytest.raises(ValueError, match="none of the 1 files .* 1 "):
        clips(tmp_path, {"test": labelled("b.wav")})


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_whose_files_are_all_damaged_is_named(tmp_path, caplog, split):
    for name in ("a.wav", "b.wav"):
        write(tmp_path / "data" / name)
    (tmp_path / "data" / "c.wav").write_bytes(b"RIFF")
    splits = {"train": labelled("a.wav"), "test": labelled("b.wav")}
    splits[split] |= labelled("c.wav", label="jazz")
    message = f"'{split}' has no usable file of jazz, see missing.csv and"
    with pytest.raises(ValueError, match=message):
        clips(tmp_path, splits)
    assert not (tmp_path / "save" / "train.json").exists()
    if split == "train":
        with pytest.raises(ValueError, match=message):
            clips(tmp_path, splits, allow_missing=True)
    else:
        assert clips(tmp_path, splits, allow_missing=True).keys() == set(splits)
        assert message in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_seconds": 0}, "clip_seconds is 0: give"),
        ({"clip_seconds": -1.0}, "clip_seconds is -1.0: give"),
        ({"min_seconds": 0.0}, "min_seconds is 0.0: give"),
        ({"max_seconds": 0.0}, "max_seconds is 0.0: give"),
        ({"min_tail_seconds": 1.0}, "at most clip_seconds, which is None"),
        (
            {"min_tail_seconds": 1.1, "clip_seconds": 1.0},
            "min_tail_seconds is 1.1",
        ),
        ({"clip_seconds": 5.0, "max_seconds": 4.0}, "below clip_seconds"),
        ({"min_seconds": 5.0, "max_seconds": 4.0}, "below min_seconds.*5.0"),
    ],
)
def test_lengths_that_contradict_themselves_are_refused(
    tmp_path, options, message
):
    write(tmp_path / "data" / "a.wav")
    with pytest.raises(ValueError, match=message):
        clips(tmp_path, {"test": labelled("a.wav")}, **options)
    assert not (tmp_path / "save").exists()
