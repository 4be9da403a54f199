"""Shelves and manifests of up to 2.4 million tracks; shelves against text label files.

> python tests/benchmarks/stores.py [--tracks 24000 240000 2400000]

Each shelf and manifest is opened in a process of its own: seconds, private memory, and
microseconds a lookup of keys drawn at random, the second time they are asked for (the
first, the disk is in it). The peer is a text file a track, a line a codebook, of the
same numbers, as the original's labels are.

Authors
 * The mert_sb developers 2026
"""

import concurrent.futures
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from _machine import MIB, forget_peak, resident_peak
from _paired import compare, parser_of, save_table
from mert_sb.audio.rows import make_row
from mert_sb.store import Shelf, ShelfWriter

SHARD = 256  # as extract_targets.py writes
LOOKUPS = 5_000
FRAMES = 2_250  # 30 s
CODEBOOKS = 8
TEXTS = 200


def key_of(number):
    """Of a track."""
    return f"folder{number % 1000:03d}/track_{number:08d}.mp3"


def write_shelf(folder, n_tracks):
    """Short arrays: their length makes no difference to looking up."""
    writer = ShelfWriter(folder, {"teacher": "none"}, dtype="uint16")
    codes = np.zeros((2, CODEBOOKS), np.uint16)
    for start in range(0, n_tracks, SHARD):
        stop = min(start + SHARD, n_tracks)
        shard = {key_of(number): codes for number in range(start, stop)}
        writer.write(f"{start:09d}", shard)


def write_manifest(path, n_tracks):
    """Row by row: one text of 2.4 million takes gigabytes."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(n_tracks):
            row = make_row(key_of(number), 0, 5_760_000, 24_000)
            head = ",\n" if number else "{"
            file.write(f"{head}{json.dumps(key_of(number))}: {json.dumps(row)}")
        file.write("}\n")


def private_mebibytes():
    """Memory that no other process shares (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024 / MIB


def open_shelf(folder, n_tracks):
    """Row of the table."""
    before = private_mebibytes()
    forget_peak()
    start = time.perf_counter()
    shelf = Shelf(folder)
    opened = time.perf_counter() - start
    peak = resident_peak()
    dice = np.random.default_rng(0)
    keys = [key_of(n) for n in dice.integers(0, n_tracks, LOOKUPS)]
    times = []
    for _ in range(3):
        start = time.perf_counter()
        for key in keys:
            shelf[key]
        times.append((time.perf_counter() - start) / LOOKUPS * 1e6)
    private = private_mebibytes()
    memory = [f"{private - before:.0f}", f"{private:.0f}", f"{peak:.0f}"]
    return [f"{opened:.2f}", *memory, f"{times[-1]:.1f}", f"{times[0]:.0f}"]


def open_manifest(path, n_tracks):
    """Row of the table."""
    from speechbrain.dataio.dataset import DynamicItemDataset

    before = private_mebibytes()
    forget_peak()
    start = time.perf_counter()
    rows = DynamicItemDataset.from_json(path, {"data_root": "/data"})
    opened = time.perf_counter() - start
    peak = resident_peak()
    dice = np.random.default_rng(0)
    indices = dice.integers(0, n_tracks, LOOKUPS).tolist()
    start = time.perf_counter()
    for index in indices:
        rows[index]
    each = (time.perf_counter() - start) / LOOKUPS * 1e6
    private = private_mebibytes()
    memory = [f"{private - before:.0f}", f"{private:.0f}", f"{peak:.0f}"]
    return [f"{opened:.2f}", *memory, f"{each:.1f}", ""]


def alone(work, *arguments):
    """In a fresh process."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        return pool.submit(work, *arguments).result()


def compare_with_texts(folder):
    """Crops of codes from a shelf and from text files."""
    dice = np.random.default_rng(0)
    codes = {
        str(number): dice.integers(0, 1024, (FRAMES, CODEBOOKS))
        for number in range(TEXTS)
    }
    ShelfWriter(folder / "full", {}, dtype="uint16").write("0", codes)
    for name, values in codes.items():
        np.savetxt(folder / f"{name}.txt", values.T, fmt="%d")
    shelf = Shelf(folder / "full")

    def from_shelf():
        return [shelf[name][100:476].astype(np.int64) for name in codes]

    def from_texts():
        return [read_text(folder / f"{name}.txt")[100:476] for name in codes]

    for ours, theirs in zip(from_shelf(), from_texts(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    compare(
        f"codes of {TEXTS} crops of 5 s",
        from_shelf,
        from_texts,
        peer_name="text files of 30 s",
        also=f"{CODEBOOKS} codebooks, equal",
    )


def read_text(path):
    """Codes of a track, ``(T, K)``."""
    lines = path.read_text().splitlines()
    return np.array([[int(code) for code in line.split()] for line in lines]).T


def main():
    """Measure."""
    parser = parser_of(__doc__)
    parser.add_argument(
        "--tracks", type=int, nargs="+", default=[24_000, 240_000, 2_400_000]
    )
    arguments = parser.parse_args()
    # A shard is synchronised, which takes minutes for all; here nothing is kept.
    os.fsync = lambda file: None
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare_with_texts(folder)
        for n_tracks in arguments.tracks:
            shelf, manifest = folder / str(n_tracks), folder / "rows.json"
            write_shelf(shelf, n_tracks)
            found = alone(open_shelf, shelf, n_tracks)
            rows.append(["shelf", f"{n_tracks:,}", *found])
            write_manifest(manifest, n_tracks)
            found = alone(open_manifest, manifest, n_tracks)
            rows.append(["manifest", f"{n_tracks:,}", *found])
    titles = ["tracks", "opens in s", "MiB of it", "MiB a process", "peak MiB"]
    titles += ["µs a lookup", "the first time"]
    save_table("Shelves and manifests by size", ["", *titles], rows)


if __name__ == "__main__":
    main()
