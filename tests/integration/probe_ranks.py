"""Trains as ``train.py`` does and writes what each process drew and ended with.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import json
import sys
from pathlib import Path

import torch

from mert_sb.pretraining.brain import Pretraining
from mert_sb.recipe import run

RECIPE = Path(__file__).parents[2] / "recipes" / "pretrain" / "AudioFolder"


class Watched(Pretraining):
    """Notes ids, masks and the number of steps."""

    seen = []

    def fit_batch(self, batch):
        digest = hashlib.sha1(batch.mask.data.numpy().tobytes()).hexdigest()
        self.seen.append([list(batch.id), digest])
        return super().fit_batch(batch)


def report(brain):
    """Write this process's part."""
    weights = torch.cat(
        [p.detach().flatten() for p in brain.modules.parameters()]
    )
    text = {
        "seen": brain.seen,
        "weights": hashlib.sha1(weights.numpy().tobytes()).hexdigest(),
        "finite": bool(torch.isfinite(weights).all()),
        "steps": brain.optimizer_step,
    }
    name = f"rank{torch.distributed.get_rank()}.json"
    path = Path(brain.hparams.output_folder) / name
    path.write_text(json.dumps(text))


if __name__ == "__main__":
    sys.path.insert(0, str(RECIPE))
    from train import dataio_prep, prepare_audiofolder

    report(run(Watched, prepare_audiofolder, dataio_prep, sys.argv[1:]))
