"""Plans of files: every frame of a file is kept exactly once, at its place.

Authors
 * The mert_sb developers 2026
"""

import pickle

import numpy as np
import pytest
import soundfile as sf
import torch

from mert_sb import frames
from mert_sb.inference.chunks import plan_file, plan_windows, tile

RATE = 24_000


def write(path, n_samples, rate=RATE, n_channels=1):
    wav = np.random.default_rng(0).normal(0.1, 0.1, (n_samples, n_channels))
    sf.write(path, wav, rate)
    return path


def frames_kept(windows):
    """Frames of the file that windows keep, in order."""
    return [
        window.start // frames.HOP_LENGTH + frame
        for window in windows
        for frame in range(window.first, window.stop)
    ]


@pytest.mark.parametrize("chunk", range(1, 12))
def test_kept_frames_are_all_frames_once(chunk):
    for border in range((chunk + 1) // 2):
        for n_frames in range(chunk, 5 * chunk):
            windows = tile(n_frames, chunk, border)
            assert frames_kept(windows) == list(range(n_frames))
            for index, window in enumerate(windows):
                start = window.start // frames.HOP_LENGTH
                assert window.start % frames.HOP_LENGTH == 0
                assert 0 <= start <= n_frames - chunk
                # The border, but none at the ends of the file.
                assert window.first >= border or start == window.first == 0
                at_end = start + chunk == n_frames
                assert window.stop == (chunk if at_end else chunk - border)
                assert at_end == (index == len(windows) - 1)


@pytest.mark.parametrize("extra", [0, 1, 319, 320, 321, 5_000, 100_000])
@pytest.mark.parametrize("overlap_seconds", [0.0, 0.1, 0.25, 0.49])
def test_plans_tile_files_of_any_length(tmp_path, extra, overlap_seconds):
    path = write(tmp_path / "a.wav", RATE // 2 + extra)
    plan = plan_file(
        path,
        sample_rate=RATE,
        chunk_seconds=0.5,
        overlap_seconds=overlap_seconds,
    )
    assert plan.n_samples == RATE // 2 + extra
    assert plan.n_frames == frames.n_frames(plan.n_samples)
    assert frames_kept(plan.windows) == list(range(plan.n_frames))
    last = plan.windows[-1].start + plan.window_samples
    assert plan.n_samples - frames.HOP_LENGTH < last <= plan.n_samples


def test_windows_are_the_planned_slices_of_the_file(tmp_path):
    from mert_sb.audio import read_audio

    path = write(tmp_path / "a.flac", 130_001, 44_100, 2)
    plan = plan_file(
        path, sample_rate=RATE, chunk_seconds=0.7, overlap_seconds=0.2
    )
    whole = read_audio(path, RATE)
    windows = list(plan_windows(plan))
    assert [index for index, _ in windows] == list(range(len(plan.windows)))
    assert len(windows) == 6
    for index, wav in windows:
        start = plan.windows[index].start
        expected = whole[start : start + plan.window_samples]
        torch.testing.assert_close(wav, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(plan.statistics.mean, whole.mean())
    variance = whole.var(correction=0)
    torch.testing.assert_close(plan.statistics.variance, variance)


@pytest.mark.parametrize("chunk_seconds", [None, 1.0, 30.0])
def test_what_fits_into_a_chunk_is_one_window_whole(tmp_path, chunk_seconds):
    path = write(tmp_path / "a.wav", 24_000)
    plan = plan_file(path, sample_rate=RATE, chunk_seconds=chunk_seconds)
    assert plan.window_samples == 24_000
    assert [tuple(window) for window in plan.windows] == [(0, 0, 74)]
    ((index, wav),) = plan_windows(plan)
    assert (index, len(wav)) == (0, 24_000)


def test_plans_are_small_and_survive_pickling(tmp_path):
    path = write(tmp_path / "a.wav", 20 * RATE)
    plan = plan_file(path, sample_rate=RATE, chunk_seconds=1.0)
    pickled = pickle.dumps(plan)
    assert len(pickled) < 10_000
    again = pickle.loads(pickled)
    assert again.windows == plan.windows
    assert all(map(torch.equal, again.statistics, plan.statistics))
    assert len(list(plan_windows(again))) == 21


def test_a_plan_is_made_of_what_decoding_gives(tmp_path):
    from mert_sb.audio import audio_info, read_audio

    path = write(tmp_path / "a.mp3", 8 * RATE)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    plan = plan_file(path, sample_rate=RATE, chunk_seconds=1.0)
    assert plan.n_samples == len(read_audio(path, RATE))
    assert plan.n_samples < audio_info(path).n_samples - RATE
    assert len(list(plan_windows(plan))) == len(plan.windows)


@pytest.mark.parametrize("n_samples", [1, 9, 399])
def test_files_shorter_than_a_frame_are_refused(tmp_path, n_samples):
    path = write(tmp_path / "short.wav", n_samples)
    with pytest.raises(ValueError, match="short.wav: .* lengthen it"):
        plan_file(path, sample_rate=RATE)


def test_one_frame_is_enough(tmp_path):
    plan = plan_file(write(tmp_path / "a.wav", 400), sample_rate=RATE)
    assert frames_kept(plan.windows) == [0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chunk_seconds": 0.01}, "chunk_seconds: 0.01 is shorter"),
        ({"chunk_seconds": -1.0}, "chunk_seconds: -1.0 is shorter"),
        (
            {"chunk_seconds": 1.0, "overlap_seconds": 1.0},
            "overlap_seconds: 1.0 is not between",
        ),
        (
            {"chunk_seconds": 1.0, "overlap_seconds": -0.1},
            "overlap_seconds: -0.1 is not between",
        ),
    ],
)
def test_impossible_settings_are_named_before_decoding(settings, message):
    with pytest.raises(ValueError, match=message):
        plan_file("absent.wav", sample_rate=RATE, **settings)


def test_chunks_of_few_frames_with_nearly_all_of_them_shared(tmp_path):
    path = write(tmp_path / "a.wav", 4_000)
    plan = plan_file(
        path, sample_rate=RATE, chunk_seconds=0.05, overlap_seconds=0.0499
    )
    assert plan.window_samples == frames.n_samples(3)
    assert frames_kept(plan.windows) == list(range(12))
