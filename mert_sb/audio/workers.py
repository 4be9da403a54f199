"""Examining many files in worker processes that may die.

Authors
 * The mert_sb developers 2026
"""

import functools
import multiprocessing
import os
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from mert_sb.audio.examine import Finding, examine

CRASHED = Finding(0, 0, "crashed: the decoder ended its process")


def examine_all(folder, paths, *, verify, n_workers):
    """Examine files, in processes if more than one worker is asked for.

    Where a worker dies, the files then at work are examined again, each in a
    process of its own, and the one that ends its process again is named.

    Arguments
    ---------
    folder : str
        The data folder.
    paths : list of str
        Paths relative to it.
    verify : bool
        See ``examine``.
    n_workers : int
        Number of processes; with 1 or fewer, all is done in this one.

    Yields
    ------
    tuple of (str, Finding)
        A path and what was found, as they become ready.

    Raises
    ------
    RuntimeError
        If worker processes cannot be started at all.

    Example
    -------
    >>> list(examine_all("/nowhere", ["a.wav"], verify=True, n_workers=1))
    [('a.wav', Finding(n_samples=0, sample_rate=0, reason='unreadable: ...'))]
    """
    task = functools.partial(_examine_in, folder, verify)
    if n_workers <= 1:
        yield from ((path, task(path)) for path in paths)
        return
    waiting = deque(paths)
    while waiting:
        running = {}
        try:
            with _start(n_workers) as pool:
                yield from _work(pool, task, waiting, running, 2 * n_workers)
        except BrokenProcessPool:
            for path in running.values():
                yield path, _alone(task, path)


def _examine_in(folder, verify, path):
    return examine(os.path.join(folder, path), verify)


def _work(pool, task, waiting, running, n_ahead):
    """Keep the pool busy until nothing waits or runs."""
    while waiting or running:
        while waiting and len(running) < n_ahead:
            future = pool.submit(task, waiting[0])
            running[future] = waiting.popleft()
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            finding = future.result()
            yield running.pop(future), finding


def _alone(task, path):
    with _start(1) as pool:
        try:
            return pool.submit(task, path).result()
        except BrokenProcessPool:
            return CRASHED


def _start(n_workers):
    # Forking a process that has run torch may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        n_workers, mp_context=context, initializer=_end_with_the_run
    )
    try:
        pool.submit(os.getpid).result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            "worker processes do not start; call this from a script guarded by "
            'if __name__ == "__main__", or set n_workers to 1'
        ) from error
    return pool


def _end_with_the_run():
    """Have this process end when the one that started it was killed.

    It would wait for its next file for ever: it holds both ends of that pipe.
    """
    parent = multiprocessing.parent_process()

    def watch():
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
