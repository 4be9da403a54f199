"""A foreign YAML builds a student and nothing else, unless one consents.

Authors
 * The mert_sb developers 2026
"""

import pytest

from mert_sb.inference import CheckpointError, MusicEncoder, export_student
from mert_sb.inference.harmless import check_harmless
from tests.utils.originals import tiny_student

# Each would leave a file named "ran" behind.
ATTACKS = {
    "a function": "a: !apply:os.system [touch ran]",
    "a class": "a: !new:subprocess.Popen\n    args: [touch, ran]",
    "in a list": "a:\n  - {b: !apply:os.system [touch ran]}",
    "a key": "? !apply:os.system [touch ran]\n: 1",
    "an included file": "a: !include:other.yaml",
    "a name for later": "a: !name:os.system",
    "a module": "a: !module:antigravity",
    "by another handle": "%TAG !e! !apply:\n---\na: !e!os.system [touch ran]",
    "Python's own": "a: !!python/object/apply:os.system [touch ran]",
    "computed": "b: 2\na: !ref <b> ** 9",
    "ours, another": "a: !new:mert_sb.student.MERT.load [ran]",
}


@pytest.fixture
def folder(tmp_path):
    return export_student(tiny_student(), tmp_path / "encoder")


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_student_does_not_need_is_refused(
    folder, attack, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (folder / "other.yaml").write_text(ATTACKS["a function"])
    path = folder / "hyperparams.yaml"
    text = ATTACKS[attack]
    if not text.startswith("%"):
        text = path.read_text() + "\n" + text
    path.write_text(text + "\n")
    with pytest.raises(CheckpointError, match=r"it wants .*run_code=True"):
        MusicEncoder.from_hparams(folder)
    assert not list(tmp_path.rglob("ran"))


def test_with_consent_it_runs(folder, tmp_path, monkeypatch):
    # Or the test above would prove nothing.
    monkeypatch.chdir(tmp_path)
    path = folder / "hyperparams.yaml"
    path.write_text(f"{path.read_text()}\n{ATTACKS['a function']}\n")
    MusicEncoder.from_hparams(folder, run_code=True)
    assert (tmp_path / "ran").is_file()


def test_anchors_that_hold_themselves_end(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &x [*x, 1]\n")
    check_harmless(path)


@pytest.mark.parametrize(
    "content", [b"a: [", b"a: 1\n---\nb: 2\n", b"\xff\xfe\x00"]
)
def test_what_is_no_yaml_is_refused(tmp_path, content):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="this is no YAML"):
        check_harmless(path)
