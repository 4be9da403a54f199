"""What a batch script uses of Slurm, for two nodes of one task each.

``srun`` starts the command on each node and returns the highest exit status; ``scontrol``
lists the nodes, and adds what else it was told to the file ``FAKE_SLURM_NOTES``.

> python fake_slurm.py srun --wait=60 command ...

Authors
 * The mert_sb developers 2026
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.faults.nodes import NAMES, Nodes


def srun(arguments):
    """Start tasks, wait for them."""
    while arguments[0].startswith("-"):
        arguments = arguments[1:]
    nodes = Nodes()
    nodes.spaces = os.environ["FAKE_SLURM_SPACES"].split()
    tasks = []
    for index in range(len(NAMES)):
        given = {
            "SLURM_PROCID": str(index),
            "SLURM_LOCALID": "0",
            "SLURM_NODEID": str(index),
        }
        tasks.append(
            subprocess.Popen(
                nodes.inside(index, arguments), env={**os.environ, **given}
            )
        )
    # As Slurm counts those that a signal ended.
    codes = [task.wait() for task in tasks]
    return max(code if code >= 0 else 128 - code for code in codes)


def scontrol(arguments):
    """The nodes' names, or a note of a job to be queued again."""
    if arguments[:2] == ["show", "hostnames"]:
        print("\n".join(NAMES))
    else:
        notes = os.environ["FAKE_SLURM_NOTES"]
        with open(notes, "a", encoding="utf-8") as file:
            file.write(" ".join(arguments) + "\n")
    return 0


def install(folder):
    """Programs of these names.

    Arguments
    ---------
    folder : pathlib.Path
        Gets ``srun``, ``scontrol`` and ``python``.

    Returns
    -------
    pathlib.Path
        The same.
    """
    folder.mkdir()
    for name in ("srun", "scontrol"):
        text = f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {name} "$@"\n'
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    text = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
    (folder / "python").write_text(text)
    (folder / "python").chmod(0o755)
    return Path(folder)


if __name__ == "__main__":
    program = {"srun": srun, "scontrol": scontrol}[sys.argv[1]]
    sys.exit(program(sys.argv[2:]))
