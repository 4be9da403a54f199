"""Runs a recipe and kills it in the middle of writing its n-th checkpoint file.

> python die_while_saving.py N train.py hparams/x.yaml ...

Authors
 * The mert_sb developers 2026
"""

import os
import runpy
import signal
import sys
from pathlib import Path

import torch


def deadly(save, count):
    """A ``torch.save`` that writes half of the n-th file, then is killed."""
    left = [count]

    def save_and_die(obj, path, *args, **kwargs):
        save(obj, path, *args, **kwargs)
        left[0] -= 1
        if left[0] == 0:
            whole = Path(path).read_bytes()
            Path(path).write_bytes(whole[: len(whole) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    return save_and_die


if __name__ == "__main__":
    torch.save = deadly(torch.save, int(sys.argv.pop(1)))
    sys.argv.pop(0)
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")
