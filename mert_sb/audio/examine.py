"""Examining: whether a file is usable, and how long it really is.

Authors
 * The mert_sb developers 2026
"""

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
    n_samples, peak = 0, 0.0
    for block in blocks(path, file):
        n_samples += len(block)
        peak = max(peak, float(np.abs(block).max()))
    if n_samples == 0:
        return 0, "empty: the file holds no samples"
    if peak <= SILENCE:
        return n_samples, "silent: all samples are zero or nearly so"
    return n_samples, ""


def _decode_ends(path, file):
    if file.frames == 0:
        return 0, "empty: the file holds no samples"
    decode(path, file, 0, file.samplerate)
    last = max(file.frames - file.samplerate, 0)
    decode(path, file, last, file.frames)
    return file.frames, ""
