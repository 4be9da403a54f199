"""Audio files of numbers that are none: listed when prepared, named when read.

Authors
 * The mert_sb developers 2026
"""

import math

import numpy as np
import pytest
import soundfile as sf
import torch

from mert_sb.audio import DamagedAudioError
from mert_sb.audio.decode import LOUDEST
from mert_sb.audio.reader import read_audio, read_crop
from mert_sb.store import ShelfWriter
from tests.utils.music_folders import RATE, noise, prepare, skipped

# Sample, and how its reason begins.
WRONG = {
    "nan": (math.nan, "non-finite: some samples are NaN"),
    "inf": (math.inf, "non-finite: some samples are NaN"),
    "minus": (-math.inf, "non-finite: some samples are NaN"),
    # Finite, and not so are the mean of two channels and the power.
    "most": (3e38, "overflow: samples up to 3e+38"),
    "loud": (-1e13, "overflow: samples up to 1e+13"),
}
KINDS = [("wav", "FLOAT", 1), ("wav", "DOUBLE", 2), ("aiff", "FLOAT", 2)]


def write_with(path, value, subtype="FLOAT", channels=1):
    """Noise with one value in its middle."""
    wav = noise(2.0, RATE, channels)
    wav[len(wav) // 2] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, wav, RATE, subtype=subtype)


@pytest.mark.parametrize(("suffix", "subtype", "channels"), KINDS)
@pytest.mark.parametrize("name", WRONG)
def test_it_is_listed_with_its_reason(
    tmp_path, name, suffix, subtype, channels
):
    value, reason = WRONG[name]
    data = tmp_path / "data"
    write_with(data / f"{name}.{suffix}", value, subtype, channels)
    write_with(data / "good.wav", 0.5)
    rows = prepare(tmp_path)
    assert list(rows["train"]) == ["good.wav"]
    assert skipped(tmp_path)[f"{name}.{suffix}"].startswith(reason)


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("workers", [0, 1])
def test_what_came_into_it_later_is_named_when_it_is_read(
    tmp_path, name, workers
):
    path = tmp_path / "data" / "a.wav"
    write_with(path, 0.5)
    prepare(tmp_path)
    assert skipped(tmp_path) == {}
    value, reason = WRONG[name]
    write_with(path, value)
    loader = torch.utils.data.DataLoader(
        [str(path)],
        num_workers=workers,
        collate_fn=read_first,
    )
    with pytest.raises(DamagedAudioError) as caught:
        list(loader)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    with pytest.raises(DamagedAudioError, match="a.wav"):
        read_audio(path, RATE)


def read_first(paths):
    """What a loader does with a clip."""
    return read_crop(paths[0], 0, 2 * RATE, RATE)


def test_it_is_found_anew_by_the_next_preparation(tmp_path):
    path = tmp_path / "data" / "a.wav"
    write_with(path, 0.5)
    write_with(tmp_path / "data" / "b.wav", 0.5)
    assert len(prepare(tmp_path)["train"]) == 2
    write_with(path, math.nan)
    assert list(prepare(tmp_path)["train"]) == ["b.wav"]


def test_what_is_loud_and_still_audio_is_read(tmp_path):
    # As of 16-bit numbers that were never brought to full scale, or of 32.
    for value in (32_768.0, 2.0**31, LOUDEST):
        path = tmp_path / "loud.wav"
        write_with(path, value)
        wav = read_audio(path, RATE)
        assert wav.isfinite().all() and wav.square().sum().isfinite()


@pytest.mark.parametrize(
    ("value", "remedy"),
    [(math.nan, "look at that file"), (1e5, "use dtype float32")],
)
def test_states_that_are_none_name_their_clip(tmp_path, value, remedy):
    writer = ShelfWriter(tmp_path, {"upstream": "a"}, dtype="float16")
    arrays = {"good": np.ones((2, 2)), "bad clip": np.full((2, 2), value)}
    with pytest.raises(ValueError, match=f"'bad clip'.*{remedy}"):
        writer.write("a", arrays)
    assert [path.name for path in tmp_path.iterdir()] == ["shelf.json"]
