"""Frame features: centred on the student's frames, equal to what they stand for.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
import torchaudio

from mert_sb import frames
from mert_sb.teachers import (
    ChromaFrames,
    CQTFrames,
    CQTTeacher,
    LogMelFrames,
    MFCCFrames,
)
from mert_sb.teachers.features import check_features, run_features
from mert_sb.teachers.mel import MelFrames

KINDS = {
    "mel": lambda rate: LogMelFrames(rate, n_mels=64),
    "chroma": lambda rate: ChromaFrames(rate, n_chroma=24),
    "mfcc": lambda rate: MFCCFrames(rate, n_deltas=0),
    "cqt": lambda rate: CQTFrames(
        rate, n_bins=60, bins_per_octave=12, fmin=200
    ),
}


def noise(n_samples, n_clips=1, seed=0):
    dice = torch.Generator().manual_seed(seed)
    return torch.randn(n_clips, n_samples, generator=dice)


def chord(n_samples=24_080, rate=24_000):
    time = torch.arange(n_samples) / rate
    tones = {220.0: 1.0, 277.18: 0.5, 1318.5: 0.3}
    parts = [a * (2 * torch.pi * f * time).sin() for f, a in tones.items()]
    return torch.stack(parts).sum(0)[None]


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.mark.parametrize("rate", [16_000, 24_000])
@pytest.mark.parametrize("n_samples", [400, 719, 720, 24_080])
def test_there_is_a_row_for_each_student_frame(kind, rate, n_samples):
    features = kind(rate)
    rows = run_features(features, noise(n_samples, 2))
    assert rows.shape == (2, frames.n_frames(n_samples), features.dim)
    assert rows.dtype == torch.float32 and rows.isfinite().all()


def test_rows_are_about_the_centres_of_student_frames(kind):
    """A clip played backwards has the same rows, backwards, if they are centred."""
    features = kind(24_000)
    loud = noise(frames.n_samples(120)).cumsum(-1) / 20
    loud = loud * torch.linspace(0.1, 2, loud.shape[-1])
    there = run_features(features, loud)[0, 20:-20]
    back = run_features(features, loud.flip(-1))[0].flip(0)

    def apart(shift):
        return (there - back[20 + shift : len(back) - 20 + shift]).norm()

    assert apart(0) < 0.25 * min(apart(-1), apart(1))


def test_a_change_of_pitch_lies_halfway_in_the_frame_it_cuts(kind):
    features = kind(24_000)
    time = torch.arange(frames.n_samples(101)) / 24_000
    cut = round(frames.centre(50))
    low, high = (2 * torch.pi * f * time for f in (440.0, 622.25))
    wavs = torch.where(torch.arange(len(time)) < cut, low.sin(), high.sin())
    rows = run_features(features, wavs[None])[0]
    before, after = rows[20], rows[80]
    nearer = (rows - before).norm(dim=1) - (rows - after).norm(dim=1)
    assert (nearer[10:46] < 0).all() and (nearer[55:-10] > 0).all()


def test_clips_of_a_batch_do_not_meet(kind):
    features = kind(24_000)
    wavs = noise(24_080, 3)
    together = run_features(features, wavs)
    for wav, rows in zip(wavs, together, strict=True):
        alone = run_features(features, wav[None])[0]
        torch.testing.assert_close(alone, rows, rtol=1e-4, atol=1e-3)


def test_silence_is_finite(kind):
    rows = run_features(kind(24_000), torch.zeros(1, 24_080))
    assert rows.isfinite().all()
    assert (rows == rows[:, :1]).all()


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_mfcc_are_kaldis(rate):
    wavs = noise(frames.n_samples(40), 2).cumsum(-1) / 30
    found = run_features(MFCCFrames(rate), wavs)
    padding = (int(rate * 0.025) - frames.RECEPTIVE_FIELD) // 2
    for wav, rows in zip(wavs, found, strict=True):
        static = torchaudio.compliance.kaldi.mfcc(
            torch.nn.functional.pad(wav[None], (padding, padding)),
            sample_frequency=rate,
            use_energy=False,
            num_ceps=13,
            frame_shift=1_000 * frames.HOP_LENGTH / rate,
        )
        delta = torchaudio.functional.compute_deltas(static.T)
        twice = torchaudio.functional.compute_deltas(delta)
        expected = torch.cat([static.T, delta, twice]).T
        torch.testing.assert_close(rows, expected, rtol=1e-4, atol=1e-3)


def test_chroma_are_librosas():
    """librosa 0.11: chroma_stft(n_chroma=264, tuning=0) of the clip so padded."""
    rows = run_features(ChromaFrames(24_000), chord())[0]
    found = torch.stack([rows[37, bin] for bin in (198, 190, 22, 88, 150)])
    expected = torch.tensor([0.959088, 0.711777, 0.288396, 0.292819, 0.005067])
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_chroma_does_not_hear_the_octave_or_the_loudness():
    time = torch.arange(24_080) / 24_000
    features = ChromaFrames(24_000, n_chroma=12)
    tops = {
        features((a * (2 * torch.pi * f * time).sin())[None])[0, 37]
        .argmax()
        .item()
        for f in (440.0, 880.0, 1760.0)
        for a in (1.0, 0.01)
    }
    assert tops == {9}


def test_silence_has_no_chroma():
    assert (ChromaFrames(24_000)(1e-9 * noise(24_080)) == 0).all()


def test_log_mel_are_the_frames_of_mel_rvq():
    features = LogMelFrames(24_000, n_mels=64, n_fft=1024)
    expected = MelFrames(24_000, n_mels=64)(noise(24_080))
    assert torch.equal(features(noise(24_080)), expected)


def test_fmin_moves_the_filters():
    tone = (2 * torch.pi * 100 / 24_000 * torch.arange(24_080)).sin()[None]
    low, high = (
        LogMelFrames(24_000, n_mels=64, fmin=fmin)(tone)[0, 37]
        for fmin in (0.0, 1_000.0)
    )
    assert low.max() > high.max() + 3


@pytest.mark.parametrize("log", [False, True])
def test_cqt_are_those_of_the_teacher(log):
    bins = {"n_bins": 60, "bins_per_octave": 12, "fmin": 65.4, "log": log}
    features = CQTFrames(24_000, **bins)
    teacher = CQTTeacher(sample_rate=24_000, **bins)
    assert torch.equal(features(noise(24_080)), teacher(noise(24_080)))


def test_filters_that_hear_nothing_are_refused():
    LogMelFrames(16_000, n_mels=229)
    with pytest.warns(UserWarning), pytest.raises(ValueError) as error:
        LogMelFrames(16_000, n_mels=229, n_fft=1024)
    assert "1 of 229 mel filters" in str(error.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ChromaFrames(24_000, n_chroma=200), "n_chroma: 200 is not"),
        (lambda: ChromaFrames(24_000, n_chroma=0), "n_chroma: 0 is not"),
        (lambda: MFCCFrames(24_000, n_ceps=24), "n_ceps: 24 .* n_mels 23"),
        (lambda: MFCCFrames(24_000, n_deltas=-1), "n_deltas: -1"),
        (lambda: CQTFrames(16_000, n_bins=400), "above half the sample rate"),
        (lambda: CQTFrames(16_000, fmin=0), "fmin: 0, but"),
        (lambda: CQTTeacher(n_bins=0), "n_bins: 0, but"),
        (lambda: CQTTeacher(bins_per_octave=0), "bins_per_octave: 0, but"),
        (lambda: CQTTeacher(sample_rate=8_000), "above half the sample rate"),
    ],
)
def test_bins_that_cannot_be_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_identities_tell_all_settings():
    built = [
        LogMelFrames(16_000),
        LogMelFrames(24_000),
        LogMelFrames(24_000, n_mels=128),
        LogMelFrames(24_000, n_fft=4096),
        LogMelFrames(24_000, fmin=30.0),
        ChromaFrames(24_000),
        ChromaFrames(24_000, n_chroma=24),
        ChromaFrames(24_000, n_fft=4096),
        MFCCFrames(24_000),
        MFCCFrames(24_000, n_ceps=12),
        MFCCFrames(24_000, n_mels=40),
        MFCCFrames(24_000, window_seconds=0.02),
        MFCCFrames(24_000, n_deltas=1),
        CQTFrames(24_000),
        CQTFrames(24_000, n_bins=84),
        CQTFrames(24_000, bins_per_octave=40),
        CQTFrames(24_000, fmin=30.0),
        CQTFrames(24_000, log=True),
    ]
    identities = [features.identity for features in built]
    for index, identity in enumerate(identities):
        assert identity not in identities[:index]
    assert LogMelFrames(16_000, n_mels=229).identity == identities[0]


def test_what_is_no_features_is_refused():
    with pytest.raises(TypeError, match="!new: in the YAML"):
        check_features(lambda wavs: wavs, 24_000)
    with pytest.raises(TypeError, match="Linear has no sample_rate, dim"):
        check_features(torch.nn.Linear(1, 1), 24_000)
    with pytest.raises(ValueError, match="16000 Hz, but sample_rate is 24000"):
        check_features(MFCCFrames(16_000), 24_000)


def test_rows_that_are_not_one_a_frame_are_refused():
    features = MFCCFrames(24_000)
    features.dim = 40
    with pytest.raises(ValueError, match=r"\(1, 2, 39\) .* \(1, 2, 40\)"):
        run_features(features, noise(720))


def test_gradients_and_low_precision_do_not_reach_features(kind):
    features, wavs = kind(24_000), noise(24_080).requires_grad_()
    expected = run_features(features, wavs.detach())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = run_features(features, wavs)
    assert torch.equal(found, expected) and not found.requires_grad
