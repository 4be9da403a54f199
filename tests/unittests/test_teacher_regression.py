"""Features as targets, standardised in the way that the YAML says.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb import frames
from mert_sb.teachers import (
    ChromaFrames,
    ChromaTeacher,
    FeatureTeacher,
    LogMelFrames,
    MelTeacher,
    fit_kmeans,
    fit_statistics,
)
from mert_sb.teachers.base import file_checksum
from mert_sb.teachers.standardize import Standardizer
from tests.utils.teacher_frames import Given, clips_of


def rows(n_clips=3, n_frames=20, seed=0):
    dice = torch.Generator().manual_seed(seed)
    rows = torch.randn(n_clips, n_frames, 4, generator=dice)
    return rows * torch.tensor([1.0, 10.0, 0.1, 3.0]) + torch.arange(4)


def noise(n_samples=24_080):
    dice = torch.Generator().manual_seed(0)
    return torch.randn(2, n_samples, generator=dice) * 0.1


def targets(**settings):
    return FeatureTeacher(features=Given(4), **settings)(clips_of(rows()))


def test_features_are_left_alone_by_default():
    torch.testing.assert_close(targets(), rows())


def test_a_clip_has_one_mean_and_one_deviation():
    found = targets(standardize="clip")
    for clip, wanted in zip(found, rows(), strict=True):
        expected = (wanted - wanted.mean()) / wanted.std(correction=0)
        torch.testing.assert_close(clip, expected, rtol=1e-3, atol=1e-4)


def test_each_feature_of_a_clip_has_its_own():
    found = targets(standardize="bins")
    torch.testing.assert_close(
        found.mean(1), torch.zeros(3, 4), rtol=0, atol=1e-5
    )
    torch.testing.assert_close(
        found.std(1, correction=0), torch.ones(3, 4), rtol=1e-3, atol=1e-3
    )


def test_constants_are_those_stated():
    found = targets(standardize="constants", mean=2.0, scale=4.0)
    torch.testing.assert_close(found, (rows() - 2) / 4)
    scale = [1.0, 2.0, 3.0, 4.0]
    found = targets(standardize="constants", mean=0.0, scale=scale)
    torch.testing.assert_close(found, rows() / torch.tensor(scale))


def test_fitted_statistics_are_those_of_the_frames(tmp_path):
    path = tmp_path / "statistics"
    clips = clips_of(rows())
    report = fit_statistics(clips.split(2), path, features=Given(4))
    assert report == {"frames": 60, "kept": False}
    found = targets(standardize="fitted", statistics=path).flatten(0, 1)
    torch.testing.assert_close(found.mean(0), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(found.std(0, correction=0), torch.ones(4))


def test_statistics_are_kept_or_refused(tmp_path):
    path = tmp_path / "statistics"
    clips = [clips_of(rows())]
    fit_statistics(clips, path, features=Given(4))
    before = path.read_bytes()
    assert fit_statistics([], path, features=Given(4))["kept"]
    for other in ({"seed": 1}, {"share": 0.5}, {"max_frames": 9}):
        with pytest.raises(ValueError, match=f"{next(iter(other))} is"):
            fit_statistics(clips, path, features=Given(4), **other)
    with pytest.raises(ValueError, match="features is"):
        fit_statistics(clips, path, features=Given(4, mark=1))
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="0 frames are too few"):
        fit_statistics([], tmp_path / "none", features=Given(4))


def test_statistics_of_other_features_are_refused(tmp_path):
    path = tmp_path / "statistics"
    fit_statistics([clips_of(rows())], path, features=Given(4))
    given = {"standardize": "fitted", "statistics": path}
    with pytest.raises(ValueError, match="other features: mark is 0, not 1"):
        FeatureTeacher(features=Given(4, mark=1), **given)
    other = tmp_path / "kmeans"
    fit_kmeans([clips_of(rows())], other, features=Given(4), n_codes=2)
    with pytest.raises(ValueError, match="no fitted file of this kind"):
        targets(standardize="fitted", statistics=other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"standardize": "batch"}, "'batch' is not one of none, clip"),
        ({"mean": 0.0}, "none does not use mean"),
        ({"standardize": "clip", "scale": 1.0}, "clip does not use scale"),
        ({"standardize": "clip", "statistics": "a"}, "does not use statistics"),
        ({"standardize": "constants", "mean": 0.0}, "constants needs scale"),
        ({"standardize": "fitted"}, "fitted needs statistics"),
        (
            {"standardize": "constants", "mean": [0.0, 1.0], "scale": 1.0},
            "mean: 2 numbers for 4 features",
        ),
        (
            {"standardize": "constants", "mean": 0.0, "scale": 0.0},
            "scale: a deviation must be above 0",
        ),
    ],
)
def test_what_a_way_does_not_use_or_lacks_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        targets(**settings)


@pytest.mark.parametrize("way", ["clip", "bins"])
def test_silence_is_zero(way):
    standardizer = Standardizer(way, Given(4))
    assert (standardizer(torch.full((1, 9, 4), -11.5)).abs() < 1e-3).all()


def test_mel_targets_are_the_originals_but_for_the_batch():
    """mert_model.py:466-496 of each clip, at the centres of the student's frames."""
    from torchaudio.transforms import MelSpectrogram

    transform = MelSpectrogram(
        sample_rate=24_000,
        n_fft=2048,
        hop_length=frames.HOP_LENGTH,
        f_min=32.7,
        n_mels=84,
        center=False,
        power=1.0,
    )
    padding = 1024 - frames.RECEPTIVE_FIELD // 2
    padded = torch.nn.functional.pad(noise(), (padding, padding))
    found = MelTeacher()(noise())
    for clip, mel in zip(found, transform(padded).mT, strict=True):
        expected = mel.clamp(min=1e-5).log()
        expected = (expected - expected.mean()) / expected.std()
        torch.testing.assert_close(clip, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("teacher", "dim"),
    [
        (lambda rate: MelTeacher(sample_rate=rate, n_mels=40), 40),
        (lambda rate: ChromaTeacher(sample_rate=rate, n_chroma=24), 24),
    ],
)
@pytest.mark.parametrize("rate", [16_000, 24_000])
@pytest.mark.parametrize("n_samples", [400, 720, 24_080])
def test_there_is_a_target_for_each_student_frame(
    teacher, dim, rate, n_samples
):
    found = teacher(rate)(noise(n_samples))
    assert found.shape == (2, frames.n_frames(n_samples), dim)
    assert found.dtype == torch.float32 and found.isfinite().all()


