"""Files of any length to features, in memory that does not grow with the length.

T frames, D width, L layers, n layers asked for.

Authors
 * The mert_sb developers 2026
"""

from itertools import islice

import torch

from mert_sb import frames
from mert_sb.inference.chunks import plan_file, plan_windows
from mert_sb.inference.features import (
    Features,
    frame_times,
    joined,
    mean_over_time,
)

CHUNK_SECONDS = 30.0
# Half of it is more than the 64 frames that the positional convolution reaches, at
# 50 frames a second too. Nothing else in the student has an edge: what attention
# misses of the rest of the file, more overlap does not give back.
OVERLAP_SECONDS = 3.0
# Frames beside the positional convolution's that a front end of log-mels looks at.
SPARE_FRAMES = 8


def enough_overlap(settings):
    """An overlap of which half is more than a student's convolutions reach.

    Arguments
    ---------
    settings : dict
        The student's.

    Returns
    -------
    float
        ``OVERLAP_SECONDS``, or more where frames are slow.

    Example
    -------
    >>> settings = {"sample_rate": 24_000, "position_kernel": 128}
    >>> enough_overlap(settings | {"subsample": 1})
    3.0
    >>> enough_overlap(settings | {"subsample": 3})
    5.44
    """
    rate = frames.frame_rate(settings["sample_rate"], settings["subsample"])
    reach = settings["position_kernel"] + SPARE_FRAMES
    return max(OVERLAP_SECONDS, reach / rate)


class FileEncoder:
    """What ``MusicEncoder`` does with files, by its ``encode_windows``.

    Example
    -------
    >>> import soundfile
    >>> from types import SimpleNamespace
    >>> class Envelope(FileEncoder):
    ...     hparams = SimpleNamespace(sample_rate=24_000)
    ...     subsample, overlap_seconds = 1, 3.0
    ...
    ...     def encode_windows(self, wavs, statistics, layers):
    ...         windows = wavs.unfold(-1, 400, 320)
    ...         return windows.abs().mean(-1, keepdim=True)
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, [0.0] * 48_000, 24_000)
    >>> features = Envelope().encode_file(path, layers=0, chunk_seconds=6.0)
    >>> features.states.shape, features.times.shape
    (torch.Size([149, 1]), torch.Size([149]))
    """

    def encode_file(
        self,
        path,
        layers=None,
        *,
        pool=None,
        chunk_seconds=CHUNK_SECONDS,
        overlap_seconds=None,
        batch_size=1,
    ):
        """Hidden states of a file.

        Long files are encoded in equal, overlapping windows; half the overlap is
        dropped at each edge inside the file. Only the result grows with the
        length, and pooled, nothing does.

        State 0 is that of one pass within rounding; with CQT input it differs a
        little where kernels of low notes reach past a window, and at the file's
        last frames. Later states are those of music as long as a window, for attention sees no further; so a longer
        ``chunk_seconds`` brings them nearer to one pass, more overlap does not.

        Arguments
        ---------
        path : str or Path
            An audio file of any rate and number of channels.
        layers : None, int, sequence of int or "mean"
            As in ``encode_batch``.
        pool : str, optional
            ``"mean"``: the mean over time.
        chunk_seconds : float, optional
            Length of a window. None: the file in one pass.
        overlap_seconds : float, optional
            What neighbouring windows share. None: ``enough_overlap`` of the student.
        batch_size : int
            Windows encoded at once.

        Returns
        -------
        Features
            States ``(L + 1, T, D)``, ``(n, T, D)`` or ``(T, D)`` on the CPU and
            times ``(T,)``; pooled, states without T and no times.

        Raises
        ------
        DamagedAudioError
            If the file cannot be decoded to its end.
        ValueError
            If it is shorter than a frame, or a setting is impossible.
        """
        if pool not in (None, "mean"):
            raise ValueError(f"pool: {pool!r} is neither None nor 'mean'")
        plan = self._plan(path, chunk_seconds, overlap_seconds)
        pieces = self.encode_plan(plan, layers, batch_size=batch_size)
        if pool == "mean":
            return mean_over_time(pieces)
        return joined(pieces, plan.n_frames)

    def encode_stream(
        self,
        path,
        layers=None,
        *,
        chunk_seconds=CHUNK_SECONDS,
        overlap_seconds=None,
        batch_size=1,
    ):
        """Hidden states of a file, piece by piece.

        Arguments
        ---------
        path : str or Path
            An audio file.
        layers : None, int, sequence of int or "mean"
            As in ``encode_batch``.
        chunk_seconds : float, optional
            As in ``encode_file``.
        overlap_seconds : float, optional
            As in ``encode_file``.
        batch_size : int
            As in ``encode_file``.

        Yields
        ------
        Features
            Consecutive frames, of each window those that are kept; joined they
            are what ``encode_file`` returns.
        """
        plan = self._plan(path, chunk_seconds, overlap_seconds)
        yield from self.encode_plan(plan, layers, batch_size=batch_size)

    def _plan(self, path, chunk_seconds, overlap_seconds):
        """The windows of a file, cut where the student's frames are."""
        if overlap_seconds is None:
            overlap_seconds = self.overlap_seconds
        return plan_file(
            path,
            sample_rate=self.hparams.sample_rate,
            chunk_seconds=chunk_seconds,
            overlap_seconds=overlap_seconds,
            subsample=self.subsample,
        )

    def encode_plan(self, plan, layers=None, *, batch_size=1):
        """Hidden states of a planned file, piece by piece.

        Arguments
        ---------
        plan : mert_sb.inference.chunks.FilePlan
            Of ``plan_file``.
        layers : None, int, sequence of int or "mean"
            As in ``encode_batch``.
        batch_size : int
            Windows encoded at once.

        Yields
        ------
        Features
            As ``encode_stream``.
        """
        if type(batch_size) is not int or batch_size < 1:
            raise ValueError(f"batch_size: {batch_size}, not a number from 1")
        source = plan_windows(plan)
        while batch := list(islice(source, batch_size)):
            wavs = torch.stack([wav for _, wav in batch])
            statistics = [plan.statistics] * len(batch)
            states = self.encode_windows(wavs, statistics, layers).cpu()
            for row, (index, _) in enumerate(batch):
                yield kept(plan, index, states.select(-3, row))


def kept(plan, index, states):
    """What is kept of a window's states.

    Arguments
    ---------
    plan : mert_sb.inference.chunks.FilePlan
        The file's.
    index : int
        Into ``plan.windows``.
    states : torch.Tensor
        ``(T, D)`` or ``(n, T, D)``, T the frames of the window.

    Returns
    -------
    Features
        The frames that no other window gives.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, [0.0] * 48_000, 24_000)
    >>> plan = plan_file(path, sample_rate=24_000, chunk_seconds=1.0)
    >>> kept(plan, 2, torch.zeros(74, 8)).times
    tensor([1.9816], dtype=torch.float64)
    """
    window = plan.windows[index]
    offset = window.start // frames.hop_length(plan.subsample)
    times = frame_times(
        offset + window.first,
        offset + window.stop,
        plan.sample_rate,
        plan.subsample,
    )
    return Features(states[..., window.first : window.stop, :], times)
