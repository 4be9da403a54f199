"""Long files: memory, and chunked features against those of one pass.

> python tests/benchmarks/long_files.py [song.ogg] [--encoder folder] [--minutes 1 4]

Without a song, chords of changing loudness are made; without an encoder, a 95M of made
weights. Prints, for several chunks, the relative error of each state (norm of the
difference over norm) on the song's first 75 seconds, then the peak resident memory of
encoding the song repeated to each length.

Authors
 * The mert_sb developers 2026
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch
from speechbrain.dataio.preprocess import AudioNormalizer

from mert_sb.inference import MusicEncoder
from mert_sb.student import MERT

RATE = 24_000
CHUNKS = ((10.0, 3.0), (30.0, 0.0), (30.0, 3.0), (60.0, 3.0))


def chords(seconds):
    """Chords that change every two seconds, louder and softer."""
    dice = np.random.default_rng(0)
    beats = []
    for _ in range(round(seconds / 2)):
        times = np.arange(2 * RATE) / RATE
        notes = 55 * 2 ** (dice.integers(0, 48, 4) / 12)
        beat = np.sin(2 * np.pi * notes[:, None] * times).sum(0)
        beats.append(beat * dice.uniform(0.01, 0.2) * np.exp(-times))
    return np.concatenate(beats)


def open_encoder(folder):
    """The encoder given, or a 95M of made weights."""
    if folder:
        return MusicEncoder.from_original(folder)
    torch.manual_seed(0)
    hparams = {
        "sample_rate": RATE,
        "audio_normalizer": AudioNormalizer(RATE, mix="avg-to-mono"),
    }
    return MusicEncoder({"student": MERT(normalize_wavs=True)}, hparams)


def print_errors(encoder, path):
    """Chunked features against those of one pass."""
    whole = encoder.encode_file(path, chunk_seconds=None).states
    for chunk, overlap in CHUNKS:
        states = encoder.encode_file(
            path, chunk_seconds=chunk, overlap_seconds=overlap
        ).states
        errors = (states - whole).norm(dim=(1, 2)) / whole.norm(dim=(1, 2))
        print(f"chunk {chunk:g} s, overlap {overlap:g} s:", end=" ")
        print(" ".join(f"{error:.4f}" for error in errors))


def peak_megabytes():
    """Peak resident memory of this process so far (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def encode_alone(path, folder):
    """Encode in this process and print what it took."""
    encoder = open_encoder(folder)
    before, start = peak_megabytes(), time.perf_counter()
    encoder.encode_file(path, -1, pool="mean")
    seconds = time.perf_counter() - start
    minutes = soundfile.info(path).duration / 60
    print(
        f"{minutes:.1f} min: peak {peak_megabytes()} MB, {before} MB of it before; "
        f"{seconds:.0f} s"
    )


def main():
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("song", nargs="?")
    parser.add_argument("--encoder")
    parser.add_argument("--minutes", type=float, nargs="*", default=[1, 4])
    parser.add_argument("--alone", action="store_true")
    arguments = parser.parse_args()
    if arguments.alone:
        encode_alone(arguments.song, arguments.encoder)
        return
    with tempfile.TemporaryDirectory() as folder:
        song, rate = chords(75), RATE
        if arguments.song:
            song, rate = soundfile.read(arguments.song, stop=75 * 48_000)
        path = Path(folder) / "song.flac"
        soundfile.write(path, song[: 75 * rate], rate)
        print_errors(open_encoder(arguments.encoder), path)
        for minutes in arguments.minutes:
            times = int(np.ceil(minutes * 60 * rate / len(song)))
            long = np.concatenate([song] * times)[: int(minutes * 60 * rate)]
            soundfile.write(path, long, rate)
            command = [sys.executable, __file__, str(path), "--alone"]
            if arguments.encoder:
                command += ["--encoder", arguments.encoder]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
