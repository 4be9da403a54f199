"""Reading crops of FLAC files: how many times real time one worker is.

> python tests/benchmarks/reading.py [--crops 60] [--step 0.9]

The peer decodes the whole file, as the original does, and cuts the crop out of it. The
last column is the share of a training step that is spent waiting for a batch, with one
loader worker beside a step of ``--step`` seconds, which here sleeps: on a machine of two
cores the worker and the step also want the same cores.

Authors
 * The mert_sb developers 2026
"""

import random
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from _paired import compare, parser_of, save_table
from mert_sb.audio.reader import read_crop
from mert_sb.frames import HOP_LENGTH

RATE = 24_000
CROP = 120_400
KINDS = ((30, 44_100, 2), (30, 24_000, 1), (240, 44_100, 2), (240, 24_000, 1))
BATCH = 4


def write_song(path, seconds, rate, n_channels):
    """Chords under noise, which FLAC packs about as well as music."""
    dice = np.random.default_rng(0)
    times = np.arange(seconds * rate) / rate
    chord = sum(
        np.sin(2 * np.pi * pitch * times) * np.exp(-(times % 1.5))
        for pitch in (110, 220, 277.2, 329.6, 440, 1318.5)
    )
    noise = dice.normal(0, 0.01, (len(times), n_channels))
    soundfile.write(path, 0.1 * chord[:, None] + noise, rate)


def starts(seconds, n_crops):
    """Of crops, on frames."""
    dice = random.Random(0)
    last = (seconds * RATE - CROP) // HOP_LENGTH
    return [dice.randint(0, last) * HOP_LENGTH for _ in range(n_crops)]


def cut_from_whole(path, start):
    """Decode everything, mix, resample, cut."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    wav = torch.from_numpy(samples.mean(1))
    wav = torchaudio.functional.resample(wav, rate, RATE)
    return wav[start : start + CROP]


def measure(folder, kind, n_crops):
    """One kind of file."""
    seconds, rate, n_channels = kind
    path = folder / f"{seconds}-{rate}.flac"
    write_song(path, *kind)
    crops = starts(seconds, n_crops)
    record = compare(
        f"crops of 5 s from FLAC of {seconds} s, {rate} Hz, {n_channels} ch",
        lambda: [read_crop(path, start, CROP, RATE) for start in crops],
        # Whole files take long: a few, scaled.
        _scaled_loop(path, crops),
        peer_name="decode all, cut",
        also="one thread",
        rounds=5,
        budget=5,
        packages=["soundfile"],
    )
    taken = record["seconds"]["ours"]["median"] / n_crops
    name = f"{seconds} s, {rate} Hz, {n_channels} ch"
    return path, [name, f"{taken * 1e3:.2f} ms", f"{CROP / RATE / taken:.0f}"]


def _scaled_loop(path, crops):
    """Seconds that whole files would take for all crops, from the first three."""
    cut_from_whole(path, crops[0])
    began = time.perf_counter()
    for start in crops[:3]:
        cut_from_whole(path, start)
    return (time.perf_counter() - began) / 3 * len(crops)


class Crops(torch.utils.data.Dataset):
    """Crops of one file."""

    def __init__(self, path, crops):
        self.path, self.crops = path, crops

    def __len__(self):
        return len(self.crops)

    def __getitem__(self, index):
        return read_crop(self.path, self.crops[index], CROP, RATE)


def waiting(path, step_seconds, n_workers, n_steps=7):
    """Share of steps spent in waiting for the loader, after the first batch."""
    seconds = soundfile.info(path).duration
    crops = Crops(path, starts(int(seconds), BATCH * n_steps))
    loader = torch.utils.data.DataLoader(
        crops, batch_size=BATCH, num_workers=n_workers
    )
    batches, waited, began = iter(loader), 0.0, None
    next(batches)
    began = time.perf_counter()
    for _ in range(n_steps - 1):
        time.sleep(step_seconds)
        start = time.perf_counter()
        next(batches)
        waited += time.perf_counter() - start
    return waited / (time.perf_counter() - began)


def main():
    """Measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--crops", type=int, default=60)
    parser.add_argument("--step", type=float, default=0.9)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # as in a loader worker
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            path, row = measure(Path(folder), kind, arguments.crops)
            rows.append(row)
            share = waiting(path, arguments.step, 1)
            rows[-1].append(f"{share:.2%} of {arguments.step:g} s")
    header = ["file", "a crop", "times real time", "waiting, 1 worker"]
    save_table("Reading FLAC in one worker", header, rows)


if __name__ == "__main__":
    main()
