"""Manifests: every usable file once, every other with its reason, and restarts.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import logging
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf

RATE = 24_000
OPTIONS = {"min_seconds": 1.0, "sample_rate": RATE}


def noise(seconds, rate, n_channels=1):
    rng = np.random.default_rng(0)
    return rng.normal(0.0, 0.1, (round(seconds * rate), n_channels))


def write(path, seconds=2.0, rate=RATE, n_channels=1, **encoding):
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, noise(seconds, rate, n_channels), rate, **encoding)


def all_to_train(paths):
    return dict.fromkeys(paths, "train")


def prepare(folder, **options):
    """Write manifests into ``<folder>/save``; return the rows by split."""
    from mert_sb.audio.manifest import write_manifests

    options = {"split": all_to_train, **OPTIONS, **options}
    manifests = write_manifests(folder / "data", folder / "save", **options)
    return {
        name: json.loads(open(path, encoding="utf-8").read())
        for name, path in manifests.items()
    }


def skipped(folder):
    with open(folder / "save" / "skipped.csv", newline="") as file:
        return {row["path"]: row["reason"] for row in csv.DictReader(file)}


@pytest.fixture
def examined(monkeypatch):
    """Names of the files that are examined in this process."""
    from mert_sb.audio import workers

    names = []
    examine = workers.examine

    def spy(path, verify):
        names.append(os.path.basename(path))
        return examine(path, verify)

    monkeypatch.setattr(workers, "examine", spy)
    return names


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
    with pytest.raises(ValueError, match=r"\.flac, .*\.wav, saw 2 other"):
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
    # 120,400 samples are no whole number of steps: segments must not be shorter.
    crop = 120_400
    write(tmp_path / "data" / "a.wav", 16.0)
    seconds = crop / RATE
    options = {"min_seconds": seconds, "segment_seconds": seconds}
    rows = prepare(tmp_path, **options)["train"]
    assert len(rows) == 3
    assert all(row["length"] >= crop for row in rows.values())
    with pytest.raises(ValueError, match="min_seconds is 9"):
        prepare(tmp_path, min_seconds=9.0, segment_seconds=8.0)


def bad_files(data):
    """Unusable files and the kind of reason expected."""
    write(data / "cut.flac", 8.0)
    cut = (data / "cut.flac").read_bytes()
    (data / "cut.flac").write_bytes(cut[: len(cut) // 2])
    write(data / "hole.ogg", 20.0)
    hole = bytearray((data / "hole.ogg").read_bytes())
    hole[len(hole) // 2] ^= 0xFF
    (data / "hole.ogg").write_bytes(hole)
    (data / "text.mp3").write_text("not music\n" * 500)
    (data / "empty.wav").touch()
    sf.write(data / "headonly.wav", noise(0, RATE), RATE)
    write(data / "short.wav", 0.99)
    write(data / "odd.wav", 2.0, 44_101)
    sf.write(data / "silent.mp3", np.zeros(2 * RATE), RATE)
    opposite = noise(2.0, RATE) * [1, -1]
    sf.write(data / "opposite.wav", opposite, RATE, subtype="FLOAT")
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        wav = noise(4.0, RATE)
        wav[2 * RATE] = value
        sf.write(data / f"{name}.wav", wav, RATE, subtype="FLOAT")
    return {
        "cut.flac": "unreadable",
        "empty.wav": "unreadable",
        "headonly.wav": "empty",
        "hole.ogg": "truncated",
        "inf.wav": "non-finite",
        "nan.wav": "non-finite",
        "odd.wav": "rate",
        "opposite.wav": "silent",
        "short.wav": "short",
        "silent.mp3": "silent",
        "text.mp3": "unreadable",
    }


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
    assert "3 unreadable" in warning
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


def test_no_usable_file(tmp_path):
    bad_files(tmp_path / "data")
    with pytest.raises(ValueError) as caught:
        prepare(tmp_path)
    for text in ("none of the 11", "3 unreadable", "1 short", "skipped.csv"):
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


def test_given_paths(tmp_path):
    for name in ("a.wav", "b.wav"):
        write(tmp_path / "data" / name)
    rows = prepare(tmp_path, paths=["b.wav", "b.wav", "no.wav"])["train"]
    assert list(rows) == ["b.wav"]
    assert skipped(tmp_path) == {
        "no.wav": "unreadable: No such file or directory"
    }


def outputs(folder):
    return {
        path.name: path.read_bytes()
        for path in (folder / "save").iterdir()
        if path.name != "prepare.jsonl"
    }


def test_nothing_new_gives_the_same_bytes(tmp_path, examined):
    bad = bad_files(tmp_path / "data")
    write(tmp_path / "data" / "good.wav", 5.0)
    prepare(tmp_path, segment_seconds=2.0)
    before = outputs(tmp_path)
    assert set(before) == {"train.json", "skipped.csv"}
    assert sorted(examined) == sorted([*bad, "good.wav"])
    examined.clear()
    prepare(tmp_path, segment_seconds=2.0)
    # What may be a passing trouble is tried again, the rest is known.
    assert examined == ["cut.flac", "empty.wav", "text.mp3"]
    assert outputs(tmp_path) == before


def test_workers_give_the_same_bytes(tmp_path):
    bad_files(tmp_path / "data")
    for index in range(5):
        write(tmp_path / "data" / f"{index}.ogg", 2.0 + index)
    prepare(tmp_path)
    before = outputs(tmp_path)
    (tmp_path / "save" / "prepare.jsonl").unlink()
    prepare(tmp_path, n_workers=3)
    assert outputs(tmp_path) == before


def test_a_restart_goes_on_from_a_torn_journal(tmp_path, examined):
    for index in range(8):
        write(tmp_path / "data" / f"{index}.wav", 2.0 + index)
    prepare(tmp_path)
    before = outputs(tmp_path)
    journal = tmp_path / "save" / "prepare.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 8
    journal.write_bytes(b"".join(lines[:4]) + lines[4][:50])
    examined.clear()
    prepare(tmp_path)
    assert examined == ["4.wav", "5.wav", "6.wav", "7.wav"]
    assert outputs(tmp_path) == before
    examined.clear()
    prepare(tmp_path)
    assert examined == []


def test_an_interrupted_run_keeps_what_it_found(tmp_path, monkeypatch):
    from mert_sb.audio import workers

    for index in range(4):
        write(tmp_path / "data" / f"{index}.wav")
    examine = workers.examine
    names = []

    def interrupt(path, verify):
        names.append(os.path.basename(path))
        if len(names) == 3:
            raise KeyboardInterrupt
        return examine(path, verify)

    monkeypatch.setattr(workers, "examine", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path)
    assert outputs(tmp_path) == {}
    prepare(tmp_path)
    assert names == ["0.wav", "1.wav", "2.wav", "2.wav", "3.wav"]


def test_changed_files_and_settings_are_examined_again(tmp_path, examined):
    for name in ("a.wav", "b.wav", "c.wav"):
        write(tmp_path / "data" / name)
    prepare(tmp_path)
    examined.clear()
    write(tmp_path / "data" / "a.wav", 3.0)
    stat = os.stat(tmp_path / "data" / "b.wav")
    os.utime(tmp_path / "data" / "b.wav", ns=(0, stat.st_mtime_ns + 1))
    rows = prepare(tmp_path)["train"]
    assert examined == ["a.wav", "b.wav"]
    assert rows["a.wav"]["duration"] == 3.0
    examined.clear()
    prepare(tmp_path, sample_rate=16_000, min_seconds=0.5)
    assert examined == []
    prepare(tmp_path, verify=False)
    assert examined == ["a.wav", "b.wav", "c.wav"]


def test_manifests_are_replaced_at_once(tmp_path, monkeypatch):
    write(tmp_path / "data" / "a.wav")
    prepare(tmp_path)
    before = outputs(tmp_path)
    write(tmp_path / "data" / "b.wav")

    def full(source, target):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="no space left"):
            prepare(tmp_path)
    assert outputs(tmp_path).items() >= before.items()
    prepare(tmp_path)
    assert set(outputs(tmp_path)) == set(before)


def test_split_is_stable_when_files_are_added():
    from mert_sb.audio.manifest import hash_split

    paths = [f"album {index % 20}/{index}.ogg" for index in range(2_000)]
    before = hash_split(paths[:1_000], valid_share=0.1, seed=1)
    after = hash_split(paths[::-1], valid_share=0.1, seed=1)
    assert before.items() <= after.items()
    share = list(after.values()).count("valid") / 2_000
    assert 0.07 < share < 0.13
    assert hash_split(paths, valid_share=0.1, seed=2) != after


@pytest.mark.parametrize("share", [0.0, 1e-9, 0.5, 1.0])
def test_both_splits_are_used(share):
    from mert_sb.audio.manifest import hash_split

    for n_files in (2, 3, 10):
        for seed in range(20):
            paths = [f"{index}.ogg" for index in range(n_files)]
            split = hash_split(paths, valid_share=share, seed=seed)
            assert sorted(split) == paths
            assert set(split.values()) == {"train", "valid"}


def test_files_are_split_whole_and_only_usable_ones(tmp_path):
    from mert_sb.audio.manifest import hash_split

    def split(paths):
        assert paths == ["a.wav", "b.wav", "c.wav"]
        return hash_split(paths, valid_share=0.3, seed=0) | {"c.wav": None}

    for name in ("a.wav", "b.wav", "c.wav"):
        write(tmp_path / "data" / name, 6.0)
    (tmp_path / "data" / "0.wav").touch()
    rows = prepare(tmp_path, split=split, segment_seconds=2.0)
    files = [{row["wav"] for row in part.values()} for part in rows.values()]
    assert sorted(map(len, files)) == [1, 1]
    assert set.union(*files) == {"{data_root}/a.wav", "{data_root}/b.wav"}


def test_too_few_files_to_split(tmp_path):
    from mert_sb.audio.manifest import hash_split

    write(tmp_path / "data" / "a.wav")
    (tmp_path / "data" / "b.wav").touch()
    with pytest.raises(ValueError) as caught:
        prepare(
            tmp_path,
            split=lambda paths: hash_split(paths, valid_share=0.1, seed=0),
        )
    for text in (str(tmp_path / "data"), "1 usable file", "add files"):
        assert text in str(caught.value)


CRASHER = """
import os
from mert_sb.audio.workers import _examine_in

