"""Where crops may begin and end.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile as sf
import torch

from tests.utils.music_folders import noise

RATE = 24_000


def test_window_starts_lie_on_frames_and_fit():
    from mert_sb.audio import window_starts

    starts = window_starts(10_000, 1_000, 3)
    assert list(starts) == list(range(0, 9_001, 960))
    assert list(window_starts(1_640, 1_000)) == [0, 320, 640]
    assert list(window_starts(1_639, 1_000)) == [0, 320]
    assert list(window_starts(1_000, 1_000)) == [0]
    assert not window_starts(999, 1_000)


def test_draws_are_uniform_over_the_window_starts():
    from mert_sb.audio import draw_crop_start, window_starts

    generator = torch.Generator().manual_seed(0)
    draws = [
        draw_crop_start(5_000, 1_000, step=2, generator=generator)
        for _ in range(7_000)
    ]
    starts, counts = np.unique(draws, return_counts=True)
    assert starts.tolist() == list(window_starts(5_000, 1_000, 2))
    # Expected 1000 each, five standard deviations of leeway.
    assert np.abs(counts - 1_000).max() < 150


def test_draws_repeat_with_the_generator():
    from mert_sb.audio import draw_crop_start
    from mert_sb.seeds import item_generator

    def draw(epoch):
        generator = item_generator(1337, epoch, "a", "crop")
        return draw_crop_start(10**7, 1_000, generator=generator)

    assert draw(1) == draw(1) != draw(2)


def test_no_crop_fits():
    from mert_sb.audio import draw_crop_start

    with pytest.raises(ValueError, match="min_seconds"):
        draw_crop_start(999, 1_000, generator=torch.Generator())


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_crops_past_the_end(tmp_path, suffix, rate):
    from mert_sb.audio import DamagedAudioError, read_crop

    path = tmp_path / f"a.{suffix}"
    sf.write(path, noise(1.0, rate), rate)
    assert len(read_crop(path, RATE - 400, 400, RATE)) == 400
    for start in (RATE - 399, RATE, 100 * RATE):
        with pytest.raises(DamagedAudioError, match="too short: samples"):
            read_crop(path, start, 400, RATE)
    for start, length in ((-1, 400), (0, 0)):
        with pytest.raises(ValueError, match=r"a\."):
            read_crop(path, start, length, RATE)
