"""Teachers: frozen views of the clean clip that the student must predict.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.teachers.base import Teacher
from mert_sb.teachers.cqt import CQTTeacher
from mert_sb.teachers.encodec import EncodecTeacher
from mert_sb.teachers.mel_rvq import MelRVQTeacher, fit_mel_rvq

__all__ = [
    "CQTTeacher",
    "EncodecTeacher",
    "MelRVQTeacher",
    "Teacher",
    "fit_mel_rvq",
]
