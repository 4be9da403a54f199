"""Readers that meet damaged files, each case in a child process with limits.

A case is lost if the reader raises what its documentation does not name, if the error
does not name the file, if it takes too long or too much memory, or if it ends the
process. The child goes through many cases; where it ends before the last, the case that
it was at is lost, and another child goes on behind it.

Authors
 * The mert_sb developers 2026
"""

import faulthandler
import multiprocessing
import os
import resource
import shutil
import signal
import sys
from typing import NamedTuple

import numpy as np
import torch

from tests.faults.report import note

SECONDS = 60
MEGABYTES = 600
# More than these are not told.
MOST_TOLD = 10


class Reader(NamedTuple):
    """A reader, and how its files are made.

    Arguments
    ---------
    name : str
        For the report.
    spoil : callable
        Of a generator and an empty folder; writes a damaged file or several, and
        returns what the reader is given.
    read : callable
        Of that.
    documented : tuple of type
        What it may raise.
    megabytes : int
        It may take so much more than there was.
    """

    name: str
    spoil: callable
    read: callable
    documented: tuple
    megabytes: int = MEGABYTES


def assert_none_lost(reader, n_cases, folder, seed=0):
    """Go through cases, and complain about those that are lost.

    Arguments
    ---------
    reader : Reader
        What is tried.
    n_cases : int
        How often.
    folder : pathlib.Path
        For files.
    seed : int
        Of all cases.
    """
    lost = fuzz(reader, n_cases, folder, seed)
    note(f"fuzz: {reader.name}", n_cases, len(lost))
    told = "\n".join(f"{key}: {value}" for key, value in lost.items())
    assert not lost, f"{len(lost)} of {n_cases} lost\n{told[:20_000]}"


def fuzz(reader, n_cases, folder, seed=0):
    """Lost cases and why, by their number."""
    progress, lost, first = folder / "progress", {}, 0
    while first < n_cases and len(lost) < MOST_TOLD:
        progress.write_text(str(first))
        arguments = (reader, first, n_cases, folder, seed)
        child = multiprocessing.get_context("fork").Process(
            target=_go_through, args=arguments
        )
        child.start()
        child.join()
        if child.exitcode == 0:
            break
        case = int(progress.read_text())
        lost[case] = _reason(child.exitcode, folder / "stderr")
        first = case + 1
    return lost


def _reason(code, log):
    """Why a child ended."""
    if code == -signal.SIGALRM:
        return f"still reading after {SECONDS} s"
    text = log.read_text(errors="replace")[-3000:]
    return f"ended with {code}\n{text}"


def _go_through(reader, first, stop, folder, seed):
    """The child: cases one by one, the number of each written down before it."""
    # Of libraries too, and whatever has been put in place of it.
    sys.stderr = open(folder / "stderr", "w")
    os.dup2(sys.stderr.fileno(), 2)
    # What pytest has it write would look like a crash of the tests.
    faulthandler.disable()
    # Threads of torch's do not outlive a fork.
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    peak = _limit_memory(reader.megabytes)
    place = folder / "case"
    for case in range(first, stop):
        (folder / "progress").write_text(str(case))
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        given = reader.spoil(np.random.default_rng([seed, case]), place)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            reader.read(given)
        except reader.documented as error:
            _check(error, place)
        signal.setitimer(signal.ITIMER_REAL, 0)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert used < peak, f"{used} kB of memory"


def _limit_memory(megabytes):
    """Let allocations fail beyond a size; the resident kB not to be reached."""
    with open("/proc/self/statm") as file:
        size, resident = map(int, file.read().split()[:2])
    page = resource.getpagesize()
    most = size * page + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return resident * page // 1024 + megabytes * 1024


def _check(error, place):
    """Complain about an error that names no file, or is one of memory."""
    text = str(error)
    files = [path.name for path in place.rglob("*")]
    named = str(place) in text or any(name in text for name in files)
    assert named, f"no file is named in {text[:1000]!r}"
    assert len(text) < 1_000_000, f"an error of {len(text)} characters"
    while error is not None:
        full = isinstance(error, MemoryError) or "allocate" in str(error)
        assert not full, f"memory: {text[:1000]}"
        error = error.__cause__ or error.__context__
