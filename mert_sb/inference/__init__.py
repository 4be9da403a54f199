"""Inference: trained and original students, ready to use.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.encoder import MusicEncoder
from mert_sb.inference.export import export_student

__all__ = ["MusicEncoder", "export_student"]
