"""A YAML of a few lines stays one of a few values.

Authors
 * The mert_sb developers 2026
"""

import pytest

from mert_sb.hparams import load_hparams
from mert_sb.inference import CheckpointError, MusicEncoder, export_student
from mert_sb.inference.report.settings import build, read_settings
from mert_sb.overrides import place_overrides, read_yaml
from tests.utils.attacks import laughs, merges
from tests.utils.originals import tiny_student

BOMBS = {
    "aliases of aliases": laughs(),
    "merged keys": merges(),
    "itself": "a: &a [*a]",
    "its own key": "a: &a {b: *a}",
    "nested": "a: " + "[" * 50_000,
    "nested blocks": "\n".join(" " * n + "a:" for n in range(2_000)),
    "long": "a: " + "x" * 2_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_of_a_foreign_folder(tmp_path, name):
    folder = export_student(tiny_student(), tmp_path / "encoder")
    path = folder / "hyperparams.yaml"
    path.write_text(f"{path.read_text()}\n{BOMBS[name]}\n")
    with pytest.raises(CheckpointError, match="hyperparams.yaml") as caught:
        MusicEncoder.from_hparams(folder)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("name", ["aliases of aliases", "merged keys"])
def test_of_a_setting(tmp_path, name):
    folder = export_student(tiny_student(), tmp_path / "encoder")
    path = folder / "hyperparams.yaml"
    last = {"a": "*a11", "m": "{<<: [*m11]}"}[BOMBS[name][0]]
    text = path.read_text().replace("embed_dim: 32", f"embed_dim: {last}")
    path.write_text(f"{BOMBS[name]}\n{text}")
    with pytest.raises(CheckpointError, match="hyperparams.yaml"):
        MusicEncoder.from_hparams(folder)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("9" * 10_000, "embed_dim is|limit"),
        ("1:" * 500 + "1", "embed_dim is"),
        ("1.0e+999", "embed_dim is inf"),
        ("0b" + "1" * 4_000, "embed_dim is|limit"),
        ("2020-99-99", "month must be"),
        ("!!int x", "not the plain settings"),
        ("!!python/name:os.system", "not the plain settings"),
        ("!!binary x", "not the plain settings"),
        ("{[1]: 2}", "unhashable"),
    ],
)
def test_odd_values(tmp_path, value, reason):
    folder = export_student(tiny_student(), tmp_path / "encoder")
    path = folder / "hyperparams.yaml"
    path.write_text(path.read_text().replace("dim: 32", f"dim: {value}", 1))
    with pytest.raises(CheckpointError, match=reason) as caught:
        MusicEncoder.from_hparams(folder)
    assert "hyperparams.yaml" in str(caught.value)
    assert len(str(caught.value)) < 20_000


@pytest.mark.parametrize("name", BOMBS)
def test_of_a_report(tmp_path, name):
    (tmp_path / "hyperparams.yaml").write_text(BOMBS[name])
    with pytest.raises(ValueError, match="hyperparams.yaml"):
        read_settings(tmp_path)


@pytest.mark.parametrize("name", BOMBS)
def test_of_a_recipe(tmp_path, name):
    path = tmp_path / "a.yaml"
    path.write_text(BOMBS[name])
    with pytest.raises(ValueError, match="a.yaml"):
        read_yaml(path)


@pytest.mark.parametrize("key", ["[a, b]", "{a: 1}"])
def test_keys_that_are_no_text(tmp_path, key):
    path = tmp_path / "a.yaml"
    path.write_text(f"b:\n  ? {key}\n  : 1")
    with pytest.raises(ValueError, match="a.yaml: a key of line 2 is no text"):
        read_yaml(path)


@pytest.mark.parametrize("flags", ["{", "- a", "a: [", "a: &a [*a]", "text"])
def test_flags_that_are_none(tmp_path, flags):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1")
    if flags.startswith("a: &"):
        place_overrides(path, flags)
        return
    with pytest.raises(ValueError, match="a.yaml: its flags are no"):
        load_hparams(path, flags)


def test_a_report_builds_classes_only(tmp_path):
    """The package also offers functions, which write files."""
    made = read_settings_of(
        tmp_path,
        "a: !new:mert_sb.teachers.fit_mel_rvq\n"
        f"  clips: []\n  path: {tmp_path}/x\n  sample_rate: 24000",
    )
    with pytest.raises(ValueError, match="has none such"):
        build(made["a"], "mert_sb.teachers")


def read_settings_of(folder, text):
    """What a YAML of a run would make."""
    (folder / "hyperparams.yaml").write_text(text)
    return read_settings(folder)
