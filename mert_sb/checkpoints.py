"""Checkpoints that are complete or absent.

SpeechBrain writes a checkpoint's meta file first and lists every folder that has one,
so a run killed while saving leaves a newest checkpoint that cannot be loaded. Here a
checkpoint counts once a marker, written last, says that it is whole.

Authors
 * The mert_sb developers 2026
"""

import math
import os
import shutil

from speechbrain.utils.checkpoints import (
    DEFAULT_SAVE_HOOKS,
    Checkpointer,
    get_default_hook,
)
from speechbrain.utils.distributed import (
    ddp_barrier,
    if_main_process,
    main_process_only,
)
from speechbrain.utils.logger import get_logger

from mert_sb.writing import writing

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

        Raises
        ------
        OSError
            If it cannot be written, on a full disk for example. Nothing of it is left
            then, and checkpoints before it are as they were.
        """
        for name in self.recoverables:
            self.custom_save_hooks.setdefault(name, _save)
        try:
            with writing(self.checkpoints_dir):
                checkpoint = super().save_checkpoint(*args, **kwargs)
                if if_main_process():
                    _mark(checkpoint)
        except OSError:
            self.discard_unfinished()
            raise
        # All processes list checkpoints next and must find the same ones.
        ddp_barrier()
        return checkpoint

    def save_and_keep_only(self, meta=None, *args, **kwargs):
        """Save, and delete what need not be kept.

        A value that is not a number counts as the worst of its key, or nothing could
        be compared with it, and the best checkpoint might go.

        Arguments
        ---------
        meta : dict, optional
            Of plain values.
        *args : tuple
            As ``Checkpointer.save_and_keep_only``.
        **kwargs : dict
            As ``Checkpointer.save_and_keep_only``.
        """
        meta = dict(meta or {})
        for keys, worst in (("min_keys", math.inf), ("max_keys", -math.inf)):
            for key in kwargs.get(keys, ()):
                if math.isnan(meta[key]):
                    logger.warning(
                        "A checkpoint's %s is not a number; it counts as the worst",
                        key,
                    )
                    meta[key] = worst
        # SpeechBrain adds to a list that it has as a default.
        kwargs["importance_keys"] = list(kwargs.get("importance_keys", ()))
        super().save_and_keep_only(meta, *args, **kwargs)

    def _save_checkpoint_metafile(self, fpath, *args, **kwargs):
        """SpeechBrain's; errors name the file."""
        with writing(fpath):
            return super()._save_checkpoint_metafile(fpath, *args, **kwargs)

    def _list_checkpoint_dirs(self):
        """Whole checkpoints only; called by everything that looks for one."""
        return [
            path
            for path in super()._list_checkpoint_dirs()
            if (path / MARKER).exists()
        ]

    @main_process_only
    def discard_unfinished(self):
        """Delete what a killed run left behind; call before fitting."""
        for path in super()._list_checkpoint_dirs():
            if not (path / MARKER).exists():
                logger.warning("Discarding the unfinished checkpoint %s", path)
                shutil.rmtree(path)


def _save(obj, path):
    """SpeechBrain's way for such an object; errors name the file."""
    with writing(path):
        get_default_hook(obj, DEFAULT_SAVE_HOOKS)(obj, path)


def _mark(checkpoint):
    """Say that a checkpoint is whole, once it is on the disk."""
    for path in checkpoint.paramfiles.values():
        with writing(path), open(path, "rb") as file:
            os.fsync(file.fileno())
    (checkpoint.path / MARKER).touch()
