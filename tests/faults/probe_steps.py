"""Trains as ``train.py`` does, writes what each step saw, and fails where it is told to.

``MERT_SB_TEST_FAULT`` is a kind, a rank and a step: ``kill 1 5``. It happens once for each
output folder.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

from safetensors.torch import save_file

from mert_sb.downstream.base import checksum
from mert_sb.pretraining.brain import Pretraining
from mert_sb.recipe import run

RECIPE = Path(__file__).parents[2] / "recipes" / "pretrain" / "AudioFolder"
RANK = int(os.environ.get("RANK", "0"))
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def due(folder, kind, step):
    """Whether this is the place, and the first time."""
    fault = os.environ.get("MERT_SB_TEST_FAULT", "").split()
    if fault != [kind, str(RANK), str(step)]:
        return False
    try:
        (Path(folder) / "fault").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class Probed(Pretraining):
    """Notes ids, masks and, of all processes together, losses."""

    def _write(self, name, **what):
        path = Path(self.hparams.output_folder) / name
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")

    def fit_batch(self, batch):
        folder = self.hparams.output_folder
        for kind, number in SIGNALS.items():
            if due(folder, kind, self.optimizer_step + 1):
                os.kill(os.getpid(), number)
        masks = {
            item: hashlib.sha1(mask.numpy().tobytes()).hexdigest()
            for item, mask in zip(batch.id, batch.mask.data, strict=True)
        }
        step = self.optimizer_step + 1
        self._write(f"rank{RANK}.jsonl", step=step, masks=masks)
        return super().fit_batch(batch)

    def compute_forward(self, batch, stage):
        if due(self.hparams.output_folder, "raise", self.optimizer_step + 1):
            raise RuntimeError("a fault in a forward")
        return super().compute_forward(batch, stage)

    def report(self, returns=0):
        reading = super().report(returns)
        if RANK == 0:
            for step in reading.steps:
                self._write("steps.jsonl", **step._asdict())
        return reading


def fail_in_loader(train, folder):
    """Let the recipe's reading fail, at the clip that the fault's step says."""
    read, calls = train.read_crop, []

    def read_crop(*arguments):
        calls.append(1)
        if due(folder, "loader", len(calls)):
            raise OSError("a fault in a loader")
        return read(*arguments)

    train.read_crop = read_crop


if __name__ == "__main__":
    sys.path.insert(0, str(RECIPE))
    import train

    place = sys.argv[sys.argv.index("--output_folder") + 1]
    fail_in_loader(train, place)
    brain = run(
        Probed, train.prepare_audiofolder, train.dataio_prep, sys.argv[1:]
    )
    weights = brain.modules.state_dict()
    (Path(place) / f"rank{RANK}.weights").write_text(checksum(weights))
    if RANK == 0:
        save_file(weights, Path(place) / "last.safetensors")
