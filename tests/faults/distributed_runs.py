"""Runs of several processes: started, awaited with a time limit, read.

Authors
 * The mert_sb developers 2026
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import ChainMap
from pathlib import Path

from safetensors.torch import load_file

from tests.integration.launch import FLAGS, command, descendants, start

PROBE = str(Path(__file__).parent / "probe_steps.py")
# What draws from the processes' own dice is left out, so that only the clips' dice are used.
STUDENT = (
    FLAGS["student"]
    .replace("layerdrop: 0.2", "layerdrop: 0.0")
    .replace("dropout: 0.1", "dropout: 0.0")
)
EXACT = {
    "student": STUDENT,
    "mixture": "{probability: 0.0}",
    # AdamW, the paper's; Muon turns matrices in bfloat16.
    "opt_class": "{matrix_lr: 0.0}",
    "distributed_backend": "gloo",
}


def prepared_copy(prepared, folder):
    """An output folder that need not examine files nor fit MelRVQ again.

    Arguments
    ---------
    prepared : pathlib.Path
        An output folder of the same music.
    folder : pathlib.Path
        Gets ``run``.

    Returns
    -------
    pathlib.Path
        ``run``.
    """
    (folder / "run" / "save").mkdir(parents=True)
    for name in ("mel_rvq.safetensors", "prepare.jsonl"):
        shutil.copy(prepared / "save" / name, folder / "run" / "save")
    return folder / "run"


def tells_of_waiting(printed):
    """Whether a process said that another did not answer in time.

    Arguments
    ---------
    printed : str
        What it printed; gloo has two ways of saying it.

    Returns
    -------
    bool
        True if it did.
    """
    ways = ("Timed out waiting", "timeout caused pair closure")
    return any(way in printed for way in ways)


def torchrun(arguments, processes, *options):
    """The same command under torchrun.

    Arguments
    ---------
    arguments : list of str
        From ``command`` of one process.
    processes : int
        On this machine.
    *options : str
        Of torchrun; none: a single machine's.

    Returns
    -------
    list of str
        Program and arguments.
    """
    options = options or ("--standalone",)
    program = [sys.executable, "-m", "torch.distributed.run", *options]
    return [*program, f"--nproc-per-node={processes}", *arguments[1:]]


def probe(music, output, processes, *options, **flags):
    """Command line of a watched run on a number of processes.

    Arguments
    ---------
    music, output : pathlib.Path
        Folders.
    processes : int
        Under torchrun, one too: the order of clips is then the same.
    *options : str
        Of torchrun.
    **flags : dict
        Beside or instead of ``EXACT``.

    Returns
    -------
    list of str
        Program and arguments.
    """
    arguments = command(PROBE, music, output, **EXACT | flags)
    return torchrun(arguments, processes, *options)


def await_end(arguments, seconds, code=None):
    """Run to the end, which must come in time.

    Arguments
    ---------
    arguments : list of str
        Program and arguments.
    seconds : float
        Limit.
    code : int, optional
        Exit status that must result; None: any but 0.

    Returns
    -------
    str
        Everything that was printed.
    """
    run = start(arguments, fresh=True)
    try:
        printed, _ = run.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        end_all(run)
        raise
    if code is None:
        assert run.returncode != 0, printed
    else:
        assert run.returncode == code, printed
    return printed


def end_all(run):
    """Kill a run and everything it has started.

    Arguments
    ---------
    run : subprocess.Popen
        The run.
    """
    for pid in [*descendants(run.pid), run.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    run.communicate()


def left(run_folder):
    """Processes that still work for an output folder.

    Arguments
    ---------
    run_folder : pathlib.Path
        Named in their command lines.

    Returns
    -------
    list of int
        Their ids.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(run_folder).encode() in text and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def none_left(run_folder, seconds=20):
    """Whether all processes of an output folder end soon.

    Arguments
    ---------
    run_folder : pathlib.Path
        Named in their command lines.
    seconds : float
        Limit.

    Returns
    -------
    bool
        False if one still lives then.
    """
    deadline = time.monotonic() + seconds
    while left(run_folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not left(run_folder)


def lines(path):
    """A file of lines of JSON.

    Arguments
    ---------
    path : pathlib.Path
        The file.

    Returns
    -------
    list of dict
        Its lines.
    """
    return [json.loads(line) for line in path.read_text().splitlines()]


def steps(output):
    """Losses and clips of all processes, by step.

    Arguments
    ---------
    output : pathlib.Path
        Of a watched run.

    Returns
    -------
    dict of int to (float, list of str)
        Clips are sorted.
    """
    return {
        line["number"]: (line["loss"], sorted(line["ids"]))
        for line in lines(output / "steps.jsonl")
    }


def masks(output, rank, micro=0):
    """Digests of a process's masks, by step.

    Arguments
    ---------
    output : pathlib.Path
        Of a watched run.
    rank : int
        The process.
    micro : int
        Micro-batches a step: what an epoch left over before them, and no step took, is
        left out. 0: all.

    Returns
    -------
    dict of int to (dict of str to str)
        By step and clip.
    """
    found = {}
    for line in lines(output / f"rank{rank}.jsonl"):
        found.setdefault(line["step"], []).append(line["masks"])
    return {k: dict(ChainMap(*parts[-micro:])) for k, parts in found.items()}


def distance(first, second, begin=None):
    """Relative distance of two runs' last weights.

    Arguments
    ---------
    first, second : pathlib.Path
        Output folders.
    begin : pathlib.Path, optional
        Of a run of no step: the distance is then relative to what was learned.

    Returns
    -------
    float
        Norm of the difference over the norm.
    """
    states = [
        load_file(folder / "last.safetensors")
        for folder in (first, second, begin or first)
    ]
    gone = sum(
        (states[0][key].double() - states[1][key].double()).pow(2).sum()
        for key in states[0]
    )
    if begin is None:
        whole = sum(w.double().pow(2).sum() for w in states[0].values())
    else:
        whole = sum(
            (states[0][key].double() - states[2][key].double()).pow(2).sum()
            for key in states[0]
        )
    return float((gone / whole).sqrt())
