"""Manifests: every usable file once, every other with its reason, and restarts.

Authors
 * The mert_sb developers 2026
"""

import io
import logging
import os
import re
import sys

import numpy as np
import pytest
import soundfile as sf

from tests.utils.music_folders import (
    OPTIONS,
    RATE,
    all_to_train,
    bad_files,
    end_stream_early,
    noise,
    prepare,
    skipped,
    write,
)


def test_find_audio(tmp_path):
    from mert_sb.audio.manifest import find_audio

    names = ["b.OGG", "a/c.Mp3", "a/b.d/e.flac", "f.opus", "g.aif", "h.wav"]
    others = ["a/._c.mp3", ".hidden/i.wav", ".j.wav", "cover.jpg", "wav"]
    for name in [*names, *others]:
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).touch()
    assert find_audio(tmp_path / "x") == sorted(names)
    assert find_audio(str(tmp_path / "x")) == sorted(names)


def test_find_audio_follows_links_without_end(tmp_path):
    from mert_sb.audio.manifest import find_audio

    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "data" / "a" / "b.wav").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.wav").touch()
    (tmp_path / "data" / "a" / "up").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "z").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "data")
    assert find_audio(tmp_path / "data") == ["a/b.wav", "z/c.wav"]


def test_find_audio_says_what_it_saw(tmp_path):
    from mert_sb.audio.manifest import find_audio

    with pytest.raises(FileNotFoundError, match="nowhere"):
        find_audio(tmp_path / "nowhere")
    for name in ("a.txt", "b.m4a", ".c.wav"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"saw 2 other.*\.flac, .*\.wav"):
        find_audio(tmp_path)


def test_ids_are_safe_and_unique():
    from mert_sb.audio.names import file_id, segment_id

    assert file_id("a/b-c.d.wav") == "a--b-c.d.wav"
    paths = ["a/b.wav", "a--b.wav", "a-/b.wav", "a/-b.wav", "a_b.wav"]
    paths += ["a b.wav", "a:b.wav", "\u00e9.wav", "e.wav", "\u65e5.wav", ".wav"]
    paths += ["x" * 300 + ".wav", "x" * 299 + ".wav", "caf\udce9.wav"]
    paths += ["../a.wav", "a{b}.wav", "a$b.wav", "-a.wav", "\n.wav"]
    ids = [file_id(path) for path in paths]
    ids += [segment_id(path, 0, 2) for path in paths]
    ids += [segment_id(path, 1, 2) for path in paths]
    assert len({name.lower() for name in ids}) == 3 * len(paths)
    for name in ids:
        assert re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*", name)
        assert len(name) < 140
    assert segment_id("a.wav", 7, 8) == "a.wav--0007"


FORMATS = {
    "wav 8": ("wav", 8_000, 1, {}),
    "wav float": ("wav", 44_100, 6, {"subtype": "FLOAT"}),
    "flac": ("flac", 96_000, 2, {"subtype": "PCM_24"}),
    "aiff": ("aiff", 192_000, 1, {}),
    "ogg": ("ogg", 22_050, 2, {}),
    "opus": ("opus", 48_000, 2, {"format": "OGG", "subtype": "OPUS"}),
    "mp3": ("MP3", 16_000, 1, {"format": "MP3"}),
}


@pytest.mark.parametrize("verify", [True, False])
def test_all_formats(tmp_path, verify):
    from mert_sb.audio import read_crop
    from mert_sb.frames import HOP_LENGTH

    for name, (suffix, rate, channels, encoding) in FORMATS.items():
        path = tmp_path / "data" / f"{name}.{suffix}"
        write(path, 3.7, rate, channels, **encoding)
    rows = prepare(tmp_path, segment_seconds=1.5, verify=verify)["train"]
    assert skipped(tmp_path) == {}
    assert len(rows) == 2 * len(FORMATS)
    for row in rows.values():
        assert row["start"] % HOP_LENGTH == 0
        assert row["duration"] == row["length"] / RATE
        path = row["wav"].replace("{data_root}", str(tmp_path / "data"))
        crop = read_crop(path, row["start"], row["length"], RATE)
        assert len(crop) == row["length"]
    total = 3.7 * RATE * len(FORMATS)
    assert sum(row["length"] for row in rows.values()) == round(total)


def test_speechbrain_opens_any_name(tmp_path):
    from speechbrain.dataio.dataset import DynamicItemDataset

    from mert_sb.audio import read_audio
    from mert_sb.audio.manifest import write_manifests

    names = ["{a}.wav", "}{.wav", "{{b}}.wav", "{data_root}.wav", "$c.wav"]
    names += ["Dvo\u0159\u00e1k/\u65b0\u4e16\u754c.wav", "%s \\n'\".wav"]
    names += ["n" * 240 + ".wav", "/".join(["d" * 60] * 5) + "/e.wav"]
    for name in names:
        write(tmp_path / "data" / name)
    manifests = write_manifests(
        tmp_path / "data", tmp_path / "save", split=all_to_train, **OPTIONS
    )
    dataset = DynamicItemDataset.from_json(
        manifests["train"], replacements={"data_root": str(tmp_path / "data")}
    )
    dataset.set_output_keys(["id", "wav", "start", "length", "duration"])
    items = list(dataset)
    found = {os.path.relpath(item["wav"], tmp_path / "data") for item in items}
    assert found == set(names)
    for item in items:
        assert len(read_audio(item["wav"], RATE)) == item["length"]
        assert item["duration"] == 2.0
        (tmp_path / item["id"]).touch()


