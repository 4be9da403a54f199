"""Jobs whose disk fills up at one write after another, and what must still hold.

A job is run with so much room; where that is too little it must end with an error that
names a file and says that no space is left, and leave nothing that is half. Then there is
room again, and the same command must come to what a run leaves that always had it.

Authors
 * The mert_sb developers 2026
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import safe_open

from mert_sb.checkpoints import MARKER
from tests.utils.recipe_tests import ROOT
from tests.utils.small_disk import PAGE
from tests.utils.warm import start_script

# Bytes of a disk that is large enough for each job.
SIZE = 48 * 2**20
SECONDS = 300
SAID = "[Errno 28] No space left on device; make room"
ENDINGS = ("mert_sb.writing.NoRoomError: ", "mert-sb: ")
UNFINISHED = (".part", ".tmp")


class Job(NamedTuple):
    """What is run.

    Arguments
    ---------
    name : str
        For reports.
    arguments : list of str
        The command; it writes into ``folder`` alone.
    folder : pathlib.Path
        On the small disk.
    cwd : pathlib.Path
        Where it runs.
    results : tuple of str
        Patterns, relative to the folder, of what must be the same byte for byte.
    given : pathlib.Path or None
        What the folder has at first.
    """

    name: str
    arguments: list
    folder: Path
    cwd: Path
    results: tuple
    given: Path | None = None


def run(job):
    """Run it to its end.

    Arguments
    ---------
    job : Job
        What.

    Returns
    -------
    tuple of (int, str)
        Exit status, and what was printed.
    """
    env = {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    started = start_script(
        [sys.executable, *map(str, job.arguments)],
        cwd=job.cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": "/root", **env},
    )
    try:
        printed, _ = started.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        started.kill()
        printed, _ = started.communicate()
        return -1, f"{printed}\nover {SECONDS} s"
    return started.returncode, printed


def begin(disk, job):
    """Put the folder into its first state, with room."""
    disk.clear()
    if job.given is not None:
        shutil.copytree(job.given, job.folder)


def found(job):
    """Contents of its results by name."""
    return {
        path.relative_to(job.folder).as_posix(): path.read_bytes()
        for pattern in job.results
        for path in job.folder.glob(pattern)
        if path.is_file()
    }


def whole_run(disk, job):
    """Results of a run with room, and the bytes that it took.

    Arguments
    ---------
    disk : tests.utils.small_disk.SmallDisk
        Of ``SIZE``.
    job : Job
        What.

    Returns
    -------
    tuple of (dict of str to bytes, int)
        By name; bytes at its end.
    """
    begin(disk, job)
    before = disk.free
    code, printed = run(job)
    assert code == 0, printed[-4_000:]
    results = found(job)
    assert results, f"{job.results} are not in {job.folder}"
    return results, before - disk.free


def rooms(most, count):
    """So many amounts of room from none up, closer where they are small.

    Arguments
    ---------
    most : int
        Bytes that a whole run leaves.
    count : int
        How many amounts.

    Returns
    -------
    list of int
        Whole pages.
    """
    shares = [(number / count) ** 2 for number in range(count)]
    return [int(most * share) // PAGE * PAGE for share in shares]


def try_room(disk, job, room, results):
    """Run with so much room, then with enough.

    Arguments
    ---------
    disk : tests.utils.small_disk.SmallDisk
        Of ``SIZE``.
    job : Job
        What.
    room : int
        Bytes.
    results : dict of str to bytes
        Of ``whole_run``.

    Returns
    -------
    tuple of (bool, list of str)
        Whether it had too little room; what was lost.
    """
    begin(disk, job)
    disk.leave(room)
    code, printed = run(job)
    short = code != 0
    lost = failed(job, code, printed, results) if short else []
    disk.widen()
    if short:
        code, printed = run(job)
        if code:
            lost.append(f"does not go on: {code}: {printed[-2_000:]}")
    if not code and (wrong := different(found(job), results)):
        lost.append(f"another result: {wrong}")
    return short, [f"{job.name}, {room} bytes: {text}" for text in lost]


def failed(job, code, printed, results):
    """What a run without room did wrong.

    Arguments
    ---------
    job : Job
        What.
    code : int
        Exit status.
    printed : str
        By the run.
    results : dict of str to bytes
        Of ``whole_run``.

    Returns
    -------
    list of str
        Empty if all is as it should be.
    """
    lost = []
    ends = [line for line in printed.splitlines() if line.startswith(ENDINGS)]
    if code not in (1, 2) or not ends:
        lost.append(f"ended with {code}: {printed[-1_500:]}")
    elif SAID not in ends[-1] or str(job.folder.parent) not in ends[-1]:
        lost.append(f"said {ends[-1]}")
    if not job.folder.exists():
        return lost
    if there := [name for name in names(job.folder) if is_unfinished(name)]:
        lost.append(f"left {there}")
    for path in job.folder.rglob("CKPT*/CKPT.yaml"):
        if not (path.parent / MARKER).exists():
            lost.append(f"left {path.parent}")
    there = found(job)
    wrong = [name for name in there if there[name] != results.get(name)]
    if wrong:
        lost.append(f"half or other files: {wrong}")
    return lost + unreadable(job.folder)


def names(folder):
    """All that is below a folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*")]


def is_unfinished(name):
    """Whether a file is one that a run writes aside."""
    last = name.rpartition("/")[2]
    return last.startswith(".") or last.endswith(UNFINISHED)


def different(there, results):
    """Names of what is not there, or not the same."""
    return sorted(
        name
        for name in there.keys() | results.keys()
        if there.get(name) != results.get(name)
    )


def unreadable(folder):
    """Files under their final names that cannot be read to their end."""
    lost = []
    for path in sorted(folder.rglob("*")):
        try:
            read_whole(path)
        except (OSError, ValueError, RuntimeError, EOFError) as error:
            lost.append(f"unreadable: {path}: {error}")
    return lost


def read_whole(path):
    """Read a file as what its name says, if that is known."""
    if path.suffix == ".ckpt":
        # Those of a checkpoint are of torch, or JSON, or text.
        head = path.read_bytes()[:2]
        if head == b"PK":
            torch.load(path, weights_only=True)
        elif head[:1] == b"{":
            json.loads(path.read_text())
        elif not head:
            raise ValueError("empty")
    elif path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            for name in file.keys():
                file.get_tensor(name)
    elif path.suffix in (".npy", ".npz"):
        read = np.load(path)
        if path.suffix == ".npz":
            for name in read:
                read[name]
    elif path.name == "train_log.txt":
        for line in path.read_text().splitlines(keepends=True):
            if not (line.startswith("Epoch") and line.endswith("\n")):
                raise ValueError(f"a torn line: {line!r}")
