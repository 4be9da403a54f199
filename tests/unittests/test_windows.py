"""Files piece by piece: the samples of the whole file, decoded once and in order.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile as sf
import torch

RATE = 24_000
RATES = [8_000, 16_000, 24_000, 44_100, 96_000]


def write(path, rate, seconds=7.0, n_channels=2, **encoding):
    """Plucked notes over noise; a length that divides by nothing."""
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * rate) - 101) / rate
    wav = np.sin(2 * np.pi * 330 * time) * np.exp(-3 * (time % 0.5)) / 2
    wav += rng.normal(0.0, 0.05, len(time))
    sf.write(path, wav[:, None] / (1 + np.arange(n_channels)), rate, **encoding)
    return path


def assert_equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_pieces_joined_are_the_file(tmp_path, suffix, rate):
    from mert_sb.audio import read_audio
    from mert_sb.audio.windows import stream_blocks

    if suffix == "mp3" and rate > 48_000:
        pytest.skip("MP3 has no such rate")
    path = write(tmp_path / f"a.{suffix}", rate)
    pieces = list(stream_blocks(path, RATE))
    assert all(len(piece) for piece in pieces)
    assert_equal(torch.cat(pieces), read_audio(path, RATE))


@pytest.mark.parametrize("rate", [22_050, 48_000, 192_000])
def test_small_blocks_give_the_same(tmp_path, monkeypatch, rate):
    from mert_sb.audio import decode, read_audio
    from mert_sb.audio.windows import stream_blocks

    path = write(tmp_path / "a.wav", rate, seconds=0.3)
    expected = read_audio(path, RATE)
    for block in (7, 1_000):
        monkeypatch.setattr(decode, "BLOCK", block)
        assert_equal(torch.cat(list(stream_blocks(path, RATE))), expected)


def test_little_is_held_at_a_time(tmp_path):
    from mert_sb.audio.decode import BLOCK
    from mert_sb.audio.windows import stream_blocks

    path = write(tmp_path / "a.wav", RATE, seconds=20.0, n_channels=1)
    pieces = list(stream_blocks(path, RATE))
    assert max(len(piece) for piece in pieces) <= BLOCK
    assert len(pieces) == 4


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_windows_are_slices_of_the_file(tmp_path, suffix):
    from mert_sb.audio import read_audio
    from mert_sb.audio.windows import stream_windows

    path = write(tmp_path / f"a.{suffix}", 44_100, seconds=12.0)
    whole = read_audio(path, RATE)
    last = len(whole) - 50_000
    # Overlapping, equal, and with gaps longer than a block.
    starts = [0, 320, 320, 40_000, 200_001, last]
    windows = list(stream_windows(path, RATE, starts, 50_000))
    assert len(windows) == len(starts)
    for start, window in zip(starts, windows, strict=True):
        assert_equal(window, whole[start : start + 50_000])
        assert window.untyped_storage().nbytes() == 4 * 50_000


def test_surround_sound_is_mixed_down(tmp_path):
    from mert_sb.audio import read_audio
    from mert_sb.audio.windows import stream_blocks

    path = write(tmp_path / "a.flac", 48_000, n_channels=8)
    assert_equal(
        torch.cat([*stream_blocks(path, RATE)]), read_audio(path, RATE)
    )


def test_an_mp3s_length_is_what_decoding_gives(tmp_path):
    from mert_sb.audio import audio_info, read_audio
    from mert_sb.audio.windows import stream_blocks, stream_windows

    path = write(tmp_path / "a.mp3", RATE, seconds=8.0)
    # Half the music, with a header that still tells of the whole.
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    n_samples = sum(len(piece) for piece in stream_blocks(path, RATE))
    assert n_samples == len(read_audio(path, RATE))
    assert n_samples < audio_info(path).n_samples - RATE
    (window,) = stream_windows(path, RATE, [n_samples - 1_000], 1_000)
    assert_equal(window, read_audio(path, RATE)[-1_000:])


def test_nothing_seeks(tmp_path, monkeypatch):
    from mert_sb.audio.windows import stream_windows

    path = write(tmp_path / "a.mp3", 44_100)

    def refused(*_):
        raise AssertionError("a seek")

    monkeypatch.setattr(sf.SoundFile, "seek", refused)
    assert len(list(stream_windows(path, RATE, [0, 99_200], 9_600))) == 2


def damaged(kind, folder):
    if kind == "truncated":
        path = write(folder / "a.flac", RATE)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "empty":
        path = folder / "a.wav"
        path.touch()
    elif kind == "no samples":
        path = folder / "a.wav"
        sf.write(path, np.zeros((0, 2)), RATE)
    else:
        path = folder / "a.wav"
        wav = np.zeros(RATE)
        wav[-100] = np.nan
        sf.write(path, wav, RATE, subtype="FLOAT")
    return path


@pytest.mark.parametrize("kind", ["truncated", "empty", "no samples", "NaN"])
def test_damage_names_the_file(tmp_path, kind):
    from mert_sb.audio import DamagedAudioError
    from mert_sb.audio.windows import stream_blocks

    path = damaged(kind, tmp_path)
    with pytest.raises(DamagedAudioError) as caught:
        list(stream_blocks(path, RATE))
    assert str(path) in str(caught.value)
    assert caught.value.reason


def test_missing_files_are_named(tmp_path):
    from mert_sb.audio.windows import stream_blocks

    with pytest.raises(FileNotFoundError, match="b.wav"):
        next(stream_blocks(tmp_path / "b.wav", RATE))


def test_windows_past_the_end_are_refused(tmp_path):
    from mert_sb.audio import DamagedAudioError
    from mert_sb.audio.windows import stream_windows

    path = write(tmp_path / "a.wav", RATE, seconds=1.0)
    windows = stream_windows(path, RATE, [0, 20_000], 4_000)
    assert len(next(windows)) == 4_000
    with pytest.raises(DamagedAudioError, match="ends at 24000 .* at 23899"):
        next(windows)


@pytest.mark.parametrize("starts", [[-320], [320, 0]])
def test_starts_that_go_back_are_refused(tmp_path, starts):
    from mert_sb.audio.windows import stream_windows

    path = write(tmp_path / "a.wav", RATE, seconds=1.0)
    with pytest.raises(ValueError, match=f"{starts[-1]} after"):
        list(stream_windows(path, RATE, starts, 400))