@pytest.mark.parametrize(
    "seconds, lengths",
    [
        (1.0, [1.0]),
        (2.99, [2.99]),
        (3.0, [2.0, 1.0]),
        (4.0, [2.0, 2.0]),
        (4.9, [2.0, 2.9]),
        (5.5, [2.0, 2.0, 1.5]),
    ],
)
def test_segments_lose_nothing(tmp_path, seconds, lengths):
    write(tmp_path / "data" / "a.wav", seconds)
    rows = prepare(tmp_path, segment_seconds=2.0)["train"]
    assert [row["duration"] for row in rows.values()] == lengths
    starts = [row["start"] / RATE for row in rows.values()]
    assert starts == [2.0 * index for index in range(len(lengths))]
    if len(lengths) > 1:
        assert list(rows)[1] == "a.wav--0001"


def test_a_crop_fits_into_every_segment(tmp_path):
    # 120,400 samples are no whole number of frame steps.
    crop = 120_400
    write(tmp_path / "data" / "a.wav", 16.0)
    seconds = crop / RATE
    options = {"min_seconds": seconds, "segment_seconds": seconds}
    rows = prepare(tmp_path, **options)["train"]
    assert len(rows) == 3
    assert all(row["length"] >= crop for row in rows.values())
    with pytest.raises(ValueError, match="min_seconds is 9"):
        prepare(tmp_path, min_seconds=9.0, segment_seconds=8.0)


def test_unusable_files_are_listed_with_reasons(tmp_path, caplog):
    write(tmp_path / "data" / "good, \u00e9.wav")
    bad = bad_files(tmp_path / "data")
    with caplog.at_level(logging.WARNING):
        rows = prepare(tmp_path, n_workers=2)["train"]
    assert [row["wav"] for row in rows.values()] == [
        "{data_root}/good, \u00e9.wav"
    ]
    reasons = skipped(tmp_path)
    kinds = {path: reason.split(":")[0] for path, reason in reasons.items()}
    assert kinds == bad
    assert "0.99 s" in reasons["short.wav"]
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "11 of 12 files skipped" in warning
    assert "2 unreadable" in warning
    assert str(tmp_path / "save" / "skipped.csv") in warning


def test_without_verification_only_the_ends_are_decoded(tmp_path):
    bad = bad_files(tmp_path / "data")
    write(tmp_path / "data" / "good.wav")
    wav = noise(4.0, RATE)
    wav[-1] = np.nan
    sf.write(tmp_path / "data" / "end.wav", wav, RATE, subtype="FLOAT")
    prepare(tmp_path, verify=False)
    unnoticed = {"hole.ogg", "inf.wav", "nan.wav", "opposite.wav", "silent.mp3"}
    assert set(skipped(tmp_path)) == set(bad) - unnoticed | {"end.wav"}


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_a_bar_on_terminals_only(tmp_path, monkeypatch, terminal):
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    write(tmp_path / "data" / "a.wav", 360.0, 8_000)
    prepare(tmp_path)
    assert ("1/1" in screen.getvalue()) == terminal
    assert ("audio=0.1 h" in screen.getvalue()) == terminal
    line = "job=prepare state=done done=1 total=1 unit=file"
    assert (line in screen.getvalue()) == (not terminal)
    assert ("audio_hours=0.1 " in screen.getvalue()) == (not terminal)


def test_no_usable_file(tmp_path):
    bad_files(tmp_path / "data")
    with pytest.raises(ValueError) as caught:
        prepare(tmp_path)
    for text in ("none of the 11", "2 unreadable", "1 short", "skipped.csv"):
        assert text in str(caught.value)
    assert len(skipped(tmp_path)) == 11


def test_decoded_length_of_a_cut_mp3_counts(tmp_path):
    from mert_sb.audio import audio_info, read_audio

    path = tmp_path / "data" / "a.mp3"
    write(path, 10.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert audio_info(path).n_samples == 10 * RATE
    (row,) = prepare(tmp_path)["train"].values()
    assert row["length"] == len(read_audio(path, RATE)) < 6 * RATE


def test_a_small_hole_is_noticed_but_not_pages_after_the_end(tmp_path):
    from mert_sb.audio import read_audio

    for name in ("ends.ogg", "hole.ogg"):
        write(tmp_path / "data" / name, 8.0, n_channels=2)
    end_stream_early(tmp_path / "data" / "ends.ogg", 2)
    data = bytearray((tmp_path / "data" / "hole.ogg").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "data" / "hole.ogg").write_bytes(data)
    for name in ("ends.ogg", "hole.ogg"):
        length = len(read_audio(tmp_path / "data" / name, RATE))
        assert 7 * RATE < length < 8 * RATE
    rows = prepare(tmp_path)["train"]
    assert list(rows) == ["ends.ogg"]
    length = len(read_audio(tmp_path / "data" / "ends.ogg", RATE))
    assert rows["ends.ogg"]["length"] == length
    assert skipped(tmp_path)["hole.ogg"].startswith("truncated: ")


def test_given_paths(tmp_path, caplog):
    for name in ("a.wav", "b.wav"):
        write(tmp_path / "data" / name)
    rows = prepare(tmp_path, paths=["b.wav", "b.wav", "no.wav"])["train"]
    assert list(rows) == ["b.wav"]
    assert skipped(tmp_path) == {
        "no.wav": "unreadable: No such file or directory"
    }
    assert "1 of 2 files" in caplog.text
