"""Norms over time: windows treated with their file's moments are rows of one pass.

Authors
 * The mert_sb developers 2026
"""

import pickle

import pytest
import torch

from mert_sb.frames import HOP_LENGTH, n_frames, n_samples
from mert_sb.student import MERT
from mert_sb.student.statistics import (
    RunningStatistics,
    WavStatistics,
    normalize,
)

TINY = {"conv_channels": 16, "embed_dim": 32, "ffn_dim": 64, "num_heads": 4}
TINY |= {"num_layers": 2, "position_kernel": 8, "position_groups": 4}


def build(**settings):
    """A tiny student in eval mode, none of its numbers a neutral one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student = MERT(**(TINY | settings)).eval().requires_grad_(False)
        for parameter in student.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return student


def music(length, offset=0.0):
    """A decaying chord with noise: loudness, pitch and offset change."""
    generator = torch.Generator().manual_seed(length)
    time = torch.arange(length) / 24_000
    wav = (900 * time).sin() * (-3 * time).exp() + 0.3 * (90 * time).sin()
    return wav + 0.05 * torch.randn(length, generator=generator) + offset


def gathered(wav, blocks=None):
    """Statistics of a waveform given in blocks of these lengths, repeated."""
    running, done = RunningStatistics(), 0
    while done < len(wav):
        for length in blocks or [len(wav)]:
            running.update(wav[done : done + length])
            done += length
    assert running.n_samples == len(wav)
    return running.result()


def direct(wav):
    """The same from all windows at once."""
    wav = wav.double()
    windows = wav.unfold(0, 10, 5)
    covariance = windows.T.cov(correction=0)
    return wav.mean(), wav.var(correction=0), windows.mean(0), covariance


def close(found, expected, tolerance=1e-5):
    torch.testing.assert_close(
        found.double(), expected.double(), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize(
    "blocks", [None, [1], [3, 0, 11], [9, 1], [4_096], [5], [10_007]]
)
@pytest.mark.parametrize("length", [10, 14, 15, 9_999])
def test_blocks_of_any_size_give_the_moments_of_the_whole(blocks, length):
    wav = music(length, offset=0.2)
    found = gathered(wav, blocks)
    mean, variance, windows, covariance = direct(wav)
    close(found.mean, mean)
    close(found.variance, variance)
    close(found.mean + found.window_offset, windows)
    close(found.window_spread @ found.window_spread.T, covariance)


def test_long_blocks_are_taken_in_pieces():
    wav = music(150_000)
    found, expected = gathered(wav), gathered(wav, [401])
    for ours, theirs in zip(found[:3], expected[:3], strict=True):
        close(ours, theirs, 1e-6)


@pytest.mark.parametrize("length", [0, 9])
def test_too_few_samples_are_refused(length):
    running = RunningStatistics()
    running.update(torch.zeros(length))
    with pytest.raises(ValueError, match=f"statistics of {length} samples"):
        running.result()


@pytest.mark.parametrize("level", [0.0, 1.0, -0.7])
def test_constant_files_have_no_variance(level):
    statistics = gathered(torch.full((5_000,), level), [997])
    close(statistics.mean, torch.tensor(level))
    assert statistics.variance < 1e-12
    mean, variance = statistics.stack([statistics]).convolved(torch.ones(3, 10))
    close(mean, torch.full((1, 3), 10 * level))
    assert variance.max() < 1e-12


def test_a_weak_signal_on_a_strong_offset_keeps_its_variance():
    wav = 1.0 + 1e-4 * torch.randn(
        40_000, generator=torch.Generator().manual_seed(0)
    )
    found = gathered(wav, [1_001])
    _, variance, _, covariance = direct(wav)
    torch.testing.assert_close(
        found.variance.double(), variance, rtol=1e-5, atol=0
    )
    close(1e8 * found.window_spread @ found.window_spread.T, 1e8 * covariance)


def test_many_blocks_lose_no_digits():
    block = music(3_000, offset=0.5)
    running = RunningStatistics()
    for _ in range(2_000):
        running.update(block)
    once = gathered(block)
    assert running.n_samples == 6_000_000
    torch.testing.assert_close(running.result().mean, once.mean)
    torch.testing.assert_close(running.result().variance, once.variance)


def test_smooth_music_keeps_the_variance_of_differences():
    # What a differencing kernel leaves of a low tone is 1e-9 of its power.
    tone = (torch.arange(48_000, dtype=torch.float64) * 2e-4).sin()
    kernel = torch.tensor([[0.0] * 4 + [1.0, -1.0] + [0.0] * 4])
    statistics = gathered(tone)
    _, variance = statistics.stack([statistics]).convolved(kernel)
    expected = (tone.unfold(0, 10, 5) @ kernel[0].double()).var(correction=0)
    torch.testing.assert_close(
        variance[0, 0].double(), expected, rtol=1e-2, atol=0
    )


def test_statistics_survive_pickling():
    statistics = gathered(music(4_000))
    again = pickle.loads(pickle.dumps(statistics))
    assert isinstance(again, WavStatistics)
    assert all(map(torch.equal, statistics, again))


WAVS = [music(20_000, offset=0.3), 0.2 * music(17_777)]


@pytest.mark.parametrize("normalize_wavs", [False, True])
@pytest.mark.parametrize("conv_bias", [False, True])
@pytest.mark.parametrize("conv_norm", ["group", "layer"])
def test_windows_are_rows_of_one_pass(conv_norm, conv_bias, normalize_wavs):
    student = build(
        num_layers=0,
        conv_norm=conv_norm,
        conv_bias=conv_bias,
        normalize_wavs=normalize_wavs,
    )
    found = []
    student.feature_norm.register_forward_pre_hook(
        lambda module, inputs: found.append(inputs[0])
    )
    first, count = 7, 12
    windows = []
    for wav in WAVS:
        student(wav[None])
        windows.append(wav[first * HOP_LENGTH :][: n_samples(count)])
    # Windows of two files in one batch, each with its file's statistics.
    statistics = WavStatistics.stack([gathered(wav, [4_001]) for wav in WAVS])
    student(torch.stack(windows), statistics=statistics)
    *whole, together = found
    for row, feats in zip(together, whole, strict=True):
        close(row, feats[0, first : first + count], 1e-4)
    alone = student.frontend(normalize(windows[0][None]))
    if conv_norm == "group" or normalize_wavs:
        plain = student.frontend(windows[0][None])
        other = alone if normalize_wavs else plain
        assert (other[0] - together[0]).abs().max() > 1e-3


def test_whole_files_with_their_statistics_are_as_without():
    student = build(normalize_wavs=True, conv_bias=True)
    wavs = torch.stack([wav[:9_000] for wav in WAVS])
    statistics = WavStatistics.stack([gathered(wav) for wav in wavs])
    close(student(wavs, statistics=statistics), student(wavs), 1e-4)


def test_the_constant_q_transform_sees_the_normalised_window():
    student = build(
        sample_rate=16_000,
        feature_extractor_cqt=84,
        normalize_wavs=True,
        num_layers=0,
    )
    heard = []
    student.cqt.register_forward_pre_hook(
        lambda module, inputs: heard.append(inputs[0])
    )
    wav = WAVS[0]
    student(wav[None])
    statistics = WavStatistics.stack([gathered(wav)])
    student(wav[None, 3_200:9_200], statistics=statistics)
    close(heard[1], heard[0][:, 3_200:9_200])


@pytest.mark.parametrize("level", [0.0, 0.5])
@pytest.mark.parametrize("conv_norm", ["group", "layer"])
def test_silence_and_constants_give_numbers(level, conv_norm):
    student = build(normalize_wavs=True, conv_norm=conv_norm)
    wav = torch.full((8_000,), level)
    statistics = WavStatistics.stack([gathered(wav, [999])])
    found = student(wav[None, :4_000], statistics=statistics)
    assert found.isfinite().all()
    assert found.shape == (1, n_frames(4_000), 32)


def test_gradients_reach_the_first_convolution_through_statistics():
    student = build(feature_grad_mult=1.0).requires_grad_()
    statistics = WavStatistics.stack([gathered(WAVS[0])])
    student(WAVS[0][None], statistics=statistics).square().sum().backward()
    found = student.frontend.layers[0]["conv"].weight.grad.clone()
    student.zero_grad()
    student(WAVS[0][None]).square().sum().backward()
    expected = student.frontend.layers[0]["conv"].weight.grad
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_statistics_that_do_not_belong_to_the_clips_are_refused():
    student, wavs = build(), torch.stack([WAVS[1][:2_000]] * 2)
    one = gathered(WAVS[0])
    for statistics in (one, WavStatistics.stack([one] * 3)):
        with pytest.raises(ValueError, match="for 2 clips: stack"):
            student(wavs, statistics=statistics)
    statistics = WavStatistics.stack([one] * 2)
    with pytest.raises(ValueError, match="wav_lens together"):
        student(wavs, torch.tensor([1.0, 0.5]), statistics=statistics)
