"""Opening the full-size 95M takes memory once, not twice.

Authors
 * The mert_sb developers 2026
"""

import json
import subprocess
import sys

import pytest
import torch

from mert_sb.inference.export import export_student
from mert_sb.inference.fairseq import write_fairseq
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.student import MERT
from tests.utils.source_tree import ROOT

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads /proc"
)


@pytest.fixture(scope="module")
def student():
    with torch.random.fork_rng():
        return MERT()


def write_bin(student, folder):
    """As published: a pickle beside the configurations."""
    from tests.utils.originals import HUGGINGFACE_NAMES, renamed

    write_huggingface(student, folder)
    (folder / "model.safetensors").unlink()
    tensors = renamed(student.state_dict(), HUGGINGFACE_NAMES)
    torch.save(tensors, folder / "pytorch_model.bin")
    return folder


@pytest.mark.parametrize(
    ("how", "write"),
    [
        ("from_hparams", export_student),
        ("from_original", write_huggingface),
        ("from_original", write_bin),
        ("from_original", write_fairseq),
    ],
)
def test_the_95m_is_held_once(tmp_path, student, how, write):
    source = write(student, tmp_path / "a.pt")
    script = ROOT / "tests" / "utils" / "loading_cost.py"
    finished = subprocess.run(
        [sys.executable, script, how, source],
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    costs = json.loads(finished.stdout.splitlines()[-1])
    assert costs["weights"] == 4 * 94_371_712
    # One copy is 1; two at a time would be 2 and more.
    assert 0.9 < costs["peak_over_weights"] < 1.6
