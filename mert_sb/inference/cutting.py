"""Clips of a file as a task was trained on them: windows that follow one another.

As ``mert_sb.audio.clips.write_clips`` cuts a dataset, but in one pass over a file
whose length is not known, in memory of a window.

S samples.

Authors
 * The mert_sb developers 2026
"""

import sys

import torch

from mert_sb.audio.decode import damage
from mert_sb.audio.windows import stream_blocks

# As write_clips: a shorter file is no clip.
MIN_SECONDS = 0.1


def stream_clips(
    path, sample_rate, *, clip_seconds, min_tail_seconds, max_seconds=None
):
    """Read a file clip by clip.

    Arguments
    ---------
    path : str or pathlib.Path
        An audio file.
    sample_rate : int
        Rate wanted, in Hz.
    clip_seconds : float
        Length of a window.
    min_tail_seconds : float
        What is left at the end is a shorter clip if it lasts at least this long. A
        file that is shorter itself is one clip: better heard so than not at all.
    max_seconds : float, optional
        Only this much of the beginning is read.

    Yields
    ------
    torch.Tensor
        ``(S,)`` float32; all but the last are of one length.

    Raises
    ------
    DamagedAudioError
        If the file cannot be decoded, or lasts less than a tenth of a second.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, [0.0] * 60_000, 24_000)
    >>> clips = stream_clips(
    ...     path, 24_000, clip_seconds=1.0, min_tail_seconds=0.2
    ... )
    >>> [len(clip) for clip in clips]
    [24000, 24000, 12000]
    """
    window = round(clip_seconds * sample_rate)
    least = round(min(MIN_SECONDS, min_tail_seconds) * sample_rate)
    held, n_windows = torch.zeros(0), 0
    for block in _beginning(path, sample_rate, max_seconds):
        held = torch.cat([held, block])
        while len(held) >= window:
            yield held[:window].clone()
            held, n_windows = held[window:], n_windows + 1
    if n_windows:
        least = round(min_tail_seconds * sample_rate)
    elif len(held) < least:
        raise damage(path, f"too short: {len(held) / sample_rate:.3f} s")
    if len(held) and len(held) >= least:
        yield held


def _beginning(path, sample_rate, max_seconds):
    """Blocks of a file, no further than asked for."""
    left = sys.maxsize
    if max_seconds is not None:
        left = round(max_seconds * sample_rate)
    for block in stream_blocks(path, sample_rate):
        yield block[:left]
        left -= len(block)
        if left <= 0:
            break
