"""One start of a job, to its end or until it is killed.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import dataclasses
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.faults import die_at_write
from tests.utils.processes import family, living, words
from tests.utils.source_tree import ROOT
from tests.utils.warm import start_script

# Seconds within which a run must end: by itself, after a kill, and all of its processes.
WHOLE, AFTER, ALL = 600, 120, 60


def strike(run, rng):
    """Kill a run: all of its processes, the first, or another one.

    Arguments
    ---------
    run : Started or Forked
        The leader of a session.
    rng : random.Random
        Source of who and how.

    Returns
    -------
    tuple of (str, set of int)
        What was done, and the exit statuses that may come of it, soon; empty: any,
        and it may go on.
    """
    number = rng.choice((signal.SIGKILL, signal.SIGTERM))
    whom = rng.choices(("all", "main", "other"), (5, 3, 2))[0]
    others = sorted(p.pid for p in family(run.pid) if p.pid != run.pid)
    if whom == "other" and others:
        os.kill(rng.choice(others), number)
        return f"{number.name} to another", set()
    if whom == "all":
        os.killpg(run.pid, number)
    else:
        os.kill(run.pid, number)
    # Training that is asked to stop ends well.
    codes = {-number, 0} if number == signal.SIGTERM else {-number}
    return f"{number.name} to {'all' if whom == 'all' else 'main'}", codes


@dataclasses.dataclass
class Job:
    """What is killed.

    Arguments
    ---------
    name : str
        For the report.
    command : list of str
        Python, a script and its arguments; the same at each start.
    folder : pathlib.Path
        Where it writes.
    cwd : pathlib.Path
        Where it runs.
    results : tuple of str
        Patterns of the files in the folder that count.
    given : pathlib.Path, optional
        What the folder holds before the first start.
    code : int
        Exit status of a run that nothing interrupts.
    strike : callable
        See ``strike``.
    """

    name: str
    command: list
    folder: Path
    cwd: Path
    results: tuple
    given: Path | None = None
    code: int = 0
    strike: Callable = strike

    def start(self, write=None):
        """Start the command, once more.

        Arguments
        ---------
        write : tuple of (int, float), optional
            As ``live``.

        Returns
        -------
        Started or Forked
            The run.
        """
        env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = self.command
        if write is not None:
            watched = [die_at_write.__file__, self.folder, *write]
            command = [command[0], *map(str, watched), *command[1:]]
        return start_script(command, cwd=self.cwd, env=env)


class Life(NamedTuple):
    """What became of a start.

    Arguments
    ---------
    struck : str
        How it was killed; empty if it came to its end.
    code : int
        Its exit status.
    printed : str
        All of its output.
    seconds : float
        That it lived since it first touched its folder.
    faults : list of str
        Of its end.
    """

    struck: str
    code: int
    printed: str
    seconds: float
    faults: list


def live(job, rng=None, moment=None, write=None):
    """Start a job; kill it, or let it come to its end.

    Arguments
    ---------
    job : Job
        What to start.
    rng : random.Random, optional
        Source of who is killed and how.
    moment : float, optional
        Seconds of work before it is killed; it is not if this is left out.
    write : tuple of (int, float), optional
        Number of a write, and seconds from there until it is killed; see
        ``tests.faults.die_at_write``.

    Returns
    -------
    Life
        After the end of all of its processes.
    """
    before, run = stamps(job.folder), job.start(write)
    wait(lambda: ended(run) or stamps(job.folder) != before, WHOLE)
    began = time.monotonic()
    wait(lambda: ended(run), WHOLE if moment is None else moment)
    struck, codes, members = "", set(), family(run.pid)
    if moment is not None and not ended(run):
        # It may end by itself just now.
        with contextlib.suppress(ProcessLookupError):
            struck, codes = job.strike(run, rng)
        wait(lambda: ended(run), AFTER if codes else WHOLE)
    seconds = time.monotonic() - began
    faults = [] if ended(run) else [f"did not end in {seconds:.0f} s"]
    faults += see_out(members | family(run.pid))
    printed, _ = run.communicate(timeout=AFTER)
    if write is not None and run.returncode == -signal.SIGALRM:
        struck, codes = "SIGALRM at write {}, {:.5f} s on".format(*write), set()
    if codes and run.returncode == job.code and job.code not in codes:
        # The blow came when its end was decided already.
        struck = ""
    elif codes and run.returncode not in codes:
        tail = printed[-2000:]
        faults.append(f"ended with {run.returncode}, not {codes}: {tail}")
    return Life(struck, run.returncode, printed, seconds, faults)


def see_out(members):
    """Wait for the end of processes, and end those that outlive the run.

    Arguments
    ---------
    members : set of tests.utils.processes.Process
        Of a run that has ended.

    Returns
    -------
    list of str
        Who had to be ended.
    """
    wait(lambda: not living(members), ALL, nap=0.05)
    left = living(members)
    told = [f"outlived by {words(process)}" for process in left]
    for process in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    return told


def ended(run):
    """Whether a run has ended."""
    return run.poll() is not None


def stamps(folder):
    """Times and sizes of what is in a folder, to see that it is touched.

    Arguments
    ---------
    folder : pathlib.Path
        Perhaps not there.

    Returns
    -------
    set of tuple
        One a file or folder.
    """
    found = set()
    for place, _, files in os.walk(folder):
        for path in [place, *(os.path.join(place, name) for name in files)]:
            # It may be gone already.
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(path)
                found.add((path, status.st_mtime_ns, status.st_size))
    return found


def wait(condition, seconds, nap=0.005):
    """Wait until something is so, or so long."""
    until = time.monotonic() + seconds
    while not condition() and (left := until - time.monotonic()) > 0:
        time.sleep(min(nap, left))
