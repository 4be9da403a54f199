"""Teachers, their fits and the yardsticks on audio that is hardly any.

Authors
 * The mert_sb developers 2026
"""

import json
import math
import warnings

import pytest
import torch
from safetensors import safe_open

from mert_sb.audio.decode import LOUDEST
from mert_sb.downstream.beats.metrics import (
    continuity,
    f_measure,
    pooled_f,
    tempo,
)
from mert_sb.pretraining.stability import CodeUsage
from mert_sb.pretraining.yardsticks import Yardsticks, skills
from mert_sb.teachers import (
    ChromaFrames,
    ChromaTeacher,
    CQTFrames,
    CQTTeacher,
    EncodecTeacher,
    KMeansTeacher,
    LogMelFrames,
    MelRVQTeacher,
    MelTeacher,
    MFCCFrames,
    RandomProjectionTeacher,
    fit_kmeans,
    fit_mel_rvq,
    fit_statistics,
)
from tests.utils.teacher_frames import STEPS

LENGTH = 24_080
RVQ = {"sample_rate": 24_000, "n_mels": 32, "n_codebooks": 2}
RVQ |= {"codebook_size": 8, "n_iterations": 2}


def one_click(n_samples):
    """Silence but for one sample."""
    return (torch.arange(n_samples) == n_samples // 2).float()


CLIPS = {
    "silence": torch.zeros(2, LENGTH),
    "constant": torch.full((2, LENGTH), 0.7),
    "faint": torch.full((2, LENGTH), 1e-38),
    "click": one_click(LENGTH).expand(2, -1),
    "square": torch.ones(2, LENGTH).cumsum(1).remainder(2) * 2 - 1,
    "loudest": LOUDEST * torch.ones(2, LENGTH).cumsum(1).sin(),
    "one silent": torch.stack(
        [torch.zeros(LENGTH), torch.ones(LENGTH).cumsum(0).sin()]
    ),
}
FEATURES = {
    "mel": lambda: LogMelFrames(24_000, n_mels=64),
    "chroma": lambda: ChromaFrames(24_000, n_chroma=12),
    "mfcc": lambda: MFCCFrames(24_000, n_deltas=2),
    "cqt": lambda: CQTFrames(24_000, n_bins=60, bins_per_octave=12, fmin=200),
}
TEACHERS = {
    "cqt": lambda: CQTTeacher(n_bins=60, bins_per_octave=12, fmin=200),
    "mel": lambda: MelTeacher(n_mels=64),
    "chroma": lambda: ChromaTeacher(),
    "random projection": lambda: RandomProjectionTeacher(
        features=LogMelFrames(24_000, n_mels=64), standardize="clip"
    ),
    "encodec": lambda: EncodecTeacher(pretrained=False),
}


@pytest.fixture(scope="module")
def teachers():
    """Each made once."""
    made = {}

    def get(name):
        return made.setdefault(name, TEACHERS[name]())

    return get


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", TEACHERS)
def test_targets_are_numbers(teachers, name, clip):
    teacher = teachers(name)
    targets = teacher(CLIPS[clip])
    if targets.is_floating_point():
        assert targets.isfinite().all()
    else:
        assert 0 <= targets.min() and targets.max() < teacher.codebook_size


def report_of(path, kind):
    """Its tensors' and its JSON's numbers, read strictly."""
    with safe_open(path, "pt") as file:
        for name in file.keys():
            assert file.get_tensor(name).isfinite().all(), name
        text = file.metadata()[kind]
    return json.loads(text, parse_constant=pytest.fail)["report"]


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("name", FEATURES)
def test_k_means_gives_numbers(tmp_path, name, standardize, clip):
    features, path = FEATURES[name](), tmp_path / "fitted"
    report = fit_kmeans(
        [CLIPS[clip]],
        path,
        features=features,
        n_codes=8,
        standardize=standardize,
        **STEPS,
    )
    assert report_of(path, "kmeans")["frames"] == report["frames"] == 150
    teacher = KMeansTeacher(path=str(path), features=features)
    for heard in CLIPS.values():
        codes = teacher(heard)
        assert 0 <= codes.min() and codes.max() < 8


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", FEATURES)
def test_fitted_statistics_are_numbers(tmp_path, name, clip):
    path = tmp_path / "fitted"
    fit_statistics([CLIPS[clip]], path, features=FEATURES[name]())
    assert report_of(path, "statistics")["frames"] == 150
    with safe_open(path, "pt") as file:
        assert (file.get_tensor("scale") > 0).all()


@pytest.mark.parametrize("clip", CLIPS)
def test_mel_rvq_gives_numbers(tmp_path, clip):
    fit_mel_rvq([CLIPS[clip]], tmp_path / "fitted", **RVQ)
    report = report_of(tmp_path / "fitted", "mel_rvq")
    assert all(0 <= left <= 1 + 1e-6 for left in report["unexplained"])
    teacher = MelRVQTeacher(path=tmp_path / "fitted")
    for heard in CLIPS.values():
        codes = teacher(heard)
        assert 0 <= codes.min() and codes.max() < 8


@pytest.mark.parametrize("value", [math.nan, math.inf, 3e38])
def test_a_fit_to_no_audio_is_refused_and_nothing_written(tmp_path, value):
    wavs = CLIPS["one silent"].clone()
    wavs[1, 9_000:9_100] = value
    clips, path = [CLIPS["click"], wavs], tmp_path / "fitted"
    with pytest.raises(ValueError, match="batch 1 of the clips"):
        fit_mel_rvq(clips, path, **RVQ)
    with pytest.raises(ValueError, match="batch 1 of the clips"):
        fit_kmeans(clips, path, features=FEATURES["mel"](), n_codes=8, **STEPS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("level", [0, 3])
def test_yardsticks_of_what_never_changes_are_numbers(share, level):
    mask = torch.zeros(2, 8, dtype=torch.bool)
    mask[:, : round(8 * share)] = True
    yardsticks, usage = Yardsticks(), CodeUsage()
    codes = torch.full((2, 8, 2), level)
    yardsticks.add("codes", codes, mask, n_codes=5)
    yardsticks.add("level", torch.full((2, 8, 3), float(level)), mask)
    usage.add("codes", codes[mask], codes[mask], n_codes=5)
    stats = yardsticks.read() | {"codes_accuracy": 0.5, "level_loss": 0.5}
    found = {**stats, **skills(stats), **usage.read()}
    assert all(math.isfinite(value) for value in found.values())


NO_BEATS = ([], [1.0], [1.0, 1.0], [0.0, 0.0, 0.0])


@pytest.mark.parametrize("estimate", NO_BEATS)
@pytest.mark.parametrize("reference", [*NO_BEATS, [0.5, 1.0, 1.5, 2.0]])
def test_scores_of_hardly_any_beats_are_numbers(estimate, reference):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = [
            f_measure(estimate, reference),
            pooled_f([estimate], [reference]),
            tempo(estimate),
            *continuity(estimate, reference),
        ]
    assert all(math.isfinite(score) for score in found)
