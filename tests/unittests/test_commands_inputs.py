"""``mert-sb encode``: damaged files, names that clash, options without meaning.

Authors
 * The mert_sb developers 2026
"""

import csv
import os
import sys

import numpy as np
import pytest
import soundfile

from tests.utils.encode_command import NAMES, Desk, write_audio


@pytest.fixture
def desk(tmp_path):
    """A model and some music."""
    return Desk(tmp_path)


def test_damaged_files_are_listed_and_the_others_written(desk, capsys):
    write_audio(desk.music / "cut.flac", 8.0)
    whole = (desk.music / "cut.flac").read_bytes()
    (desk.music / "cut.flac").write_bytes(whole[: len(whole) // 2])
    (desk.music / "none.wav").touch()
    (desk.music / "text.mp3").write_text("no music")
    (desk.music / "link.wav").symlink_to("absent.wav")
    write_audio(desk.music / "short.wav", 0.01)
    soundfile.write(
        desk.music / "nan.wav", np.full(9_000, np.nan), 24_000, subtype="FLOAT"
    )
    assert desk.encode() == 1
    with open(desk.out / "skipped.csv", newline="") as file:
        rows = {os.path.basename(r["path"]): r for r in csv.DictReader(file)}
    bad = "cut.flac link.wav nan.wav none.wav short.wav text.mp3".split()
    assert rows.keys() == set(bad)
    assert rows["cut.flac"]["reason"].startswith("unreadable: ")
    assert rows["nan.wav"]["reason"].startswith("non-finite")
    assert rows["link.wav"]["reason"].startswith("gone")
    assert "shorter than one frame" in rows["short.wav"]["reason"]
    message = capsys.readouterr().err
    assert all(f"{name}: " in message for name in bad)
    for name in NAMES:
        desk.read("npy", name)
    for name in rows:
        (desk.music / name).unlink()
    assert desk.encode() == 0
    assert not (desk.out / "skipped.csv").exists()


def test_names_that_clash_are_refused_before_anything_is_written(desk, capsys):
    write_audio(desk.music / "a.flac", 1.0)
    assert desk.encode() == 2
    message = capsys.readouterr().err
    assert "a.flac" in message and "--keep-suffix" in message
    assert not desk.out.exists()
    assert desk.encode(options=["--keep-suffix"]) == 0
    names = desk.written()
    assert {"a.wav.npy", "a.flac.npy", "sub/c.mp3.npy"} <= names.keys()


def test_files_of_two_folders_with_one_name_clash(desk, capsys):
    for folder in "xy":
        write_audio(desk.folder / folder / "a.wav", 1.0)
    assert desk.encode(desk.folder / "x", desk.folder / "y") == 2
    assert "a folder above both" in capsys.readouterr().err
    # The same file twice is no clash.
    assert desk.encode(desk.folder / "x", desk.folder / "x" / "a.wav") == 0


def test_names_that_are_not_utf8(desk):
    folder = desk.folder / "x"
    write_audio(folder / "a.wav", 1.0)
    (folder / "a.wav").rename(folder / os.fsdecode(b"\xff.wav"))
    (folder / os.fsdecode(b"\xfe.wav")).touch()
    assert desk.encode(folder) == 1
    assert (desk.out / os.fsdecode(b"\xff.npy")).exists()
    assert b"\xfe.wav" in (desk.out / "skipped.csv").read_bytes()


def test_hdf5_without_h5py_says_what_to_install(desk, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert desk.encode(options=["--format", "hdf5"]) == 2
    assert "pip install 'mert_sb[hdf5]'" in capsys.readouterr().err
    assert not desk.out.exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--layers", "3"], "--layers: there is no 3"),
        (["--chunk-seconds", "0.01"], "--chunk-seconds"),
        (["--overlap-seconds", "1.5"], "--overlap-seconds"),
        (["--overlap-seconds", "none"], "--overlap-seconds"),
    ],
)
def test_settings_that_no_file_could_have_are_refused(
    desk, capsys, options, named
):
    assert desk.encode(options=options) == 2
    assert named in capsys.readouterr().err
    assert not desk.out.exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--layers", "x"],
        ["--layers", ""],
        ["--workers", "-1"],
        ["--batch-size", "0"],
        ["--chunk-seconds", "inf"],
        ["--device", "nowhere"],
        ["--device", "cuda:99"],
    ],
)
def test_options_without_meaning_are_refused(desk, capsys, options):
    with pytest.raises(SystemExit) as stop:
        desk.encode(options=options)
    assert stop.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_inputs_that_are_not_there_are_refused(desk, capsys):
    assert desk.encode(desk.music, desk.folder / "absent.wav") == 2
    assert "absent.wav" in capsys.readouterr().err
    (desk.folder / "empty").mkdir()
    assert desk.encode(desk.folder / "empty") == 2
    assert "no audio" in capsys.readouterr().err
    assert desk.encode(source=desk.folder / "empty") == 2
    assert not desk.out.exists()
