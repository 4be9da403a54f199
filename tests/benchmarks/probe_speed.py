"""How long one setting of a probe takes on the cache.

> python tests/benchmarks/probe_speed.py [--clips 10000] [--threads 2] [--layers 7 mix]

States of a 95M (13 x 768, float16) are made, ten classes apart by little, and put on a
shelf; no audio is there. Then GTZAN's YAML trains to its end by early stopping: one hidden
layer of 512, batches of 64, a tenth as many clips to validate and to test. Prints seconds
of the whole run, of the CPU, of an epoch, and the epochs.

Authors
 * The mert_sb developers 2026
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from speechbrain.dataio.dataset import DynamicItemDataset

from mert_sb.downstream.base import Setup
from mert_sb.downstream.cache import cache_key
from mert_sb.downstream.cached import CachedClips
from mert_sb.downstream.clip import ClipBrain
from mert_sb.recipe import run
from mert_sb.store import Shelf, ShelfWriter

YAML = Path(__file__).parents[2] / "recipes/downstream/GTZAN/hparams/genre.yaml"
N_STATES, DIM, N_CLASSES, SHARD = 13, 768, 10, 512


def make_rows(folder, n_clips):
    """Rows of each split; all of one file, which nothing reads."""
    wav = folder / "none.wav"
    wav.touch()
    row = {"wav": str(wav), "start": 0, "length": 24_000}
    return {
        split: {
            f"{split}-{index}": row
            | {"track": f"{split}-{index}", "target": index % N_CLASSES}
            for index in range(count)
        }
        for split, count in (
            ("train", n_clips),
            ("valid", n_clips // 10),
            ("test", n_clips // 10),
        )
    }


def write_shelf(folder, splits):
    """States of all rows: noise, and a little of the class."""
    dice = np.random.default_rng(0)
    centers = dice.standard_normal((N_CLASSES, N_STATES, DIM), np.float32)
    writer = ShelfWriter(folder, {"upstream": "made"}, dtype="float16")
    rows = [
        (row | {"id": name})
        for rows in splits.values()
        for name, row in rows.items()
    ]
    for start in range(0, len(rows), SHARD):
        states = {}
        for row in rows[start : start + SHARD]:
            noise = dice.standard_normal((N_STATES, DIM), np.float32)
            states[cache_key(row)] = noise + 0.08 * centers[row["target"]]
        writer.write(f"{start:06d}", states)


def measure(splits, shelf, output, layer, flags):
    """Train one setting: seconds on the clock and of the CPU, epochs, results."""

    def dataio_prep(hparams):
        modules = {
            "mix": hparams["mix"](N_STATES),
            "head": hparams["head"](DIM, N_CLASSES),
        }
        hparams["modules"].update(modules)
        for name, module in modules.items():
            hparams["checkpointer"].add_recoverable(name, module)
        hparams["checkpointer"].add_recoverable("setup", Setup(data="made"))
        hparams["labels"] = None
        # Keys that belong to an upstream, of which there is none.
        hparams.asked |= {"upstream", "upstream_overrides", "cache"}
        hparams.asked |= {"sample_rate", "seed", "prepare"}
        opened = Shelf(shelf)
        return {
            split: CachedClips(
                DynamicItemDataset(rows, output_keys=["id", "track", "target"]),
                opened,
            )
            for split, rows in splits.items()
        }

    arguments = [str(YAML), "--data_folder", "none", "--device", "cpu"]
    arguments += ["--output_folder", str(output), "--layer", str(layer)]
    start, busy = time.perf_counter(), time.process_time()
    brain = run(ClipBrain, lambda **_: None, dataio_prep, [*arguments, *flags])
    seconds = time.perf_counter() - start, time.process_time() - busy
    log = (output / "train_log.txt").read_text(encoding="utf-8")
    return seconds, log.count("train loss"), brain.results


def main():
    """Measure."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layers", nargs="*", default=["7", "mix"])
    arguments, flags = parser.parse_known_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        splits = make_rows(folder, arguments.clips)
        write_shelf(folder / "cache", splits)
        for layer in arguments.layers:
            output = folder / layer
            (seconds, busy), epochs, results = measure(
                splits, folder / "cache", output, layer, flags
            )
            print(
                f"layer {layer}, {arguments.threads} threads: {seconds:.1f} s "
                f"({busy:.1f} s of CPU), {epochs} epochs, "
                f"{seconds / epochs:.2f} s each; "
                f"valid {json.dumps(results['valid'])}, "
                f"test {json.dumps(results['test'])}"
            )


if __name__ == "__main__":
    main()
