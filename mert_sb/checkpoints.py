"""Checkpoints that are complete or absent.

SpeechBrain writes a checkpoint's meta file first and lists every folder that has one,
so a run killed while saving leaves a newest checkpoint that cannot be loaded. Here a
checkpoint counts once a marker, written last, says that it is whole; and as long as all
files are there that the marker lists, for a run may be killed while deleting, too.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import math
import os
import pickle
import shutil
import struct
import zipfile

import yaml
from speechbrain.utils.checkpoints import (
    CKPT_PREFIX,
    DEFAULT_SAVE_HOOKS,
    METAFNAME,
    Checkpointer,
    get_default_hook,
)
from speechbrain.utils.distributed import (
    ddp_barrier,
    if_main_process,
    main_process_only,
)
from speechbrain.utils.logger import get_logger

from mert_sb.plain_yaml import compose
from mert_sb.texts import read_text
from mert_sb.writing import whole, writing

logger = get_logger(__name__)

MARKER = "COMPLETE"
# Set, it would let SpeechBrain's torch.load run what a pickle asks for.
UNSAFE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
# What torch, SpeechBrain and our own states raise about a damaged file.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    yaml.YAMLError,
    zipfile.BadZipFile,
)


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
            # Alone: the others wait for something else.
            if if_main_process():
                self._discard()
            raise
        # All processes list checkpoints next and must find the same ones.
        ddp_barrier()
        return checkpoint

    def load_checkpoint(self, checkpoint):
        """Load; nothing that a file asks for is run.

        Arguments
        ---------
        checkpoint : Checkpoint
            From ``find_checkpoint``.

        Returns
        -------
        Checkpoint
            The same.

        Raises
        ------
        RuntimeError
            If a file is damaged, of other modules, or more than tensors and plain
            data.
        """
        try:
            with _tensors_only():
                return super().load_checkpoint(checkpoint)
        except _DAMAGE as error:
            if str(checkpoint.path) in str(error):
                raise  # one that says what differs from the run
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise RuntimeError(
                f"{checkpoint.path}: damaged, of another model, or more than tensors "
                f"and plain data ({reason}). Nothing of it was run. Delete this "
                "folder to go on from the one before, or give another output_folder"
            ) from error

    @staticmethod
    def _construct_checkpoint_objects(checkpoint_dirs):
        """Read what each checkpoint says of itself."""
        found = []
        for folder in checkpoint_dirs:
            path = folder / METAFNAME
            try:
                compose(read_text(path), path)
                found += Checkpointer._construct_checkpoint_objects([folder])
                float(found[-1].meta["unixtime"])
            except (
                LookupError,
                TypeError,
                ValueError,
                yaml.YAMLError,
            ) as error:
                raise RuntimeError(
                    f"{path}: damaged ({error}). Delete this folder to go on from "
                    "the one before"
                ) from error
        return found

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
            path for path in super()._list_checkpoint_dirs() if is_whole(path)
        ]

    @main_process_only
    def discard_unfinished(self):
        """Delete what a killed run left behind; call before fitting."""
        self._discard()

    def _discard(self):
        """Delete checkpoints that are not whole."""
        # Those too whose meta file, which SpeechBrain looks for, is not there.
        for path in self.checkpoints_dir.glob(f"{CKPT_PREFIX}+*"):
            if path.is_dir() and not is_whole(path):
                logger.warning("Discarding the unfinished checkpoint %s", path)
                shutil.rmtree(path)


@contextlib.contextmanager
def _tensors_only():
    """No way round torch's restricted reader, whatever the environment says."""
    kept = os.environ.pop(UNSAFE, None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ[UNSAFE] = kept


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
        names = (checkpoint / MARKER).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return False
    return all((checkpoint / name).exists() for name in names)


def _save(obj, path):
    """SpeechBrain's way for such an object; errors name the file."""
    with writing(path):
        get_default_hook(obj, DEFAULT_SAVE_HOOKS)(obj, path)


def _mark(checkpoint):
    """Say that a checkpoint is whole, once it is on the disk."""
    paths = sorted(checkpoint.path.iterdir())
    for path in paths:
        with writing(path), open(path, "rb") as file:
            os.fsync(file.fileno())
    with whole(checkpoint.path / MARKER) as aside:
        aside.write_text("\n".join(path.name for path in paths))
