"""``mert-sb units``: what it writes is what ``encode_file`` gives.

Authors
 * The mert_sb developers 2026
"""

import csv
import json

import pytest

from mert_sb.inference.commands.main import main
from mert_sb.inference.units import UnitEncoder
from tests.utils.task_folders import noise
from tests.utils.unit_folders import CPU, write_folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("made") / "units")


@pytest.fixture
def music(tmp_path):
    """Two files and, in a folder below, one that is no music."""
    (tmp_path / "music" / "deep").mkdir(parents=True)
    noise(tmp_path / "music" / "a.wav", 4.0)
    noise(tmp_path / "music" / "deep" / "bé.flac", 1.3, 16_000)
    return tmp_path / "music"


@pytest.fixture
def command(made, tmp_path):
    """Runs the command; its exit code."""

    def units(*inputs, source=made, out=tmp_path / "out", options=()):
        places = [source, *inputs, "--output", out, "--device", "cpu"]
        return main(["units", *map(str, places), *options])

    return units


def test_a_line_for_each_token(command, made, music, tmp_path, capsys):
    assert command(music) == 0
    written = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert written == {"a.tsv", "deep/bé.tsv", "mert-sb-units.json"}
    assert "2 encoded, 0 there already, 0 skipped" in capsys.readouterr().out
    encoder = UnitEncoder.from_folder(made, run_opts=CPU)
    for name in ("a.wav", "deep/bé.flac"):
        wanted = encoder.encode_file(music / name)
        path = (tmp_path / "out" / name).with_suffix(".tsv")
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        assert [int(row["token"]) for row in rows] == wanted.tokens.tolist()
        for key, values in (("start", wanted.starts), ("end", wanted.ends)):
            found = [float(row[key]) for row in rows]
            assert found == pytest.approx(values.tolist(), abs=1e-6)
        string = " ".join(row["units"] for row in rows)
        decoded = encoder.decode(wanted.tokens).tolist()
        assert [int(unit) for unit in string.split()] == decoded


def test_json_has_the_units_of_all_frames(command, made, music, tmp_path):
    options = ["--format", "json", "--keep-suffix", "--batch-size", "3"]
    assert command(music / "a.wav", options=options) == 0
    text = (tmp_path / "out" / "a.wav.json").read_text()
    encoder = UnitEncoder.from_folder(made, run_opts=CPU)
    wanted = encoder.encode_file(music / "a.wav")
    found = json.loads(text)
    assert found.pop("frame_rate") == 75
    assert found.keys() == set(wanted._fields)
    for name, values in found.items():
        expected = getattr(wanted, name).tolist()
        assert values == pytest.approx(expected, abs=1e-6)


def test_what_cannot_be_read_is_listed(command, music, tmp_path, capsys):
    (music / "text.mp3").write_text("no music")
    noise(music / "short.wav", 0.01)
    assert command(music) == 1
    with open(tmp_path / "out" / "skipped.csv", newline="") as file:
        reasons = {row["path"]: row["reason"] for row in csv.DictReader(file)}
    assert reasons.keys() == {
        str(music / name) for name in ("short.wav", "text.mp3")
    }
    assert reasons[str(music / "short.wav")].startswith("240 samples")
    assert "2 encoded, 0 there already, 2 sk" in capsys.readouterr().out
    assert (tmp_path / "out" / "a.tsv").exists()
    assert not (tmp_path / "out" / "short.tsv").exists()


def test_a_run_goes_on_with_the_same_units_only(
    command, music, tmp_path, capsys
):
    assert command(music / "a.wav") == 0
    before = (tmp_path / "out" / "a.tsv").stat().st_mtime_ns
    assert command(music) == 0
    assert "1 encoded, 1 there already" in capsys.readouterr().out
    assert (tmp_path / "out" / "a.tsv").stat().st_mtime_ns == before
    assert command(music, options=["--format", "json"]) == 2
    message = capsys.readouterr().err
    assert "format ('tsv' there, 'json' now)" in message
    other = write_folder(tmp_path / "other", layer=1)
    assert command(music, source=other) == 2
    assert "units.layer (2 there, 1 now)" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.json.*"))


def test_inputs_and_folders_that_are_none_are_refused(
    command, music, tmp_path, capsys
):
    assert command(tmp_path / "none.wav") == 2
    assert "none.wav: no such file or folder" in capsys.readouterr().err
    assert command(music, source=music) == 2
    assert "units.json" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
