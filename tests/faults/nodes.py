"""Two nodes of a cluster on one machine: network namespaces with host names of their own.

They share the file system, as nodes of a cluster do, and are joined by one cable. Needs root,
``ip`` and ``unshare``.

Authors
 * The mert_sb developers 2026
"""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

NAMES = ("node-a", "node-b")
TOOLS = ("ip", "unshare")
# Enters a namespace's host name, then becomes the command.
ENTER = 'echo "$0" > /proc/sys/kernel/hostname; exec "$@"'


def ip(*arguments):
    """Run ``ip``.

    Arguments
    ---------
    *arguments : str
        Its own.

    Returns
    -------
    str
        What it printed.
    """
    done = subprocess.run(
        ["ip", *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout


class Nodes:
    """Two nodes, while it is entered.

    Raises
    ------
    OSError or subprocess.CalledProcessError
        Where namespaces are not allowed.
    """

    def __init__(self):
        mark = os.getpid() % 50_000
        self.spaces = [f"mert{mark}{letter}" for letter in "ab"]
        self.cables = [f"veth{mark}{letter}" for letter in "ab"]
        subnet = f"10.{213}.{mark % 250}"
        self.addresses = [f"{subnet}.{index}" for index in (1, 2)]
        self.hosts = [Path("/etc/netns") / name for name in self.spaces]

    def __enter__(self):
        try:
            self._make()
        except (OSError, subprocess.CalledProcessError):
            self.__exit__()
            raise
        return self

    def _make(self):
        known = "".join(
            f"{address} {name}\n"
            for address, name in zip(self.addresses, NAMES, strict=True)
        )
        for space, folder in zip(self.spaces, self.hosts, strict=True):
            ip("netns", "add", space)
            folder.mkdir(parents=True)
            (folder / "hosts").write_text(f"127.0.0.1 localhost\n{known}")
        a, b = self.cables
        ip("link", "add", a, "type", "veth", "peer", "name", b)
        for space, cable, address in zip(
            self.spaces, self.cables, self.addresses, strict=True
        ):
            ip("link", "set", cable, "netns", space)
            ip("-n", space, "address", "add", f"{address}/24", "dev", cable)
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", cable, "up")
        for index in range(2):
            check = self.inside(index, ["true"])
            subprocess.run(check, check=True, capture_output=True)

    def __exit__(self, *failure):
        for index, space in enumerate(self.spaces):
            self.kill(index)
            subprocess.run(["ip", "netns", "del", space], capture_output=True)
        for folder in self.hosts:
            (folder / "hosts").unlink(missing_ok=True)
            if folder.is_dir():
                folder.rmdir()

    def inside(self, index, arguments):
        """A command as a node runs it.

        Arguments
        ---------
        index : int
            Of the node.
        arguments : list of str
            Program and arguments.

        Returns
        -------
        list of str
            Program and arguments.
        """
        enter = ["ip", "netns", "exec", self.spaces[index], "unshare", "--uts"]
        return [*enter, "sh", "-c", ENTER, NAMES[index], *arguments]

    def environment(self):
        """What tells a script of these nodes.

        Returns
        -------
        dict of str to str
            For ``fake_slurm.py``.
        """
        return {"FAKE_SLURM_SPACES": " ".join(self.spaces)}

    def cable(self, index, state):
        """Plug a node's cable in, or pull it.

        Arguments
        ---------
        index : int
            Of the node.
        state : str
            ``up`` or ``down``.
        """
        ip("-n", self.spaces[index], "link", "set", self.cables[index], state)

    def processes(self, index):
        """Processes of a node.

        Arguments
        ---------
        index : int
            Of the node.

        Returns
        -------
        list of int
            Their ids.
        """
        done = subprocess.run(
            ["ip", "netns", "pids", self.spaces[index]],
            capture_output=True,
            text=True,
        )
        return [int(pid) for pid in done.stdout.split()]

    def kill(self, index, number=signal.SIGKILL):
        """Send a signal to all processes of a node.

        Arguments
        ---------
        index : int
            Of the node.
        number : signal.Signals
            The signal.
        """
        for pid in self.processes(index):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def two_nodes():
    """Two nodes for a fixture, or a reason to skip.

    Yields
    ------
    Nodes
        Entered.
    """
    try:
        made = Nodes().__enter__()
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "")
        pytest.skip(f"network namespaces are not allowed: {error} {said}")
    try:
        yield made
    finally:
        made.__exit__()


def begin(arguments, log, **options):
    """Start a command that writes into a file: a pipe that nobody reads would stop it.

    Arguments
    ---------
    arguments : list of str
        Program and arguments.
    log : pathlib.Path
        The file.
    **options : dict
        ``cwd`` and ``env``.

    Returns
    -------
    tuple of (subprocess.Popen, pathlib.Path)
        The run and its file.
    """
    with open(log, "w", encoding="utf-8") as file:
        run = subprocess.Popen(
            arguments,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
    return run, log


def await_all(runs, seconds):
    """Wait for runs, with a time limit for all of them.

    Arguments
    ---------
    runs : list of (subprocess.Popen, pathlib.Path)
        From ``begin``.
    seconds : float
        Limit.

    Returns
    -------
    list of (int, str)
        Exit status, None where it still ran, and what was printed.
    """
    deadline, results = time.monotonic() + seconds, []
    for run, log in runs:
        try:
            code = run.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = None
        results.append((code, log.read_text(errors="replace")))
    return results
