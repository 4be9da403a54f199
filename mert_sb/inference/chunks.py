"""Plans for files of any length: equal overlapping windows, their borders dropped.

Windows start on multiples of the student's hop, so their frames are frames of the file,
joined ones too. At edges inside the file half the overlap is dropped; the last window is
moved back to end with the file's last frame, so that all are of one length and can be
batched. (A constant-Q input and log-mels then miss what is left after that frame, less
than a hop, and the file's last frames differ from one pass.)

A file is decoded twice: once for its plan, whose statistics the norms over time
need (see ``mert_sb.student.statistics``), and once for its windows.

S samples, T frames of the file.

Authors
 * The mert_sb developers 2026
"""

import math
from typing import NamedTuple

from mert_sb import frames
from mert_sb.audio.windows import stream_blocks, stream_windows
from mert_sb.student.statistics import RunningStatistics, WavStatistics


class Window(NamedTuple):
    """A window of a file and which of its frames are kept.

    Arguments
    ---------
    start : int
        First sample, a multiple of the student's hop.
    first : int
        First frame kept, counted in the window.
    stop : int
        One past the last frame kept.

    Example
    -------
    >>> Window(start=320, first=0, stop=2).stop
    2
    """

    start: int
    first: int
    stop: int


class FilePlan(NamedTuple):
    """How a file is to be encoded. Small, and can be sent to other processes.

    Arguments
    ---------
    path : str
        The file.
    sample_rate : int
        The student's rate in Hz; samples are counted at it.
    n_samples : int
        S, as decoded.
    n_frames : int
        T.
    statistics : WavStatistics
        Of the whole file.
    window_samples : int
        Length of every window.
    windows : tuple of Window
        In order; their kept frames follow one another from 0 to T - 1.
    subsample : int
        The student's: frames of ``mert_sb.frames`` joined into one. All frames
        here are joined ones.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, [0.0] * 24_000, 24_000)
    >>> plan = plan_file(path, sample_rate=24_000)
    >>> plan.n_samples, plan.n_frames, plan.windows
    (24000, 74, (Window(start=0, first=0, stop=74),))
    """

    path: str
    sample_rate: int
    n_samples: int
    n_frames: int
    statistics: WavStatistics
    window_samples: int
    windows: tuple
    subsample: int = 1


def plan_file(
    path,
    *,
    sample_rate,
    chunk_seconds=None,
    overlap_seconds=0.0,
    subsample=1,
):
    """Decode a file once and plan its windows.

    Arguments
    ---------
    path : str or Path
        An audio file.
    sample_rate : int
        The student's rate in Hz.
    chunk_seconds : float, optional
        Length of a window. None: one window, the whole file.
    overlap_seconds : float
        What neighbouring windows share.
    subsample : int
        The student's.

    Returns
    -------
    FilePlan
        Its windows tile the file's frames. A file that fits into a chunk is one
        window, whole.

    Raises
    ------
    DamagedAudioError
        If the file cannot be decoded to its end.
    ValueError
        If the settings are impossible, or the file is shorter than a frame.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, [0.0] * 72_000, 24_000)
    >>> plan = plan_file(
    ...     path, sample_rate=24_000, chunk_seconds=1.5, overlap_seconds=0.5
    ... )
    >>> plan.window_samples, [tuple(window) for window in plan.windows]
    (35920, [(0, 0, 93), (23680, 19, 93), (35840, 55, 112)])
    """
    chunk, border = frame_counts(
        sample_rate, chunk_seconds, overlap_seconds, subsample
    )
    running = RunningStatistics()
    for block in stream_blocks(path, sample_rate):
        running.update(block)
    n_samples = running.n_samples
    n_frames = frames.n_frames(n_samples, subsample)
    if n_frames == 0:
        raise ValueError(
            f"{path}: {n_samples} samples at {sample_rate} Hz are shorter than "
            f"one frame of {frames.receptive_field(subsample)}; leave the file "
            "out, or lengthen it with silence"
        )
    whole = chunk is None or n_frames <= chunk
    return FilePlan(
        str(path),
        sample_rate,
        n_samples,
        n_frames,
        running.result(),
        n_samples if whole else frames.n_samples(chunk, subsample),
        tile(n_frames, n_frames if whole else chunk, border, subsample),
        subsample,
    )


def plan_windows(plan):
    """Read the windows of a plan, in order.

    Arguments
    ---------
    plan : FilePlan
        Of ``plan_file``.

    Yields
    ------
    tuple of (int, torch.Tensor)
        Index into ``plan.windows``, and the window ``(window_samples,)``.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, [0.0] * 48_000, 24_000)
    >>> plan = plan_file(path, sample_rate=24_000, chunk_seconds=1.0)
    >>> [(index, len(wav)) for index, wav in plan_windows(plan)]
    [(0, 23760), (1, 23760), (2, 23760)]
    """
    starts = [window.start for window in plan.windows]
    yield from enumerate(
        stream_windows(plan.path, plan.sample_rate, starts, plan.window_samples)
    )


def tile(n_frames, chunk, border, subsample=1):
    """Windows whose kept frames are all frames of a file, each once.

    Arguments
    ---------
    n_frames : int
        T.
    chunk : int
        Frames of a window, at most T.
    border : int
        Frames dropped at each edge inside the file, less than half a chunk.
    subsample : int
        The student's, whose frames are meant.

    Returns
    -------
    tuple of Window
        In order.

    Example
    -------
    >>> [tuple(window) for window in tile(10, 6, 1)]
    [(0, 0, 5), (1280, 1, 6)]
    """
    windows, done, hop = [], 0, frames.hop_length(subsample)
    while done < n_frames:
        start = min(max(done - border, 0), n_frames - chunk)
        end = start + chunk
        kept = n_frames if end == n_frames else end - border
        windows.append(Window(start * hop, done - start, kept - start))
        done = kept
    return tuple(windows)


def frame_counts(sample_rate, chunk_seconds, overlap_seconds, subsample=1):
    """Frames of a chunk and of a dropped border.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    chunk_seconds : float or None
        Length of a window; None: files in one pass.
    overlap_seconds : float
        What neighbouring windows share.
    subsample : int
        The student's, whose frames are meant.

    Returns
    -------
    tuple of (int or None, int)
        None for files in one pass.

    Raises
    ------
    ValueError
        If a window has no frame, or would not move on.

    Example
    -------
    >>> frame_counts(24_000, 30.0, 3.0)
    (2249, 112)
    """
    if chunk_seconds is None:
        return None, 0
    if not math.isfinite(chunk_seconds):
        raise ValueError(
            f"chunk_seconds: {chunk_seconds}; for files in one pass give None"
        )
    chunk = frames.n_frames(round(chunk_seconds * sample_rate), subsample)
    if chunk == 0:
        raise ValueError(
            f"chunk_seconds: {chunk_seconds} is shorter than one frame of "
            f"{frames.receptive_field(subsample)} samples at {sample_rate} Hz"
        )
    if not 0 <= overlap_seconds < chunk_seconds:
        raise ValueError(
            f"overlap_seconds: {overlap_seconds} is not between 0 and "
            f"chunk_seconds, {chunk_seconds}"
        )
    rate = frames.frame_rate(sample_rate, subsample)
    overlap = round(overlap_seconds * rate)
    return chunk, min(overlap, chunk - 1) // 2