def test_chroma_targets_are_chroma():
    found = ChromaTeacher(n_chroma=24)(noise())
    assert torch.equal(found, ChromaFrames(24_000, n_chroma=24)(noise()))
    assert found.max() == 1 and found.min() >= 0


def test_a_teachers_frames_are_about_the_students():
    """A pitch that changes at a frame's centre changes in this target."""
    time = torch.arange(frames.n_samples(61)) / 24_000
    cut = round(frames.centre(30))
    low, high = ((2 * torch.pi * f * time).sin() for f in (440.0, 622.25))
    wav = torch.where(torch.arange(len(time)) < cut, low, high)[None]
    chroma = ChromaTeacher()(wav)[0]
    # A is bin 9, D sharp bin 3; in the frame cut in two both ring.
    louder = (chroma[:, 9] > chroma[:, 3]).long()
    changes = louder.diff().nonzero().flatten().tolist()
    assert changes in ([29], [30])
    assert chroma[30, [3, 9]].min() > 0.5


def test_a_rate_that_is_not_the_features_is_refused():
    with pytest.raises(ValueError, match="16000 Hz, but sample_rate is 24000"):
        FeatureTeacher(features=LogMelFrames(16_000))


def test_identities_tell_all_settings(tmp_path):
    path = tmp_path / "statistics"
    fit_statistics([clips_of(rows())], path, features=Given(4))
    found = [
        MelTeacher.identity(),
        MelTeacher.identity(sample_rate=16_000),
        MelTeacher.identity(n_mels=40),
        MelTeacher.identity(n_fft=4096),
        MelTeacher.identity(fmin=0.0),
        MelTeacher.identity(standardize="bins"),
        MelTeacher.identity(standardize="constants", mean=1.0, scale=1.0),
        MelTeacher.identity(standardize="constants", mean=1.0, scale=2.0),
        ChromaTeacher.identity(),
        ChromaTeacher.identity(n_chroma=24),
        ChromaTeacher.identity(n_fft=4096),
        FeatureTeacher.identity(features=Given(4)),
        FeatureTeacher.identity(features=Given(4, mark=1)),
        FeatureTeacher.identity(features=Given(4), statistics=path),
    ]
    for index, identity in enumerate(found):
        assert identity not in found[:index]
    assert found[-1]["statistics"] == file_checksum(path)
    assert MelTeacher.identity(n_mels=84, standardize="clip") == found[0]
    assert ChromaTeacher.identity(sample_rate=24_000) == found[8]
