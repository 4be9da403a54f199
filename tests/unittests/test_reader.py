"""The reader: crops are exact in every format, damage names the file.

Authors
 * The mert_sb developers 2026
"""

import os
import pickle

import numpy as np
import pytest
import soundfile as sf
import torch

from tests.utils.music_folders import end_stream_early

RATE = 24_000
RATES = [8_000, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000]


def chirp(seconds, rate, n_channels=1):
    """A sweep through all frequencies; channels differ in loudness."""
    time = np.arange(round(seconds * rate)) / rate
    phase = 50 * time + (0.45 * rate - 50) * time**2 / 2 / seconds
    loudness = 0.5 / (1 + np.arange(n_channels))
    return np.sin(2 * np.pi * phase)[:, None] * loudness


def bursts(seconds, rate, n_channels=1):
    """Plucked chords with drum hits, between pauses."""
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * rate)) / rate
    wav = np.exp(-30 * (time % 0.25)) * rng.normal(size=len(time)) / 10
    for partial, pitch in enumerate([110.0, 220.0, 277.2, 329.6, 1318.5]):
        decay = np.exp(-(4 + partial) * (time % 1))
        wav += np.sin(2 * np.pi * pitch * time) * decay / (2 + partial)
    wav *= 0.5 * ((time % 3) < 0.7)
    return wav[:, None] / (1 + np.arange(n_channels))


def assert_crops_exact(path, starts=None, length=2_000):
    from mert_sb.audio import read_audio, read_crop

    whole = read_audio(path, RATE)
    last = len(whole) - length
    for start in starts or [0, 1, 320, last // 2 // 320 * 320, last - 7, last]:
        crop = read_crop(path, start, length, RATE)
        expected = whole[start : start + length]
        torch.testing.assert_close(crop, expected, rtol=0, atol=1e-6)
    return whole


@pytest.mark.parametrize("n_channels", [1, 2, 6])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_crops_equal_slices_of_the_whole(tmp_path, suffix, rate, n_channels):
    path = tmp_path / f"a.{suffix}"
    # A length with no common divisor with the rates.
    sf.write(path, chirp(1.0, rate, n_channels)[:-101], rate)
    assert_crops_exact(path)


@pytest.mark.parametrize("rate", RATES)
def test_whole_file_is_the_resampled_mean_of_channels(tmp_path, rate):
    from torchaudio.functional import resample

    from mert_sb.audio import read_audio, resampled_length

    path = tmp_path / "a.wav"
    wav = bursts(1.0, rate, 6)[:-101].astype(np.float32)
    sf.write(path, wav, rate, subtype="FLOAT")
    expected = resample(torch.from_numpy(wav.mean(1)), rate, RATE)
    found = read_audio(path, RATE)
    assert found.dtype == torch.float32
    assert len(found) == len(expected) == resampled_length(len(wav), rate, RATE)
    # The function computes its filter in float32, the reader's is from float64.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_crops_of_opus_music(tmp_path, rate):
    path = tmp_path / "a.opus"
    sf.write(path, bursts(6.0, rate, 2), rate, format="OGG", subtype="OPUS")
    assert_crops_exact(path, starts=range(0, 6 * RATE - 2_000, 9_001))


@pytest.mark.parametrize("level", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("signal", [chirp, bursts])
@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000])
def test_crops_of_mp3(tmp_path, rate, signal, mode, level):
    path = tmp_path / "a.mp3"
    encoding = {"bitrate_mode": mode, "compression_level": level}
    sf.write(path, signal(8.0, rate, 2), rate, format="MP3", **encoding)
    # Beyond the longest pre-roll, so that there is a seek.
    starts = list(range(70_000, 8 * RATE - 2_000, 7_919))
    assert_crops_exact(path, starts=[0, 320, *starts])


def test_mp3_read_in_blocks_equals_one_read(tmp_path):
    from mert_sb.audio import read_audio
    from mert_sb.audio.decode import BLOCK

    path = tmp_path / "a.mp3"
    encoding = {"bitrate_mode": "VARIABLE", "compression_level": 0.99}
    sf.write(path, chirp(8.0, 44_100), 44_100, format="MP3", **encoding)
    expected, rate = sf.read(path, dtype="float32")
    assert len(expected) > 2 * BLOCK
    found = read_audio(path, rate)
    torch.testing.assert_close(found, torch.from_numpy(expected))


def test_crops_on_the_last_page_of_ogg_vorbis(tmp_path):
    path = tmp_path / "a.ogg"
    sf.write(path, chirp(12.0, 44_100), 44_100)
    starts = range(10 * RATE, 12 * RATE - 2_000, 1_777)
    assert_crops_exact(path, starts=starts)


@pytest.mark.parametrize("suffix", ["ogg", "mp3", "flac"])
def test_crop_decodes_little_more_than_it_needs(tmp_path, monkeypatch, suffix):
    from mert_sb.audio import read_crop

    path = tmp_path / f"a.{suffix}"
    sf.write(path, bursts(40.0, 44_100), 44_100)
    asked = []
    read = sf.SoundFile.read

    def spy(self, frames, **options):
        asked.append(frames)
        return read(self, frames, **options)

    monkeypatch.setattr(sf.SoundFile, "read", spy)
    read_crop(path, 20 * RATE, RATE, RATE)
    assert len(asked) == 1
    assert 44_100 <= asked[0] < 44_100 + 17_000


