"""Teachers: frozen views of the clean clip that the student must predict.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.teachers.base import Teacher
from mert_sb.teachers.chroma import ChromaFrames
from mert_sb.teachers.cqt import CQTFrames, CQTTeacher
from mert_sb.teachers.encodec import EncodecTeacher
from mert_sb.teachers.features import FrameFeatures
from mert_sb.teachers.kmeans_fit import fit_kmeans
from mert_sb.teachers.kmeans_teacher import KMeansTeacher
from mert_sb.teachers.mel import LogMelFrames
from mert_sb.teachers.mel_rvq import MelRVQTeacher, fit_mel_rvq
from mert_sb.teachers.mfcc import MFCCFrames
from mert_sb.teachers.moments import fit_statistics
from mert_sb.teachers.random_projection import RandomProjectionTeacher
from mert_sb.teachers.regression import (
    ChromaTeacher,
    FeatureTeacher,
    MelTeacher,
)
from mert_sb.teachers.usage import plot_usage

__all__ = [
    "CQTFrames",
    "CQTTeacher",
    "ChromaFrames",
    "ChromaTeacher",
    "EncodecTeacher",
    "FeatureTeacher",
    "FrameFeatures",
    "KMeansTeacher",
    "LogMelFrames",
    "MFCCFrames",
    "MelRVQTeacher",
    "MelTeacher",
    "RandomProjectionTeacher",
    "Teacher",
    "fit_kmeans",
    "fit_mel_rvq",
    "fit_statistics",
    "plot_usage",
]