def crash(folder, verify, path):
    once = os.path.join(folder, "..", "once")
    if path == "kills.wav" or path == "once.wav" and not os.path.exists(once):
        open(once, "w").close()
        os._exit(1)
    return _examine_in(folder, verify, path)
"""


def test_a_worker_that_dies_names_its_file(tmp_path, monkeypatch):
    from mert_sb.audio import workers

    # Workers import it through the path they inherit.
    (tmp_path / "mert_sb_crasher.py").write_text(CRASHER)
    monkeypatch.syspath_prepend(tmp_path)
    import mert_sb_crasher

    names = [*(f"{index}.wav" for index in range(6)), "kills.wav", "once.wav"]
    for name in names:
        write(tmp_path / "data" / name)
    with monkeypatch.context() as patch:
        patch.setattr(workers, "_examine_in", mert_sb_crasher.crash)
        rows = prepare(tmp_path, n_workers=2)["train"]
    assert sorted(rows) == [name for name in names if name != "kills.wav"]
    assert list(skipped(tmp_path)) == ["kills.wav"]
    assert skipped(tmp_path)["kills.wav"].startswith("crashed: ")
    # It may have been the memory: the next run tries again.
    assert sorted(prepare(tmp_path)["train"]) == names


def test_an_unguarded_script_is_told_so(tmp_path):
    write(tmp_path / "data" / "a.wav")
    script = tmp_path / "script.py"
    script.write_text(
        "from mert_sb.audio.workers import examine_all\n"
        f"folder = {str(tmp_path / 'data')!r}\n"
        "print(list(examine_all(folder, ['a.wav'], verify=True, n_workers=2)))\n"
    )
    run = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.returncode != 0
    assert "set n_workers to 1" in run.stderr
