"""Audio files read ahead in several processes, window by window.

A process reads one file at a time and is given the next when it is done, so long and
short files may be mixed. Windows travel through pipes, not through shared memory,
which containers often have little of. No more of them are in memory than a thread of
the main process may take ahead.

S samples of a window.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import multiprocessing
import pickle
import signal
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from multiprocessing.connection import wait
from typing import NamedTuple

import numpy as np
import torch

from mert_sb.audio import DamagedAudioError
from mert_sb.inference.chunks import FilePlan, plan_file, plan_windows
from mert_sb.inference.commands.inputs import Job


class LoaderError(RuntimeError):
    """A loader process that ended before its file did."""


class Planned(NamedTuple):
    """A file is found good, and its windows follow.

    Arguments
    ---------
    job : Job
        The file.
    plan : mert_sb.inference.chunks.FilePlan
        Its windows.

    Example
    -------
    >>> Planned(Job("a.wav", "a"), None).job.name
    'a'
    """

    job: Job
    plan: FilePlan


class WindowRead(NamedTuple):
    """A window of a file.

    Arguments
    ---------
    job : Job
        The file.
    index : int
        Into the plan's windows.
    wav : numpy.ndarray
        ``(S,)`` float32 at the student's rate.

    Example
    -------
    >>> WindowRead(Job("a.wav", "a"), 0, np.zeros(400, np.float32)).index
    0
    """

    job: Job
    index: int
    wav: np.ndarray


class Failed(NamedTuple):
    """A file cannot be read, or not to its end.

    Arguments
    ---------
    job : Job
        The file.
    reason : str
        What is wrong with it.

    Example
    -------
    >>> Failed(Job("a.wav", "a"), "empty: the file has no bytes").reason
    'empty: the file has no bytes'
    """

    job: Job
    reason: str


def read_file(job, options):
    """Plan a file and read its windows.

    Arguments
    ---------
    job : Job
        The file.
    options : dict
        ``sample_rate``, ``chunk_seconds``, ``overlap_seconds`` and ``subsample``
        for ``plan_file``, already known to be possible.

    Yields
    ------
    Planned or WindowRead or Failed
        The plan and then each window; ``Failed`` may come at any time, as last.

    Example
    -------
    >>> [failed] = read_file(
    ...     Job("absent.wav", "absent"), {"sample_rate": 24_000}
    ... )
    >>> failed.reason
    'gone: there is no such file any more'
    """
    try:
        plan = plan_file(job.path, **options)
        yield Planned(job, plan)
        for index, wav in plan_windows(plan):
            yield WindowRead(job, index, wav.numpy())
    except DamagedAudioError as error:
        yield Failed(job, error.reason)
    except FileNotFoundError:
        yield Failed(job, "gone: there is no such file any more")
    except OSError as error:
        yield Failed(job, f"unreadable: {error.strerror or error}")
    except ValueError as error:
        yield Failed(job, str(error).removeprefix(f"{job.path}: "))


@contextlib.contextmanager
def reading(jobs, options, *, n_workers, ahead):
    """Read files, in processes if any are asked for.

    Arguments
    ---------
    jobs : list of Job
        The files.
    options : dict
        As for ``read_file``.
    n_workers : int
        Loader processes; 0: files are read in this one, nothing ahead.
    ahead : int
        Messages that may be read before they are asked for.

    Yields
    ------
    iterator
        Of ``read_file``'s messages; those of a file in order, files mixed. It
        raises ``LoaderError`` if a process dies.

    Example
    -------
    >>> with reading([], {}, n_workers=0, ahead=1) as messages:
    ...     list(messages)
    []
    """
    if n_workers == 0:
        yield chain.from_iterable(read_file(job, options) for job in jobs)
        return
    # Left in reverse: without its processes the thread comes to an end.
    with (
        ThreadPoolExecutor(1) as thread,
        Loaders(n_workers, options) as loaders,
    ):
        yield _taken_ahead(thread, loaders.read(jobs), ahead)


def _taken_ahead(thread, source, ahead):
    """What a generator gives, run by a thread so many steps ahead."""
    coming = deque(thread.submit(next, source, None) for _ in range(ahead))
    while (message := coming.popleft().result()) is not None:
        coming.append(thread.submit(next, source, None))
        yield message


class Loaders:
    """Processes that read files; they end with the ``with`` block, or with us.

    Arguments
    ---------
    n_workers : int
        How many.
    options : dict
        As for ``read_file``.

    Example
    -------
    >>> with Loaders(0, {}) as loaders:
    ...     list(loaders.read([]))
    []
    """

    def __init__(self, n_workers, options):
        self.n_workers = n_workers
        self.options = options
        self.processes = {}

    def __enter__(self):
        # Forking a process that has run torch may hang.
        context = multiprocessing.get_context("spawn")
        # Ctrl-C is for us: what is ignored here, a process ignores from its start.
        former = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for _ in range(self.n_workers):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=_work, args=(theirs, self.options), daemon=True
                )
                process.start()
                theirs.close()
                self.processes[ours] = process
        finally:
            signal.signal(signal.SIGINT, former)
        return self

    def __exit__(self, *exception):
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.join()

    def read(self, jobs):
        """Read files.

        Arguments
        ---------
        jobs : iterable of Job
            The files.

        Yields
        ------
        Planned or WindowRead or Failed
            As ``read_file``, files mixed.

        Raises
        ------
        LoaderError
            If a process dies, with the file it was at.
        """
        waiting, idle, at_work = iter(jobs), list(self.processes), {}
        while True:
            for connection, job in zip(idle, waiting, strict=False):
                at_work[connection] = job
                # A dead process shows below.
                with contextlib.suppress(OSError):
                    connection.send(job)
            idle = []
            if not at_work:
                return
            for connection in wait(list(at_work)):
                message = self._receive(connection, at_work[connection])
                if message is None:
                    del at_work[connection]
                    idle.append(connection)
                else:
                    yield message

    def _receive(self, connection, job):
        try:
            return pickle.loads(connection.recv_bytes())
        except (EOFError, OSError) as error:
            process = self.processes[connection]
            process.join()
            code = process.exitcode
            how = f"exit code {code}, its message is above"
            if code < 0:
                how = signal.Signals(-code).name
            raise LoaderError(
                f"{job.path}: the loader process reading it ended ({how}): a "
                "decoder crashed, or memory was short. What is done stays; run "
                "again without this file, or with fewer --workers"
            ) from error


def _work(connection, options):
    """Read the files whose jobs come in, until none can come any more."""
    torch.set_num_threads(1)
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            for message in read_file(connection.recv(), options):
                # As bytes: torch would take tensors to shared memory.
                connection.send_bytes(pickle.dumps(message, protocol=5))
            connection.send_bytes(pickle.dumps(None))
