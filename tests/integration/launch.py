"""Starting the AudioFolder recipe in small, for tests of whole runs.

Authors
 * The mert_sb developers 2026
"""

import os
import signal
import subprocess
import sys
import time

from tests.utils.recipe_tests import ROOT
from tests.utils.warm import start_script

RECIPE = ROOT / "recipes" / "pretrain" / "AudioFolder"
FLAGS = {
    "crop_frames": 74,
    "embed_dim": 32,
    "batch_size": 4,
    "warmup_steps": 2,
    "codebook_size": 16,
    "n_codebooks": 2,
    "n_cqt_bins": 84,
    "number_of_epochs": 3,
    "log_interval": 1,
    "ckpt_interval_minutes": 0,
    "ckpt_interval_steps": 2,
    "device": "cpu",
    "lr": 0.002,
    # All that draws, so that a run that goes on must draw alike.
    "student": "{conv_channels: 16, ffn_dim: 64, num_heads: 2, num_layers: 2, "
    "position_kernel: 8, position_groups: 4, layerdrop: 0.2, dropout: 0.1, "
    "attention_dropout: 0.1, input_dropout: 0.1, feature_extractor_cqt: 84}",
    "mixture": "{probability: 0.5, min_length: 1000, max_length: 2000}",
    "teachers": "{cqt: {bins_per_octave: 12}}",
    "fits": "{mel_rvq: {n_mels: 32, n_iterations: 3}}",
    "prepare": "{min_seconds: 1.0, segment_seconds: 2.0, valid_share: 0.2, "
    "n_workers: 1}",
    "train_dataloader_opts": "{num_workers: 0}",
    "valid_dataloader_opts": "{num_workers: 0}",
}


def command(script, data_folder, output, *, processes=1, **flags):
    """Command line of a small run.

    Arguments
    ---------
    script : str or pathlib.Path
        In the recipe's folder, or a path.
    data_folder : str or pathlib.Path
        The music.
    output : str or pathlib.Path
        Output folder.
    processes : int
        More than one runs under torchrun.
    **flags : dict
        In place of or beside ``FLAGS``.

    Returns
    -------
    list of str
        Program and arguments.
    """
    program = [sys.executable]
    if processes > 1:
        program += ["-m", "torch.distributed.run", "--standalone"]
        program += [f"--nproc-per-node={processes}"]
        flags["distributed_backend"] = "gloo"
    flags = {
        "data_folder": data_folder,
        "output_folder": output,
        **FLAGS,
        **flags,
    }
    given = [
        part
        for key, value in flags.items()
        for part in (f"--{key}", str(value))
    ]
    yaml = str(RECIPE / "hparams" / "cpu.yaml")
    return [*program, str(RECIPE / script), yaml, "--noprogressbar", *given]


def start(arguments, fresh=False):
    """Start a run in its own process group.

    Arguments
    ---------
    arguments : list of str
        From ``command``.
    fresh : bool
        Start Python for it; else see ``warm.py``.

    Returns
    -------
    Started or Forked
        The run.
    """
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return start_script(arguments, cwd=RECIPE, env=env, fresh=fresh)


def finish(arguments, code=0, fresh=False):
    """Run to the end.

    Arguments
    ---------
    arguments : list of str
        From ``command``.
    code : int
        Exit status that must result.
    fresh : bool
        See ``start``.

    Returns
    -------
    str
        Everything that was printed.
    """
    run = start(arguments, fresh)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == code, output
    return output


def kill_when(arguments, condition, fresh=False):
    """Start a run and kill it, with all its processes, once something is so.

    Arguments
    ---------
    arguments : list of str
        From ``command``.
    condition : callable
        Asked again and again.
    fresh : bool
        See ``start``.
    """
    run = start(arguments, fresh)
    deadline = time.monotonic() + 200
    while not condition() and time.monotonic() < deadline:
        if run.poll() is not None:
            raise AssertionError(run.communicate()[0])
        time.sleep(0.005)
    # torchrun's workers lead sessions of their own.
    for pid in [*descendants(run.pid), run.pid]:
        os.kill(pid, signal.SIGKILL)
    printed, _ = run.communicate()
    assert time.monotonic() < deadline, printed


def descendants(pid):
    """Processes started by a process, and by those.

    Arguments
    ---------
    pid : int
        The process.

    Returns
    -------
    list of int
        Their ids, youngest first.
    """
    listing = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="],
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = [map(int, line.split()) for line in listing.stdout.splitlines()]
    children = {}
    for child, parent in pairs:
        children.setdefault(parent, []).append(child)
    found = []
    waiting = [pid]
    while waiting:
        more = children.get(waiting.pop(), [])
        found += more
        waiting += more
    return found[::-1]
