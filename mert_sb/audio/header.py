"""What a file says of itself, and whether that can be.

Authors
 * The mert_sb developers 2026
"""

import os

from mert_sb.audio.resample import check_rates
from mert_sb.audio.seek import is_mpeg

# What is beyond these would take memory that no music needs.
MOST_CHANNELS = 64
MOST_RATE = 768_000
# The smallest frames of MPEG audio are 24 bytes for 576 samples.
MOST_MPEG_SAMPLES_A_BYTE = 24


def header_fault(path, file):
    """Why a header cannot be right.

    Arguments
    ---------
    path : str or Path
        The file.
    file : soundfile.SoundFile
        The open file.

    Returns
    -------
    str
        The reason; empty if it may be right.

    Example
    -------
    >>> import soundfile as sf
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, [0.0] * 8_000, 8_000)
    >>> with sf.SoundFile(path) as file:
    ...     header_fault(path, file)
    ''
    """
    if file.channels > MOST_CHANNELS:
        return f"impossible: {file.channels} channels, most are {MOST_CHANNELS}"
    if file.samplerate > MOST_RATE:
        return f"impossible: {file.samplerate} Hz, most are {MOST_RATE}"
    if is_mpeg(file):
        # Elsewhere the end is looked for; of MPEG the length is an estimate.
        most = MOST_MPEG_SAMPLES_A_BYTE * os.path.getsize(path)
        if file.frames > most:
            return truncation(most, file.frames)
    return ""


def rate_of(path, file, sample_rate):
    """The rate of a file, from which there must be a way to the one wanted.

    Arguments
    ---------
    path : str or Path
        Its path.
    file : soundfile.SoundFile
        The open file.
    sample_rate : int
        Rate wanted, in Hz.

    Returns
    -------
    int
        In Hz.

    Raises
    ------
    ValueError
        If it is an odd one, see ``check_rates``.

    Example
    -------
    >>> import soundfile as sf
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, [0.0] * 8_000, 8_000)
    >>> with sf.SoundFile(path) as file:
    ...     rate_of(path, file, 24_000)
    8000
    """
    try:
        check_rates(file.samplerate, sample_rate)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return file.samplerate


def truncation(n_samples, n_expected):
    """The reason to give where samples are missing.

    Arguments
    ---------
    n_samples : int
        Samples that could be decoded.
    n_expected : int
        Samples that the header promises.

    Returns
    -------
    str
        The reason.

    Example
    -------
    >>> truncation(1, 2)
    'truncated: 1 of 2 samples can be decoded'
    """
    return f"truncated: {n_samples} of {n_expected} samples can be decoded"
