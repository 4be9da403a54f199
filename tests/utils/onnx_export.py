"""Whether this environment can write ONNX files.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.inference.onnx import NEEDED, OLDEST_TORCH


def skip_without_exporter():
    """Skip the test where a package is absent or torch too old."""
    for name in NEEDED:
        pytest.importorskip(name)
    if torch.__version__ < OLDEST_TORCH:
        pytest.skip(f"ONNX export needs torch {OLDEST_TORCH}")
