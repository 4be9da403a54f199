"""Audio that lies about itself, and the journal of what was examined.

Authors
 * The mert_sb developers 2026
"""

import json
import os
import struct
import threading

import numpy as np
import pytest
import soundfile

from mert_sb.audio import DamagedAudioError, audio_info, read_audio, read_crop
from mert_sb.audio.channels import read_channels
from mert_sb.audio.examine import Finding, examine
from mert_sb.audio.journal import Journal

RATE = 24_000


def noise(path, seconds=1.0, rate=RATE, channels=1, **how):
    """A file of noise."""
    rng = np.random.default_rng(0)
    wav = rng.normal(0, 0.1, (round(seconds * rate), channels))
    soundfile.write(path, wav, rate, **how)
    return path


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"channels": 1024}, "1024 channels, most are 64"),
        ({"rate": 2**31 - 1}, "2147483647 Hz, most are 768000"),
    ],
)
def test_a_header_that_asks_for_memory(tmp_path, header, reason):
    path = noise(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    if "channels" in header:
        data[22:24] = struct.pack("<H", header["channels"])
        data[32:34] = struct.pack("<H", 2 * header["channels"])
    else:
        data[24:28] = struct.pack("<I", header["rate"])
    path.write_bytes(data)
    for read in (
        audio_info,
        lambda path: read_audio(path, RATE),
        lambda path: read_crop(path, 0, 400, RATE),
    ):
        with pytest.raises(DamagedAudioError, match=reason) as caught:
            read(path)
        assert str(path) in str(caught.value)
    assert reason in examine(path, verify=False).reason


@pytest.mark.skipif(os.name == "nt", reason="no pipes here")
def test_a_pipe_in_a_data_folder(tmp_path):
    """Whoever opens one waits for a writer, who never comes."""
    path = tmp_path / "a.wav"
    os.mkfifo(path)
    found = []
    # Of a daemon, or a failing test would never end.
    thread = threading.Thread(
        target=lambda: found.append(examine(path, verify=True)), daemon=True
    )
    thread.start()
    thread.join(30)
    assert [finding.reason for finding in found] == [
        "no file, but a folder, a pipe or a device"
    ]
    with pytest.raises(DamagedAudioError, match=r"a.wav: no file, but"):
        audio_info(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.mp3", "unreadable: no frame of audio"),
        ("a.wav", "unreadable: Format not recognised"),
    ],
)
def test_text_by_the_name_of_audio(tmp_path, name, reason):
    path = tmp_path / name
    path.write_text("hello\n")
    assert examine(path, verify=False).reason == reason
    with pytest.raises(DamagedAudioError, match=f"{name}: {reason}. Leave"):
        audio_info(path)


def test_an_mp3_that_claims_to_be_long(tmp_path):
    path = noise(tmp_path / "a.mp3", bitrate_mode="VARIABLE")
    data = bytearray(path.read_bytes())
    place = max(data.find(b"Xing"), data.find(b"Info"))
    assert place > 0
    data[place + 8 : place + 12] = struct.pack(">I", 2**24)
    path.write_bytes(data)
    with pytest.raises(DamagedAudioError, match="truncated: "):
        audio_info(path)
    assert "truncated: " in examine(path, verify=False).reason


def test_an_odd_rate_names_the_file(tmp_path):
    path = noise(tmp_path / "a.wav", rate=44_101)
    for read in (
        lambda: read_audio(path, RATE),
        lambda: read_crop(path, 0, 400, RATE),
        lambda: read_channels(path, 0, 400, RATE),
    ):
        with pytest.raises(ValueError, match=f"{path}: resampling 44101 Hz"):
            read()


@pytest.mark.parametrize("suffix", ["wav", "ogg", "mp3"])
def test_a_part_with_channels_behind_the_end(tmp_path, suffix):
    path = noise(tmp_path / f"a.{suffix}", channels=2)
    with pytest.raises(DamagedAudioError, match=r"a\.\w+: "):
        read_channels(path, 10 * RATE, 400, RATE)


@pytest.mark.parametrize(
    "change",
    [
        {"finding": {"n_samples": -5, "sample_rate": 1, "reason": ""}},
        {"finding": {"n_samples": 1.5, "sample_rate": 1, "reason": ""}},
        {"finding": {"n_samples": 1}},
        {"finding": 3},
        {"path": ["a"]},
        {"size": "1"},
        {"settings": None},
    ],
)
def test_a_journals_line_that_nobody_wrote_counts_for_nothing(tmp_path, change):
    path, stat = tmp_path / "prepare.jsonl", tmp_path.stat()
    with Journal(path, {}) as journal:
        journal.add("a", stat, Finding(9, 8_000, ""))
    entry = json.loads(path.read_text())
    path.write_text(json.dumps(entry | change) + "\n[3]\n" + "[" * 90_000)
    assert Journal(path, {}).find("a", stat) is None
    path.write_text(json.dumps(entry))
    assert Journal(path, {}).find("a", stat) == Finding(9, 8_000, "")
