"""A foreign folder's YAML is plain data, unless one consents to run what it names.

Authors
 * The mert_sb developers 2026
"""

import pytest

from mert_sb.inference import CheckpointError, MusicEncoder, export_student
from tests.utils.originals import tiny_student

# Each leaves a file named "ran" behind where HyperPyYAML loads it.
ATTACKS = {
    "a function": "a: !apply:os.system [touch ran]",
    "a class": "a: !new:subprocess.Popen\n    args: [touch, ran]",
    "in a list": "a:\n  - {b: !apply:os.system [touch ran]}",
    "an included file": "a: !include:other.yaml",
    "a tuple by its look": "a: (!!python/object/apply:os.system ['touch ran'])",
    "a quoted tuple": "a: \"(!!python/object/apply:os.system ['touch ran'])\"",
    "joined of two": "p: (!!python/object/apply:os.system\n"
    "q: \" ['touch ran'])\"\nb: '<p><q>'\na: !ref <b>",
    "by another handle": "%TAG !e! !apply:\n---\na: !e!os.system [touch ran]",
    "Python's own": "a: !!python/object/apply:os.system [touch ran]",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = export_student(tiny_student(), tmp_path / "encoder")
    (folder / "other.yaml").write_text(ATTACKS["a function"])
    return folder


def attack(folder, text):
    path = folder / "hyperparams.yaml"
    if not text.startswith("%"):
        text = f"{path.read_text()}\n{text}"
    path.write_text(f"{text}\n")


@pytest.mark.parametrize("name", ATTACKS)
def test_without_consent_nothing_runs(folder, name, tmp_path):
    attack(folder, ATTACKS[name])
    try:
        MusicEncoder.from_hparams(folder)
    except CheckpointError as error:
        assert "hyperparams.yaml" in str(error)
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.parametrize(
    "name", ["a function", "in a list", "an included file"]
)
def test_with_consent_it_runs(folder, name, tmp_path):
    # Or the test above would prove nothing.
    attack(folder, ATTACKS[name])
    MusicEncoder.from_hparams(folder, run_code=True)
    assert list(tmp_path.rglob("ran"))


def test_overrides_need_consent(folder):
    changes = {"overrides": {"student": {"dropout": 0.5}}}
    with pytest.raises(ValueError, match=r"overrides: .*run_code=True"):
        MusicEncoder.from_hparams(folder, **changes)
    encoder = MusicEncoder.from_hparams(folder, run_code=True, **changes)
    assert encoder.student.settings["dropout"] == 0.5


def test_both_ways_open_the_same(folder):
    plain = MusicEncoder.from_hparams(folder)
    built = MusicEncoder.from_hparams(folder, run_code=True)
    assert plain.student.settings == built.student.settings
    assert plain.hparams.sample_rate == built.hparams.sample_rate
    for mine, other in zip(
        plain.student.parameters(), built.student.parameters(), strict=True
    ):
        assert mine.equal(other)
