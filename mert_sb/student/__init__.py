"""The student: ``MERT``, from waveforms to hidden states.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.student.model import MERT

__all__ = ["MERT"]
