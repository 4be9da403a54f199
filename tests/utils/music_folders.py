"""Folders of made-up audio files, good and bad, and manifests of them.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import re
import struct

import numpy as np
import soundfile as sf

RATE = 24_000
OPTIONS = {"min_seconds": 1.0, "sample_rate": RATE}


def noise(seconds, rate, n_channels=1):
    """Quiet noise ``(S, C)``."""
    rng = np.random.default_rng(0)
    return rng.normal(0.0, 0.1, (round(seconds * rate), n_channels))


def write(path, seconds=2.0, rate=RATE, n_channels=1, **encoding):
    """Write a file of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, noise(seconds, rate, n_channels), rate, **encoding)


def end_stream_early(path, n_pages):
    """Let an Ogg stream end, within a page, ``n_pages`` before its last."""
    data = bytearray(path.read_bytes())
    marks = [page.start() for page in re.finditer(b"OggS\0", data)]
    begin, stop = marks[-n_pages - 1], marks[-n_pages]
    data[begin + 5] |= 4
    position = struct.unpack_from("<q", data, begin + 6)[0]
    struct.pack_into("<q", data, begin + 6, position - 100)
    data[begin + 22 : begin + 26] = bytes(4)
    checksum = 0
    for byte in data[begin:stop]:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = checksum << 1 ^ (checksum >> 31) * 0x104C11DB7
    data[begin + 22 : begin + 26] = struct.pack("<I", checksum)
    path.write_bytes(data)


def all_to_train(paths):
    """A split with nothing held out."""
    return dict.fromkeys(paths, "train")


def prepare(folder, **options):
    """Write manifests into ``<folder>/save``; return the rows by split."""
    from mert_sb.audio.manifest import write_manifests

    options = {"split": all_to_train, **OPTIONS, **options}
    manifests = write_manifests(folder / "data", folder / "save", **options)
    return {
        name: json.loads(open(path, encoding="utf-8").read())
        for name, path in manifests.items()
    }


def skipped(folder):
    """Reasons by path out of skipped.csv."""
    with open(folder / "save" / "skipped.csv", newline="") as file:
        return {row["path"]: row["reason"] for row in csv.DictReader(file)}


def bad_files(data):
    """Unusable files and the kind of reason expected."""
    write(data / "cut.flac", 8.0)
    cut = (data / "cut.flac").read_bytes()
    (data / "cut.flac").write_bytes(cut[: len(cut) // 2])
    write(data / "hole.ogg", 20.0)
    hole = bytearray((data / "hole.ogg").read_bytes())
    hole[len(hole) // 2] ^= 0xFF
    (data / "hole.ogg").write_bytes(hole)
    (data / "text.mp3").write_text("not music\n" * 500)
    (data / "empty.wav").touch()
    sf.write(data / "headonly.wav", noise(0, RATE), RATE)
    write(data / "short.wav", 0.99)
    write(data / "odd.wav", 2.0, 44_101)
    sf.write(data / "silent.mp3", np.zeros(2 * RATE), RATE)
    opposite = noise(2.0, RATE) * [1, -1]
    sf.write(data / "opposite.wav", opposite, RATE, subtype="FLOAT")
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        wav = noise(4.0, RATE)
        wav[2 * RATE] = value
        sf.write(data / f"{name}.wav", wav, RATE, subtype="FLOAT")
    return {
        "cut.flac": "unreadable",
        "empty.wav": "empty",
        "headonly.wav": "empty",
        "hole.ogg": "truncated",
        "inf.wav": "non-finite",
        "nan.wav": "non-finite",
        "odd.wav": "rate",
        "opposite.wav": "silent",
        "short.wav": "short",
        "silent.mp3": "silent",
        "text.mp3": "unreadable",
    }
