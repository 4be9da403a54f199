"""Names out of files lead nowhere else; revisions are revisions.

Authors
 * The mert_sb developers 2026
"""

import importlib
import json

import numpy as np
import pytest
import soundfile
from speechbrain.utils.fetching import FetchConfig

from mert_sb.audio.clips import write_clips
from mert_sb.audio.rows import read_rows, write_rows
from mert_sb.audio.split import keep_splits
from mert_sb.inference.hub import fetch_file, push_folder
from tests.utils.source_tree import ROOT

OUTSIDE = ["../a.wav", "/etc/a.wav", "a/../../a.wav", "x\0.wav"]


@pytest.fixture
def folders(tmp_path):
    """A file beside the data folder, and the folder."""
    soundfile.write(tmp_path / "a.wav", np.full(9_000, 0.1), 8_000)
    (tmp_path / "data").mkdir()
    return tmp_path / "data", tmp_path / "save"


@pytest.mark.parametrize("path", OUTSIDE)
def test_clips_outside_of_the_data_folder(folders, path):
    data, save = folders
    splits = {"train": {path: {"track": "a", "label": "rock"}}}
    with pytest.raises(ValueError, match="its path leads out of data_folder"):
        write_clips(data, save, splits, sample_rate=24_000)
    assert not save.exists()


def recipe_module(name):
    """A recipe's module by its path."""
    path = ROOT / "recipes" / "downstream" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_table_that_leads_out(folders):
    data, save = folders
    module = recipe_module("MTT/mtt_prepare")
    columns = ["clip_id", *module.LABELS, "mp3_path"]
    cells = ["1", *["1"] * len(module.LABELS), "0/../../a.wav"]
    text = "".join("\t".join(row) + "\n" for row in (columns, cells))
    (data / module.TABLE).write_text(text)
    (data / "mp3").mkdir()
    splits = module.read_splits(data)
    with pytest.raises(ValueError, match="leads out of data_folder"):
        write_clips(data, save, splits, sample_rate=24_000)


@pytest.mark.parametrize("name", ["../a", "a/b", "/a", "", "a\0"])
def test_a_note_that_is_no_name_of_a_file(tmp_path, name):
    module = recipe_module("NSynth/nsynth_prepare")
    note = {"note_str": name, "instrument_family_str": "bass", "pitch": 60}
    (tmp_path / "examples.json").write_text(json.dumps({name: note}))
    with pytest.raises(ValueError, match="is not the entry of a note"):
        module.read_notes(tmp_path / "examples.json")


ROW = {"wav": "{data_root}/a.wav", "start": 0, "length": 9, "duration": 1.0}


@pytest.mark.parametrize(
    "change",
    [
        *({"wav": "{data_root}/" + path} for path in OUTSIDE),
        {"wav": "/etc/a.wav"},
        {"wav": "{data_root.__class__}/a.wav"},
        {"wav": 3},
        {"start": -1},
        {"length": 1e9},
        {"length": None},
        {"duration": "1"},
    ],
)
def test_rows_that_nobody_wrote(tmp_path, change):
    path = tmp_path / "train.json"
    write_rows(path, {"a": ROW})
    assert read_rows(path) == {"a": ROW}
    write_rows(path, {"a": ROW | change})
    for read in (read_rows, lambda p: keep_splits(p.parent, {"a": "train"})):
        with pytest.raises(ValueError, match="'a' is no row of a manifest"):
            read(path)


@pytest.mark.parametrize("text", ["[]", "3", "{", '{"a": []}', "[" * 90_000])
def test_manifests_that_are_none(tmp_path, text):
    path = tmp_path / "train.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=str(path)):
        read_rows(path)


def test_a_link_that_leads_out_is_not_uploaded(tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (tmp_path / "secret").write_text("x")
    (folder / "inside").symlink_to(folder / "config.json")
    (folder / "README.md").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="README.md links to a file outside"):
        push_folder(folder, "me/mine")


@pytest.mark.parametrize(
    "revision",
    ["../../x", "a/../b", "/main", "-x", "", "a b", "a\n", "x.lock", "a//b", 3],
)
def test_revisions_that_are_none(tmp_path, revision):
    config = FetchConfig(revision=revision)
    with pytest.raises(ValueError, match="is no branch, tag or commit"):
        fetch_file("me/mine", "config.json", config)
    (tmp_path / "a").touch()
    with pytest.raises(ValueError, match="is no branch, tag or commit"):
        push_folder(tmp_path, "me/mine", revision=revision)


@pytest.mark.parametrize("revision", ["main", "v1.0", "feat/x-1", "a" * 40])
def test_revisions_of_git(revision):
    # Offline: it is looked for in the cache alone.
    with pytest.raises(ConnectionError, match="the network is off"):
        fetch_file("me/mine", "config.json", FetchConfig(revision=revision))
