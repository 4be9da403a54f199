"""Examining: whether a file is usable, and how long it really is.

Authors
 * The mert_sb developers 2026
"""

from collections import deque
from typing import NamedTuple

import numpy as np
import soundfile as sf

from mert_sb.audio.decode import (
    DamagedAudioError,
    Stream,
    blocks,
    decode,
    opened,
)
from mert_sb.audio.header import truncation

# One step of 16 bits: nothing louder than this is silence.
SILENCE = 2.0**-15


class Finding(NamedTuple):
    """What was found out about a file.

    Arguments
    ---------
    n_samples : int
        Samples per channel that can be decoded, at the file's rate.
    sample_rate : int
        The file's rate in Hz.
    reason : str
        Why it cannot be used, ``kind: details``; empty if it can.

    Example
    -------
    >>> Finding(0, 0, "empty: the file has no bytes").reason
    'empty: the file has no bytes'
    """

    n_samples: int
    sample_rate: int
    reason: str


def examine(path, verify):
    """Examine a file.

    Arguments
    ---------
    path : str
        The file.
    verify : bool
        Whether to decode all of it, block by block, instead of the first and
        the last second. Only so are damage in the middle, silence and the true
        length of an MP3 found.

    Returns
    -------
    Finding
        Its length, or why it cannot be used.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, np.zeros(8_000), 8_000)
    >>> examine(path, verify=True).reason
    'silent: all samples are zero or nearly so'
    """
    try:
        with opened(path, Stream if verify else sf.SoundFile) as file:
            inspect = _decode_all if verify else _decode_ends
            n_samples, reason = inspect(path, file)
            return Finding(n_samples, file.samplerate, reason)
    except DamagedAudioError as error:
        return Finding(0, 0, error.reason)
    except OSError as error:
        return Finding(0, 0, f"unreadable: {error.strerror}")


def _decode_all(path, file):
    n_samples, peak, recent = 0, 0.0, deque(maxlen=2)
    for block in blocks(path, file):
        n_samples += len(block)
        peak = max(peak, float(np.abs(block).max()))
        recent.append(block)
    if n_samples == 0:
        return 0, "empty: the file holds no samples"
    is_short = n_samples < file.frames
    if is_short and not _is_in_place(path, recent, n_samples):
        return n_samples, truncation(n_samples, file.frames)
    if peak <= SILENCE:
        return n_samples, "silent: all samples are zero or nearly so"
    return n_samples, ""


def _is_in_place(path, recent, n_samples):
    """Whether a seek finds the last second where reading through met it.

    It does not if samples are missing somewhere before, but does if only the
    header promises too much.
    """
    with opened(path) as file:
        expected = np.concatenate(recent)[-file.samplerate :]
        found = decode(path, file, n_samples - len(expected), n_samples)
    same = len(found) == len(expected)
    return same and np.allclose(found, expected, rtol=0, atol=1e-4)


def _decode_ends(path, file):
    if file.frames == 0:
        return 0, "empty: the file holds no samples"
    decode(path, file, 0, file.samplerate)
    last = max(file.frames - file.samplerate, 0)
    decode(path, file, last, file.frames)
    return file.frames, ""
