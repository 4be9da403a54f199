"""A YAML on a base: flags reach both, no key stands twice.

Authors
 * The mert_sb developers 2026
"""

import pytest

from mert_sb.hparams import load_hparams, refuse_unused
from mert_sb.overrides import place_overrides, read_yaml

BASE = """
__made: !apply:os.makedirs [!ref <folder>, 511, True]
task: !PLACEHOLDER
folder: !ref /tmp/<task>
cache:
    batch_size: 4
    device: null
layer: !new:torch.nn.Linear
    in_features: !ref <width>
    out_features: 2
width: 3
"""
OWN = """
base: !include:common/base.yaml
    task: genre
    cache:
        batch_size: 8
    folder: {folder}
data_folder: !PLACEHOLDER
prepare:
    folder: !ref <base[folder]>
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "base.yaml").write_text(BASE)
    path = tmp_path / "own.yaml"
    path.write_text(OWN.format(folder=tmp_path / "made"))
    return path


def test_the_keys_of_a_base_are_the_yamls_own(path, tmp_path):
    hparams = load_hparams(path, "data_folder: /music")
    assert set(hparams) == {
        "task",
        "folder",
        "cache",
        "layer",
        "width",
        "data_folder",
        "prepare",
    }
    assert hparams["cache"] == {"batch_size": 8, "device": None}
    assert hparams["prepare"]["folder"] == str(tmp_path / "made")


def test_flags_reach_own_keys_and_those_of_the_base(path):
    hparams = load_hparams(
        path,
        "data_folder: /music\nwidth: 5\ncache: {device: cpu}\ntask: key\n"
        "layer: {out_features: 7}\n",
    )
    assert hparams["data_folder"] == "/music"
    assert hparams["layer"].weight.shape == (7, 5)
    assert hparams["cache"] == {"batch_size": 8, "device": "cpu"}
    assert hparams["task"] == "key"


def test_placed_twice_is_placed_once(path):
    placed = place_overrides(path, "width: 5\nbase: {task: key}")
    assert placed == {"base": {"task": "key", "width": 5}}
    assert place_overrides(path, placed) == placed


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ("widths: 5", "widths"),
        ("cache: {devise: cpu}", "base.cache.devise"),
        ("base: {widths: 5}", "base.widths"),
    ],
)
def test_a_misspelt_flag_is_refused(path, flags, name):
    with pytest.raises(KeyError, match=f"has no key {name};"):
        load_hparams(path, flags)


def test_a_misspelt_key_under_the_base_is_refused(path):
    text = path.read_text()
    path.write_text(text.replace("batch_size: 8", "batch_sizes: 8"))
    with pytest.raises(
        KeyError, match="base.yaml has no key cache.batch_sizes"
    ):
        load_hparams(path, "data_folder: /music")


def test_a_key_in_both_is_refused(path):
    path.write_text(path.read_text() + "width: 9\n")
    with pytest.raises(KeyError, match="both have width; change it under base"):
        load_hparams(path, "data_folder: /music")


def test_a_key_of_the_base_that_nothing_reads_is_refused(path):
    hparams = load_hparams(path, "data_folder: /music")
    with pytest.raises(KeyError, match="nothing reads the key cache, layer;"):
        refuse_unused(hparams, path, {"data_folder", "prepare"})


def test_references_into_the_base_count(path):
    tree, names = read_yaml(path)
    assert "folder" in names
    assert tree["base"]["cache"] == {"batch_size": None, "device": None}


@pytest.fixture
def nested(path, tmp_path):
    """An experiment on an experiment."""
    other = tmp_path / "nested.yaml"
    other.write_text(
        "base: !include:own.yaml\n"
        "    data_folder: /music\n"
        "    base:\n"
        "        width: 4\n"
        "extra: 1\n"
    )
    return other


def test_a_base_may_have_a_base(nested):
    hparams = load_hparams(nested, "")
    assert hparams["layer"].in_features == 4
    assert (hparams["data_folder"], hparams["extra"]) == ("/music", 1)
    assert hparams["cache"] == {"batch_size": 8, "device": None}
    assert "base" not in hparams


def test_flags_reach_every_level(nested):
    hparams = load_hparams(
        nested, "width: 6\ncache: {device: cpu}\ndata_folder: /b\nextra: 2\n"
    )
    assert hparams["layer"].in_features == 6
    assert hparams["cache"]["device"] == "cpu"
    assert (hparams["data_folder"], hparams["extra"]) == ("/b", 2)
    with pytest.raises(KeyError, match="nested.yaml has no key widths"):
        load_hparams(nested, "widths: 6")


def test_a_key_at_two_levels_is_refused(nested):
    nested.write_text(nested.read_text() + "width: 9\n")
    with pytest.raises(KeyError, match="both have width;"):
        load_hparams(nested, "")
