"""The runs of a grid: a recipe with one setting after another, or several at once.

Authors
 * The mert_sb developers 2026
"""

import gc
import importlib.util
import json
import multiprocessing
import os
import shutil
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import torch

from mert_sb.downstream.task_brain import TaskBrain
from mert_sb.leftovers import temporary_folder
from mert_sb.writing import whole

JOURNAL = "prepare.jsonl"
# Each may hold 2 GiB of states.
MOST_JOBS = 4


class Task(NamedTuple):
    """A run to be done.

    Arguments
    ---------
    arguments : list of str
        The recipe's command line.
    folder : pathlib.Path
        Its ``output_folder``.

    Example
    -------
    >>> Task(["hparams/genre.yaml"], Path("results/7-0.001/1")).is_done
    False
    """

    arguments: list
    folder: Path

    @property
    def is_done(self):
        """Whether its results are there."""
        return (self.folder / "results.json").is_file()


@cache
def open_recipe(script):
    """What of a recipe ``mert_sb.recipe.run`` takes.

    Arguments
    ---------
    script : str or Path
        Its ``train.py``.

    Returns
    -------
    tuple of (type, callable, callable)
        The Brain, ``prepare_...`` and ``dataio_prep``.

    Example
    -------
    See ``recipes/downstream/search.py``.
    """
    path = os.path.abspath(script)
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (prepare,) = [
        value
        for name, value in vars(module).items()
        if name.startswith("prepare_")
    ]
    (brain_class,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, TaskBrain)
    ]
    return brain_class, prepare, module.dataio_prep


def jobs_of(device, cached):
    """How many runs at once are faster than one: of cached states on a CPU.

    A probe's products are too small to be shared among threads.

    Arguments
    ---------
    device : str or None
        From the command line.
    cached : bool
        Whether the upstream is frozen, its states on a shelf.

    Returns
    -------
    int
        At least 1.

    Example
    -------
    >>> jobs_of("cpu", cached=False)
    1
    """
    on_gpu = torch.cuda.is_available() and device != "cpu"
    if on_gpu or not cached:
        return 1
    return min(MOST_JOBS, torch.get_num_threads())


def run_tasks(run, script, tasks, *, folder, jobs=1, keep=False):
    """Do what is not done yet.

    Arguments
    ---------
    run : callable
        ``mert_sb.recipe.run``.
    script : str or Path
        The recipe's ``train.py``.
    tasks : list of Task
        All of the grid.
    folder : pathlib.Path
        Where the grid keeps what its runs share.
    jobs : int
        Processes, each with its share of the threads.
    keep : bool
        Keep the checkpoints and manifests of finished runs.

    Returns
    -------
    iterator of dict
        ``results.json`` of each task, in their order, as they are done.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> task = Task(["hparams/genre.yaml"], folder / "7-0.001" / "1")
    >>> task.folder.mkdir(parents=True)
    >>> (task.folder / "results.json").write_text('{"test": {"accuracy": 0.5}}')
    27
    >>> list(run_tasks(None, "train.py", [task], folder=folder))
    [{'test': {'accuracy': 0.5}}]
    """
    work = partial(_finish, run, script, journal=folder / JOURNAL, keep=keep)
    left = [task for task in tasks if not task.is_done]
    # The first fills the cache, which the others read.
    for task in left[:1]:
        work(task)
    jobs = min(jobs, len(left) - 1)
    if jobs < 2:
        yield from map(work, tasks)
        return
    pool = ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(max(1, torch.get_num_threads() // jobs),),
    )
    try:
        yield from pool.map(partial(_apart, work), tasks)
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(threads):
    """A process of the pool begins, and ends with the grid, however that ends."""
    torch.set_num_threads(threads)
    threading.Thread(target=_follow_the_grid, daemon=True).start()


def _follow_the_grid():
    """Wait for the end of the process that waits for this one."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _apart(work, task):
    """Do it, in a process of the pool."""
    try:
        return work(task)
    except SystemExit:
        # A signal asked it to stop; the pool would give it the next run.
        os._exit(1)


def _finish(run, script, task, *, journal, keep):
    """Run the recipe, unless its results are there; the results."""
    save = task.folder / "save"
    if not task.is_done:
        if journal.is_file():
            # Audio is examined once, not once a setting.
            save.mkdir(parents=True, exist_ok=True)
            with whole(save / JOURNAL) as aside:
                shutil.copy(journal, aside)
        run(*open_recipe(script), task.arguments)
        if (save / JOURNAL).is_file() and not journal.is_file():
            # Several runs may write it.
            with temporary_folder(journal.parent, ".journal") as aside:
                shutil.copy(save / JOURNAL, aside)
                (aside / JOURNAL).replace(journal)
        # A Brain is in cycles, and may hold 2 GiB of states.
        gc.collect()
    if not keep:
        shutil.rmtree(save, ignore_errors=True)
    text = (task.folder / "results.json").read_text(encoding="utf-8")
    return json.loads(text)
