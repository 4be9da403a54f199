"""Preemption: a cluster's notice to stop, which is obeyed between two steps.

Slurm sends SIGTERM, or what ``--signal`` asks for, some time before it kills; torchrun hands
SIGTERM alone on to its workers, and ends with 1 whatever their status. ``MERT_SB_PREEMPTED_EXIT``
is the status to end with then; without it 0.

Authors
 * The mert_sb developers 2026
"""

import os
import signal
import sys
import threading
import time

import torch

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
VARIABLE = "MERT_SB_PREEMPTED_EXIT"


def outlive(worker):
    """For a loader's workers: a SIGTERM to all processes must not take them first.

    The run would end because of their death before it has saved. One from the run itself ends
    them. Linux alone tells who sent it; elsewhere they die.

    Arguments
    ---------
    worker : int
        Not used.

    Example
    -------
    >>> from torch.utils.data import DataLoader
    >>> list(DataLoader([1, 2], num_workers=1, worker_init_fn=outlive))
    [tensor([1]), tensor([2])]
    """
    if sys.platform == "linux":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_the_run, daemon=True).start()


def _end_with_the_run():
    """Wait for the parent's SIGTERM."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)


def heed_torchrun():
    """Take torchrun's death for a SIGTERM.

    Processes that it has started outlive it if it is killed, and would go on beside those
    that the same command starts next, in the same folder.

    Example
    -------
    >>> heed_torchrun()  # nothing, if torchrun has not started this
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        launcher = os.getppid()
        threading.Thread(target=_watch, args=[launcher], daemon=True).start()


def _watch(launcher):
    """Wait until the parent is another."""
    while os.getppid() == launcher:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)


class Preemption:
    """Takes note of signals, in place of dying of them, while it is entered.

    Raises
    ------
    ValueError
        If ``MERT_SB_PREEMPTED_EXIT`` is no exit status.

    Example
    -------
    >>> with Preemption() as preemption:
    ...     os.kill(os.getpid(), signal.SIGUSR1)
    ...     preemption.is_asked()
    True
    """

    def __init__(self):
        self.name, self._former = None, {}
        text = os.environ.get(VARIABLE, "0")
        if not (text.isdecimal() and int(text) < 256):
            raise ValueError(f"{VARIABLE}: {text!r} is no number from 0 to 255")
        self.status = int(text)

    def __enter__(self):
        # Python hands signals to its main thread alone.
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._former[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *failure):
        for number, former in self._former.items():
            signal.signal(number, former)

    def _note(self, number, frame):
        self.name = signal.Signals(number).name

    def is_asked(self, device="cpu"):
        """Whether a signal has come, to this process or to another of the run.

        All processes ask at the same place, or none.

        Arguments
        ---------
        device : torch.device or str
            Where processes meet.

        Returns
        -------
        bool
            The same in all of them.
        """
        asked = self.name is not None
        if not torch.distributed.is_initialized():
            return asked
        count = torch.tensor(float(asked), device=device)
        torch.distributed.all_reduce(count)
        return bool(count > 0)
