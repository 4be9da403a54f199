"""Several processes: how they meet, and how long they wait for one another.

One that has stopped without having ended (a node that was switched off, a file system that
does not answer) keeps the others waiting until the group's time limit. SpeechBrain sets it to
two hours; ``MERT_SB_TIMEOUT_SECONDS`` sets another. What the first process does alone while
the others wait (preparing, fitting, caching) must take less.

Authors
 * The mert_sb developers 2026
"""

import datetime
import os
from pathlib import Path

import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.logger import get_logger

logger = get_logger(__name__)

SECONDS = 7200
VARIABLE = "MERT_SB_TIMEOUT_SECONDS"
# torchrun's own switch: each start of its processes has a store of its own.
UNSHARED = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"


def meet(run_opts):
    """Join the other processes that torchrun, or Slurm, has started.

    SpeechBrain's ``ddp_init_group`` with a time limit of one's own; without ``RANK`` and
    ``LOCAL_RANK`` nothing is done.

    Arguments
    ---------
    run_opts : speechbrain.RunOptions
        With ``distributed_backend``.

    Raises
    ------
    ValueError
        If ``MERT_SB_TIMEOUT_SECONDS`` is no time, or there is no GPU for this process.

    Example
    -------
    >>> meet({"distributed_backend": "gloo"})
    >>> torch.distributed.is_initialized()
    False
    """
    rank, local = os.environ.get("RANK"), os.environ.get("LOCAL_RANK")
    if rank is None or local is None:
        return
    _warn_of_restarts()
    limit, backend = time_limit(), run_opts["distributed_backend"]
    if backend == "nccl":
        n_gpus = torch.cuda.device_count()
        if int(local) >= n_gpus:
            raise ValueError(
                f"process {int(local)} of this machine has no GPU, there are "
                f"{n_gpus}; start fewer (--nproc-per-node), or on CPUs give "
                "--distributed_backend gloo --device cpu"
            )
        torch.cuda.set_device(int(local))
    torch.distributed.init_process_group(backend, rank=int(rank), timeout=limit)


def _warn_of_restarts():
    """Say what torchrun lacks where it restarts: addresses of the dead stay in its store."""
    shared = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    if shared and os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0":
        logger.warning(
            "torchrun --max-restarts: set %s=1 where torchrun is started, or "
            "restarted processes may look for one another at former addresses, "
            "for as long as %s says",
            UNSHARED,
            VARIABLE,
        )


def time_limit():
    """How long a process waits for the others.

    Returns
    -------
    datetime.timedelta
        Of ``MERT_SB_TIMEOUT_SECONDS``, or two hours.

    Raises
    ------
    ValueError
        If the variable is no whole number of seconds from 1.

    Example
    -------
    >>> str(time_limit())
    '2:00:00'
    """
    text = os.environ.get(VARIABLE, str(SECONDS))
    if not (text.isdecimal() and int(text) > 0):
        raise ValueError(
            f"{VARIABLE}: {text!r} is no whole number of seconds from 1"
        )
    return datetime.timedelta(seconds=int(text))


@register_checkpoint_hooks
class Company:
    """How many processes a checkpoint was saved by.

    Where an epoch stood is a number of batches of each process: with another number of
    processes the rest of that epoch is made of other clips, which is said in the log.

    Arguments
    ---------
    count : int
        Processes of this run.

    Example
    -------
    >>> path = getfixture("tmp_path") / "company.ckpt"
    >>> Company(2).save(path)
    >>> Company(2).load(path, end_of_epoch=False)
    """

    def __init__(self, count):
        self.count = count

    @mark_as_saver
    def save(self, path):
        """Write the number.

        Arguments
        ---------
        path : pathlib.Path
            Where to.
        """
        Path(path).write_text(str(self.count), encoding="ascii")

    @mark_as_loader
    def load(self, path, end_of_epoch):
        """Compare with a checkpoint's number.

        Arguments
        ---------
        path : pathlib.Path
            The checkpoint's.
        end_of_epoch : bool
            True: the next epoch is a whole one in any case.
        """
        former = int(Path(path).read_text(encoding="ascii"))
        if former != self.count and not end_of_epoch:
            logger.warning(
                "The checkpoint was saved in mid-epoch by %d processes, now there "
                "are %d: in the rest of this epoch some clips are heard twice or "
                "not at all, and the weights will be others than without the stop",
                former,
                self.count,
            )
