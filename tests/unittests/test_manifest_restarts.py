"""Manifests after restarts, crashes and changes; the split of files.

Authors
 * The mert_sb developers 2026
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.utils.music_folders import bad_files, prepare, skipped, write
from tests.utils.processes import family, living


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
    assert examined == ["cut.flac", "text.mp3"]
    assert outputs(tmp_path) == before


def test_workers_give_the_same_bytes(tmp_path):
    bad_files(tmp_path / "data")
    for index in range(5):
        write(tmp_path / "data" / f"{index}.ogg", 2.0 + index)
    prepare(tmp_path)
    before = outputs(tmp_path)
    (tmp_path / "save" / "prepare.jsonl").unlink()
    prepare(tmp_path, n_workers=2)
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
            # A kill would leave what is on the disk now.
            journal = (tmp_path / "save" / "prepare.jsonl").read_bytes()
            assert journal.count(b"\n") == 2
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


def test_a_share_is_no_percentage():
    from mert_sb.audio.manifest import hash_split

    with pytest.raises(ValueError, match="valid_share is 5"):
        hash_split(["a.ogg", "b.ogg"], valid_share=5, seed=0)


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


WAITING = """
import sys, time
from mert_sb.audio.workers import examine_all
if __name__ == "__main__":
    options = {"verify": True, "n_workers": 2}
    results = examine_all(sys.argv[1], ["a.wav"] * 9, **options)
    print(next(results), flush=True)
    time.sleep(600)
"""


def test_workers_end_with_a_killed_run(tmp_path):
    write(tmp_path / "data" / "a.wav")
    (tmp_path / "script.py").write_text(WAITING)
    run = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", tmp_path / "data"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    assert run.stdout.readline()
    workers = {one for one in family(run.pid) if one.pid != run.pid}
    assert len(workers) >= 2
    run.kill()
    # Its end comes when nobody has it open any more.
    try:
        run.communicate(timeout=60)
        # What is at its very end still lives.
        limit = time.monotonic() + 30
        while living(workers) and time.monotonic() < limit:
            time.sleep(0.1)
    finally:
        left = living(workers)
        for process in left:
            os.kill(process.pid, signal.SIGKILL)
    assert not left


def test_an_unguarded_script_is_told_so(tmp_path):
    write(tmp_path / "data" / "a.wav")
    script = tmp_path / "script.py"
    script.write_text(
        "from mert_sb.audio.workers import examine_all\n"
        f"folder = {str(tmp_path / 'data')!r}\n"
        "results = examine_all(folder, ['a.wav'], verify=True, n_workers=2)\n"
        "print(list(results))\n"
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