def test_filters_are_made_once_for_all_crops(tmp_path):
    from mert_sb.audio import read_crop
    from mert_sb.audio.resample import _resampler

    path = tmp_path / "a.wav"
    sf.write(path, bursts(1.0, 44_100), 44_100)
    read_crop(path, 0, 400, RATE)
    misses = _resampler.cache_info().misses
    read_crop(path, 320, 400, RATE)
    assert _resampler.cache_info().misses == misses


def test_length_of_long_files_is_exact():
    from mert_sb.audio.resample import resample, resampled_length

    # 3 * 5,592,407 is no float32: torchaudio alone gives another length.
    n_samples = 5_592_407
    wav = torch.ones(n_samples)
    assert resampled_length(n_samples, 8_000, RATE) == 16_777_221
    resampled = resample(wav, 8_000, RATE)
    assert len(resampled) == 16_777_221
    assert resampled[-1] > 0.1


def test_odd_rates_are_refused_before_memory_runs_out(tmp_path):
    from mert_sb.audio import read_audio
    from mert_sb.audio.resample import check_rates

    for rate in [*RATES, 11_025, 11_127, 22_254, 44_056, 88_200]:
        check_rates(rate, RATE)
    path = tmp_path / "a.wav"
    sf.write(path, bursts(0.1, 44_101), 44_101)
    with pytest.raises(ValueError, match="44101 Hz to 24000 Hz"):
        read_audio(path, RATE)
    assert len(read_audio(path, 44_101)) == 4_410


def test_audio_info(tmp_path):
    from mert_sb.audio import audio_info

    path = tmp_path / "a.ogg"
    sf.write(path, bursts(0.5, 22_050, 2), 22_050)
    info = audio_info(path)
    assert info == (11_025, 22_050, 2)
    assert info.n_channels == 2


def test_names_that_are_not_utf8(tmp_path):
    from mert_sb.audio import read_audio

    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.wav")
    sf.write(tmp_path / "a.wav", bursts(0.5, RATE), RATE)
    try:
        os.rename(tmp_path / "a.wav", path)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert len(read_audio(os.fsdecode(path), RATE)) == RATE // 2


def damaged(kind, folder):
    """Write a damaged file, 4 s at 24 kHz if it holds anything."""
    wav = bursts(4.0, RATE)
    path = folder / "a.wav"
    if kind == "truncated":
        path = folder / "a.flac"
        sf.write(path, wav, RATE)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "text":
        path = folder / "a.mp3"
        path.write_text("not music\n" * 500)
    elif kind == "empty":
        path.touch()
    elif kind == "no samples":
        sf.write(path, wav[:0], RATE)
    else:
        wav[-1_000] = {"NaN": np.nan, "infinite": -np.inf}[kind]
        sf.write(path, wav, RATE, subtype="FLOAT")
    return path


KINDS = ["truncated", "text", "empty", "no samples", "NaN", "infinite"]


@pytest.mark.parametrize("kind", KINDS)
def test_damage_names_file_reason_and_remedy(tmp_path, kind):
    from mert_sb.audio import DamagedAudioError, read_audio, read_crop

    path = damaged(kind, tmp_path)
    for read in (
        lambda: read_audio(path, RATE),
        lambda: read_crop(path, 4 * RATE - 2_000, 2_000, RATE),
    ):
        with pytest.raises(DamagedAudioError) as caught:
            read()
        assert isinstance(caught.value, OSError)
        assert str(path) in str(caught.value)
        assert caught.value.reason
        assert caught.value.reason in str(caught.value)
        assert "verify=True" in str(caught.value)


def test_hole_in_the_middle_is_noticed(tmp_path):
    from mert_sb.audio import DamagedAudioError, read_audio, read_crop

    path = tmp_path / "a.ogg"
    sf.write(path, bursts(10.0, RATE), RATE)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DamagedAudioError, match="truncated: .* of 240000"):
        read_audio(path, RATE)
    with pytest.raises(DamagedAudioError, match="truncated: .* of 240000"):
        read_crop(path, 0, 10 * RATE, RATE)


def test_pages_after_the_end_are_no_damage(tmp_path):
    from mert_sb.audio import audio_info, read_audio

    path = tmp_path / "a.ogg"
    noise = np.random.default_rng(0).normal(0.0, 0.1, (8 * RATE, 2))
    sf.write(path, noise, RATE)
    end_stream_early(path, 2)
    length = len(read_audio(path, RATE))
    assert 7 * RATE < length < audio_info(path).n_samples == 8 * RATE
    assert_crops_exact(path, starts=range(6 * RATE, length - 2_000, 997))


def test_damage_outlives_a_loader_worker(tmp_path):
    from mert_sb.audio import DamagedAudioError, read_audio

    path = damaged("empty", tmp_path)
    with pytest.raises(DamagedAudioError) as caught:
        read_audio(path, RATE)
    message = str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == message
    # So torch raises it again in the main process.
    assert str(type(caught.value)(message)) == message


def test_sound_parts_of_damaged_files_can_be_read(tmp_path):
    from mert_sb.audio import read_crop

    path = damaged("NaN", tmp_path)
    assert len(read_crop(path, 0, 2_000, RATE)) == 2_000


def test_missing_file(tmp_path):
    from mert_sb.audio import audio_info

    with pytest.raises(FileNotFoundError, match="b.wav"):
        audio_info(tmp_path / "b.wav")


def test_silence_is_legal(tmp_path):
    from mert_sb.audio import read_audio, read_crop

    path = tmp_path / "a.flac"
    sf.write(path, np.zeros(8_000), 8_000)
    assert not read_audio(path, RATE).any()
    assert not read_crop(path, 320, 400, RATE).any()
