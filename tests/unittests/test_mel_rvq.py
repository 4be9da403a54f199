"""MelRVQ: a cascade fitted alike each time, whole on disk or absent.

Authors
 * The mert_sb developers 2026
"""

import logging

import pytest
import torch
from safetensors.torch import save_file

from mert_sb import frames
from mert_sb.teachers import MelRVQTeacher, fit_mel_rvq
from mert_sb.teachers.base import file_checksum
from mert_sb.teachers.fitted import read_fitted
from mert_sb.teachers.kmeans import kmeans
from mert_sb.teachers.mel import MelFrames
from mert_sb.teachers.nearest import nearest

SIZES = {"n_mels": 40, "n_codebooks": 3, "codebook_size": 16}
SIZES |= {"sample_rate": 24_000, "n_iterations": 5}


def clips(n=4, seed=0):
    """Noise whose colour and loudness change from clip to clip."""
    generator = torch.Generator().manual_seed(seed)
    wavs = torch.randn(n, 24_080, generator=generator)
    smooth = wavs.cumsum(-1) / 50
    return torch.where(torch.arange(n)[:, None] % 2 == 0, wavs, smooth)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Path of a fitted cascade, and the report of its fit."""
    path = tmp_path_factory.mktemp("mel_rvq") / "fitted.safetensors"
    return path, fit_mel_rvq([clips()], path, **SIZES)


def test_fits_are_equal_whatever_was_drawn_before(fitted, tmp_path):
    path, report = fitted
    torch.rand(3)
    before = torch.random.get_rng_state()
    again = fit_mel_rvq([clips()[:2], clips()[2:]], tmp_path / "b", **SIZES)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert again == report
    assert file_checksum(tmp_path / "b") == file_checksum(path)


def test_another_seed_is_another_fit(fitted, tmp_path):
    fit_mel_rvq([clips()], tmp_path / "b", seed=1, **SIZES)
    assert file_checksum(tmp_path / "b") != file_checksum(fitted[0])


def test_what_is_left_unexplained_falls_and_is_what_codes_leave(fitted):
    path, report = fitted
    teacher = MelRVQTeacher(path=path)
    feats = (teacher.mel(clips()) - teacher.mean) / teacher.scale
    codes = teacher(clips())
    total = feats.square().mean()
    unexplained = []
    for index, codebook in enumerate(teacher.codebooks):
        feats = feats - codebook[codes[..., index]]
        unexplained.append((feats.square().mean() / total).item())
    assert unexplained == pytest.approx(report["unexplained"], rel=1e-4)
    assert 1 > unexplained[0] > unexplained[1] > unexplained[2] > 0


def test_perplexity_is_of_the_codes_given(fitted):
    path, report = fitted
    codes = MelRVQTeacher(path=path)(clips()).flatten(0, 1)
    for index, perplexity in enumerate(report["perplexity"]):
        shares = torch.bincount(codes[:, index]) / len(codes)
        entropy = -(shares * shares.clamp(min=1e-9).log()).sum()
        assert perplexity == pytest.approx(entropy.exp().item(), rel=1e-3)
        assert 1 < perplexity <= 16


def test_codes_are_in_range_and_equal_from_load_to_load(fitted):
    first, second = (MelRVQTeacher(path=fitted[0]) for _ in range(2))
    wavs = clips(3, seed=5)
    codes = first(wavs)
    assert codes.shape == (3, 75, 3)
    assert codes.dtype == torch.int64
    assert 0 <= codes.min() and codes.max() < 16
    assert torch.equal(codes, second(wavs))
    assert torch.equal(codes[1:2], first(wavs[1:2]))
    assert (first.n_codebooks, first.codebook_size) == (3, 16)


def test_at_most_the_frames_asked_for_are_used(tmp_path):
    batches = iter([clips(), clips(), clips()])
    report = fit_mel_rvq(batches, tmp_path / "a", max_frames=310, **SIZES)
    assert report["frames"] == 310
    assert len(list(batches)) == 1


def test_a_cascade_of_another_rate_is_refused(fitted):
    with pytest.raises(ValueError, match="24000 Hz.*sample_rate is 16000"):
        MelRVQTeacher(path=fitted[0], sample_rate=16_000)


def test_a_pinned_checksum_is_held(fitted):
    path = fitted[0]
    digits = file_checksum(path)
    MelRVQTeacher(path=path, checksum=digits[:8])
    with pytest.raises(ValueError, match=digits[:8]) as error:
        MelRVQTeacher(path=path, checksum="x")
    assert str(path) in str(error.value)


def test_identities_follow_the_file_not_its_place(fitted, tmp_path):
    copy = tmp_path / "copy"
    copy.write_bytes(fitted[0].read_bytes())
    identity = MelRVQTeacher.identity(path=fitted[0])
    assert MelRVQTeacher.identity(path=copy) == identity
    assert identity["checksum"] == file_checksum(copy)
    copy.unlink()
    fit_mel_rvq([clips()], copy, seed=1, **SIZES)
    assert MelRVQTeacher.identity(path=copy) != identity


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        MelRVQTeacher(path=tmp_path / "absent")


@pytest.mark.parametrize("batches", [[], [clips(1)[:, :1_000]]])
def test_a_fit_that_fails_leaves_no_file(tmp_path, batches):
    with pytest.raises(ValueError, match="MelRVQ: (there are no|2 frames)"):
        fit_mel_rvq(batches, tmp_path / "a", **SIZES)
    assert not list(tmp_path.iterdir())


def test_a_fit_that_is_killed_leaves_no_file(tmp_path, monkeypatch):
    from mert_sb.teachers import fitted

    path = tmp_path / "a"

    def killed(tensors, file, metadata):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fitted, "save_file", killed)
        with pytest.raises(KeyboardInterrupt):
            fit_mel_rvq([clips()], path, **SIZES)
    assert not path.exists()
    assert not fit_mel_rvq([clips()], path, **SIZES)["kept"]


def test_a_file_that_is_there_is_kept(fitted, tmp_path, caplog):
    path, report = fitted
    before = path.read_bytes()
    with caplog.at_level(logging.INFO):
        # No clip is asked for.
        again = fit_mel_rvq(iter([None]), path, **SIZES)
    assert again == {**report, "kept": True} and path.read_bytes() == before
    assert f"{path} is there already and is kept" in caplog.text


@pytest.mark.parametrize(
    "key",
    ["n_mels", "n_codebooks", "codebook_size", "n_iterations", "sample_rate"],
)
def test_a_file_of_other_settings_is_refused(fitted, key):
    path, _ = fitted
    other = SIZES | {key: SIZES[key] + 1}
    with pytest.raises(ValueError, match=rf"fitted otherwise: {key} is") as e:
        fit_mel_rvq([clips()], path, **other)
    assert str(path) in str(e.value)
    for own in ({"seed": 1}, {"max_frames": 200}):
        with pytest.raises(ValueError, match=f"{next(iter(own))} is"):
            fit_mel_rvq([clips()], path, **SIZES, **own)


def test_a_fit_is_told_in_the_log(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        report = fit_mel_rvq([clips()], tmp_path / "a", **SIZES)
    assert "fitted to 300 frames" in caplog.text
    for index, left in enumerate(report["unexplained"]):
        assert f"codebook {index} leaves {left:.3f} of" in caplog.text


def test_a_file_of_an_earlier_version_says_so(fitted, tmp_path):
    tensors, _ = read_fitted(fitted[0], "mel_rvq")
    about = {"mel_rvq": '{"sample_rate": 24000, "frames": 300}'}
    save_file(tensors, tmp_path / "old", metadata=about)
    with pytest.raises(ValueError, match="old does not say how it was fitted"):
        MelRVQTeacher(path=tmp_path / "old")


@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_clips_that_are_all_alike_give_finite_fits_and_codes(
    tmp_path, constant
):
    wavs = torch.full((4, 24_080), constant)
    fit_mel_rvq([wavs], tmp_path / "a", **SIZES)
    teacher = MelRVQTeacher(path=tmp_path / "a")
    assert all(buffer.isfinite().all() for buffer in teacher.buffers())
    for heard in (wavs, clips()):
        codes = teacher(heard)
        assert 0 <= codes.min() and codes.max() < 16


def test_silence_is_coded_by_a_fit_on_music(fitted):
    codes = MelRVQTeacher(path=fitted[0])(torch.zeros(2, 24_080))
    # Every frame is the same silence.
    assert (codes == codes[0, 0]).all()


@pytest.mark.parametrize("frame", [0, 3, 74])
def test_log_mel_frames_lie_on_the_students(frame):
    wavs = torch.zeros(1, 24_080)
    wavs[0, round(frames.centre(frame))] = 1
    loudness = MelFrames(24_000)(wavs).logsumexp(-1)[0]
    assert loudness.argmax() == frame


@pytest.mark.parametrize("length", [400, 719, 720, 24_080])
def test_log_mel_frames_are_as_many_as_the_students(length):
    feats = MelFrames(24_000, n_mels=40)(torch.randn(2, length))
    assert feats.shape == (2, frames.n_frames(length), 40)


def test_log_mel_frames_are_torchaudios():
    import torchaudio

    theirs = torchaudio.transforms.MelSpectrogram(
        24_000, n_fft=1024, hop_length=320, n_mels=40, power=1, center=False
    )
    padded = torch.nn.functional.pad(clips(), (312, 312))
    expected = theirs(padded).mT.clamp(min=1e-5).log()
    torch.testing.assert_close(MelFrames(24_000, n_mels=40)(clips()), expected)


def noise(n, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, width, generator=generator)


@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_the_nearest_code_is_the_nearest(block):
    feats, codebook = noise(100, 5), noise(12, 5, seed=1)
    expected = torch.cdist(feats, codebook).argmin(1)
    assert torch.equal(nearest(feats, codebook, block=block), expected)


def test_more_iterations_serve_frames_better():
    feats = noise(500, 4)
    errors = []
    for n_iterations in (0, 1, 3, 10):
        codebook = kmeans(feats, 8, n_iterations, torch.Generator())
        served = codebook[nearest(feats, codebook)]
        errors.append((feats - served).square().sum())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.9 * errors[0]


def test_codes_end_at_the_means_of_what_they_serve():
    centres = 100 * noise(8, 4)
    feats = (centres[:, None] + noise(8 * 50, 4).view(8, 50, 4)).flatten(0, 1)
    codebook = kmeans(feats, 8, 5, torch.Generator())
    found = codebook[nearest(centres, codebook)]
    torch.testing.assert_close(found, feats.view(8, 50, 4).mean(1))


def test_codes_left_without_frames_move_to_frames_badly_served():
    # The start sees 160 of 2,015 frames: hardly one of the fifteen.
    rare = 10 * (1 + torch.arange(15.0))[:, None]
    feats = torch.cat([torch.zeros(2_000, 1), rare])
    codebook = kmeans(feats, 16, 20, torch.Generator().manual_seed(0))
    assert sorted(codebook.flatten().tolist()) == [10.0 * n for n in range(16)]


@pytest.mark.parametrize("n_points", [1, 2, 7])
def test_fewer_points_than_codes_are_all_hit(n_points):
    feats = noise(n_points, 3).repeat(20, 1)
    codebook = kmeans(feats, 8, 4, torch.Generator())
    assert codebook.isfinite().all()
    torch.testing.assert_close(codebook[nearest(feats, codebook)], feats)
