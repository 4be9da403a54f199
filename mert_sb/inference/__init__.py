"""Inference: trained and original students, ready to use.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.encoder import MusicEncoder
from mert_sb.inference.export import export_student
from mert_sb.inference.pretrainer import StrictPretrainer
from mert_sb.inference.tensors import CheckpointError

__all__ = [
    "CheckpointError",
    "MusicEncoder",
    "StrictPretrainer",
    "export_student",
]
