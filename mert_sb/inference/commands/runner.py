"""From windows that are read to features that are kept.

B batch, S samples of a window, T frames of a file.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import itertools
from typing import NamedTuple

import numpy as np
import torch

from mert_sb.inference.chunks import FilePlan
from mert_sb.inference.commands.loading import Failed, Planned
from mert_sb.inference.commands.staged import (
    MeanFile,
    NotFiniteError,
    StatesFile,
)
from mert_sb.inference.features import frame_times
from mert_sb.inference.files import kept
from mert_sb.writing import writing


class _Output(NamedTuple):
    """A file that is being encoded."""

    plan: FilePlan
    file: StatesFile | MeanFile


class Runner:
    """Encodes windows and writes what comes of them; what fails, it notes.

    Arguments
    ---------
    encoder : mert_sb.inference.MusicEncoder
        That encodes.
    store : NpyFolder or NpzFolder or Hdf5Folder
        Where outputs are kept.
    place : pathlib.Path
        For temporary files.
    batcher : mert_sb.inference.commands.batching.Batcher
        Empty.
    layers : None, int, list of int or "mean"
        As for ``encode_file``.
    pool : str
        ``"none"`` or ``"mean"``.
    dtype : str
        Of the outputs.

    Example
    -------
    >>> from mert_sb.inference.commands.inputs import Job
    >>> options = {"layers": None, "pool": "none", "dtype": "float32"}
    >>> with Runner(None, None, None, None, **options) as runner:
    ...     runner.take(Failed(Job("a.wav", "a"), "damaged"))
    >>> runner.skipped
    {Job(path='a.wav', name='a'): 'damaged'}
    """

    def __init__(self, encoder, store, place, batcher, *, layers, pool, dtype):
        self.encoder = encoder
        self.store = store
        self.place = place
        self.batcher = batcher
        self.layers = layers
        self.pool = pool
        self.dtype = dtype
        self.outputs = {}
        self.n_done = 0
        self.seconds_done = 0.0
        self.skipped = {}  # reasons
        self.numbers = itertools.count()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for output in self.outputs.values():
            # What is left has failed already, and is not kept.
            with contextlib.suppress(OSError):
                output.file.close()

    def take(self, message):
        """Take what was read.

        Arguments
        ---------
        message : Planned or WindowRead or Failed
            Next one of ``reading``.
        """
        if isinstance(message, Planned):
            kind = MeanFile if self.pool == "mean" else StatesFile
            path = self.place / f"{next(self.numbers)}.npy"
            file = kind(path, self.dtype, message.plan.n_frames)
            self.outputs[message.job] = _Output(message.plan, file)
        elif isinstance(message, Failed):
            self._skip(message.job, message.reason)
        else:
            self._encode(self.batcher.add(message))

    def finish(self):
        """Encode what still waits, when all is read."""
        for batch in self.batcher.rest():
            self._encode(batch)

    def _encode(self, batch):
        """Encode windows of one length, without those of files given up."""
        batch = [window for window in batch if window.job in self.outputs]
        if not batch:
            return
        wavs = torch.from_numpy(np.stack([window.wav for window in batch]))
        statistics = [self.outputs[w.job].plan.statistics for w in batch]
        try:
            states = self.encoder.encode_windows(wavs, statistics, self.layers)
        except torch.OutOfMemoryError as error:
            raise ValueError(
                f"the device has not enough memory for {len(batch)} windows of "
                f"{wavs.shape[1]} samples; give a smaller --batch-size or "
                "--chunk-seconds"
            ) from error
        states = states.cpu()
        for row, window in enumerate(batch):
            self._write(window, states.select(-3, row))

    def _write(self, window, states):
        """Write a window's frames; with its last window a file is done."""
        job, index = window.job, window.index
        if job not in self.outputs:
            return
        plan, file = self.outputs[job]
        try:
            with writing(self.store.path(job.name), at=self.place):
                file.add(kept(plan, index, states).states)
                if index == len(plan.windows) - 1:
                    file.finish()
                    self._keep(job, plan, file)
        except NotFiniteError as error:
            self._skip(job, str(error))

    def _keep(self, job, plan, file):
        times = None
        if self.pool == "none":
            rate, joined = plan.sample_rate, plan.subsample
            times = frame_times(0, plan.n_frames, rate, joined).numpy()
        self.store.keep(file.path, job.name, times)
        del self.outputs[job]
        self.n_done += 1
        self.seconds_done += plan.n_samples / plan.sample_rate

    def _skip(self, job, reason):
        output = self.outputs.pop(job, None)
        if output is not None:
            output.file.close()
            output.file.path.unlink(missing_ok=True)
        self.skipped[job] = reason
