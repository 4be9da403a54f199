"""Inference: trained and original students and tasks, ready to use.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.beats.export import export_beats
from mert_sb.inference.beats.tracker import BeatTracker
from mert_sb.inference.encoder import MusicEncoder
from mert_sb.inference.export import export_student
from mert_sb.inference.predictors import (
    EmotionRegressor,
    KeyEstimator,
    MusicClassifier,
    MusicTagger,
    open_task,
)
from mert_sb.inference.pretrainer import StrictPretrainer
from mert_sb.inference.separation.export import export_separation
from mert_sb.inference.separation.separator import Separator
from mert_sb.inference.student_frames import StudentFrames
from mert_sb.inference.task_export import export_task
from mert_sb.inference.tensors import CheckpointError
from mert_sb.inference.units.encoder import UnitEncoder

__all__ = [
    "BeatTracker",
    "CheckpointError",
    "EmotionRegressor",
    "KeyEstimator",
    "MusicClassifier",
    "MusicEncoder",
    "MusicTagger",
    "Separator",
    "StrictPretrainer",
    "StudentFrames",
    "UnitEncoder",
    "export_beats",
    "export_separation",
    "export_student",
    "export_task",
    "open_task",
]
