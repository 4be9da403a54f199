"""A Brain whose training is made to diverge, and the process that runs it.

> torchrun ... diverging.py hparams/cpu.yaml ...

As a script each process writes what it ended with; the learning rate is a hundred times
too high from step 20 on, until training has returned to a checkpoint.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import importlib.util
import json
import sys
from functools import partial
from pathlib import Path

import torch

from mert_sb.pretraining.brain import Pretraining
from mert_sb.recipe import run

RECIPE = Path(__file__).parents[2] / "recipes" / "pretrain" / "AudioFolder"


class Burst:
    """A schedule that is a hundred times too high in a window of steps.

    Arguments
    ---------
    schedule : LinearWarmupScheduler
        The recipe's.
    recovery : Recovery
        Knows how often training has returned.
    window : range
        Steps.
    returns : int
        Training that returned so often is left in peace.
    """

    def __init__(self, schedule, recovery, window, returns):
        self.schedule = schedule
        self.recovery = recovery
        self.window = window
        self.returns = returns

    def calculate_lr(self, step):
        """The recipe's rate, or a hundred times that."""
        burst = step in self.window and self.recovery.returns < self.returns
        return self.schedule.calculate_lr(step) * (100 if burst else 1)


class Diverging(Pretraining):
    """Notes what it sees; diverges."""

    window, returns = range(20, 31), 1

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = []
        self.began = {}  # by epoch
        self.hparams.lr_schedule = Burst(
            self.hparams.lr_schedule, self.recovery, self.window, self.returns
        )

    def fit_batch(self, batch):
        place = self.hparams.epoch_counter.current, self.step, list(batch.id)
        self.seen.append(place)
        loss = super().fit_batch(batch)
        self.began.setdefault(place[0], set()).add(self.epoch_began)
        return loss


class Watched(Diverging):
    """Compares itself, just returned, with the checkpoint's files."""

    def start_anew(self):
        folder = self.recovery.newest_good(self.checkpointer).path
        load = partial(torch.load, weights_only=True)
        saved = load(folder / "student.ckpt")
        ours = self.hparams.student.state_dict()
        moments = load(folder / "optimizer.ckpt")["state"]
        self.back = {
            "step": self.optimizer_step,
            "student": all(torch.equal(saved[k], ours[k]) for k in ours),
            "moments": all(
                torch.equal(moments[key][name], value)
                for key, state in self.optimizer.state_dict()["state"].items()
                for name, value in state.items()
                if name != "step"
            ),
            "dice": torch.equal(
                load(folder / "dice.ckpt")["default"],
                torch.random.get_rng_state(),
            ),
        }
        super().start_anew()
        newest = self.checkpointer.find_checkpoint()
        self.back["saved"] = newest.path != folder and newest.meta["step"]


def recipe():
    """The recipe's script as a module."""
    if str(RECIPE) not in sys.path:
        sys.path.insert(0, str(RECIPE))
    spec = importlib.util.spec_from_file_location(
        "audiofolder_train", RECIPE / "train.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(brain):
    """Write this process's part."""
    weights = torch.cat(
        [p.detach().flatten() for p in brain.modules.parameters()]
    )
    text = {
        "weights": hashlib.sha1(weights.numpy().tobytes()).hexdigest(),
        "finite": bool(torch.isfinite(weights).all()),
        "returns": brain.recovery.returns,
        "steps": brain.optimizer_step,
        "batches": len(brain.seen),
    }
    name = f"rank{torch.distributed.get_rank()}.json"
    path = Path(brain.hparams.output_folder) / name
    path.write_text(json.dumps(text))


def main(arguments):
    """Train, report, and let go of what the Brain held."""
    train = recipe()
    report(
        run(Diverging, train.prepare_audiofolder, train.dataio_prep, arguments)
    )


if __name__ == "__main__":
    main(sys.argv[1:])
    # Left to the interpreter's end, threads of it may abort a run that is done.
    torch.distributed.destroy_process_group()
