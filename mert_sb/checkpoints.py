"""Checkpoints that are complete or absent.

SpeechBrain writes a checkpoint's meta file first and lists every folder that has one,
so a run killed while saving leaves a newest checkpoint that cannot be loaded. Here a
checkpoint counts once a marker, written last, says that it is whole; and as long as all
files are there that the marker lists, for a run may be killed while deleting, too.

Authors
 * The mert_sb developers 2026
"""

import os
import shutil

from speechbrain.utils.checkpoints import CKPT_PREFIX, Checkpointer
from speechbrain.utils.distributed import (
    ddp_barrier,
    if_main_process,
    main_process_only,
)
from speechbrain.utils.logger import get_logger

logger = get_logger(__name__)

MARKER = "COMPLETE"


class CompleteCheckpointer(Checkpointer):
    """SpeechBrain's checkpointer, blind to unfinished checkpoints.

    Arguments
    ---------
    checkpoints_dir : str
        Folder of the checkpoints.
    recoverables : dict
        Objects to save, by name.

    Example
    -------
    >>> import torch
    >>> folder = getfixture("tmpdir")
    >>> checkpointer = CompleteCheckpointer(
    ...     folder, {"model": torch.nn.Linear(1, 1)}
    ... )
    >>> checkpoint = checkpointer.save_checkpoint()
    >>> len(checkpointer.list_checkpoints())
    1
    >>> (checkpoint.path / MARKER).unlink()
    >>> checkpointer.list_checkpoints()
    []
    """

    def __init__(self, checkpoints_dir, recoverables=None):
        super().__init__(checkpoints_dir, recoverables)

    def save_checkpoint(self, *args, **kwargs):
        """Save, then mark as whole.

        Arguments
        ---------
        *args : tuple
            As ``Checkpointer.save_checkpoint``.
        **kwargs : dict
            As ``Checkpointer.save_checkpoint``.

        Returns
        -------
        Checkpoint or None
            The checkpoint on the main process.
        """
        checkpoint = super().save_checkpoint(*args, **kwargs)
        if if_main_process():
            for path in checkpoint.paramfiles.values():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
            names = sorted(path.name for path in checkpoint.path.iterdir())
            (checkpoint.path / MARKER).write_text("\n".join(names))
        # All processes list checkpoints next and must find the same ones.
        ddp_barrier()
        return checkpoint

    def _list_checkpoint_dirs(self):
        """Whole checkpoints only; called by everything that looks for one."""
        return [
            path for path in super()._list_checkpoint_dirs() if is_whole(path)
        ]

    @main_process_only
    def discard_unfinished(self):
        """Delete what a killed run left behind; call before fitting."""
        # Those too whose meta file, which SpeechBrain looks for, is not there.
        for path in self.checkpoints_dir.glob(f"{CKPT_PREFIX}+*"):
            if path.is_dir() and not is_whole(path):
                logger.warning("Discarding the unfinished checkpoint %s", path)
                shutil.rmtree(path)


def is_whole(checkpoint):
    """Whether all of a checkpoint was written, and nothing of it deleted.

    Arguments
    ---------
    checkpoint : pathlib.Path
        Its folder.

    Returns
    -------
    bool
        True if the marker is there, and what it lists; a marker of an earlier
        version lists nothing.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / MARKER).write_text("CKPT.yaml")
    >>> is_whole(folder)
    False
    """
    try:
        names = (checkpoint / MARKER).read_text().splitlines()
    except FileNotFoundError:
        return False
    return all((checkpoint / name).exists() for name in names)
