"""Decoding: samples of a file or a part of it, and errors that name the file.

soundfile seeks after each ``read``, and an MP3 is wrong after a seek (see
``mert_sb.audio.seek``): so a part is decoded by one call, and a whole file as a
``Stream``, which does not seek.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import errno
import os

import numpy as np
import soundfile as sf

from mert_sb.audio.header import header_fault, truncation
from mert_sb.audio.seek import is_mpeg, start_of_decoding

BLOCK = 2**17
# Of full scale. Samples beyond it are no audio, and their powers no numbers.
LOUDEST = 1e12
# libsndfile's number for an MP3 without a frame; its words are that there is no file.
NO_FRAME = 7


class DamagedAudioError(OSError):
    """A file, or the part asked for, that cannot be turned into samples.

    It is made of one message, as loader workers need to pass it on.
    """

    reason = ""


class Stream(sf.SoundFile):
    """A file to be read from the start to the end, never seeking in between.

    Example
    -------
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> sf.write(path, np.zeros(8_000), 8_000)
    >>> with Stream(path) as file:
    ...     len(file.read(100)), len(file.read(10_000))
    (100, 7900)
    """

    def seekable(self):
        """Say that the file cannot seek, so that soundfile does not.

        Returns
        -------
        bool
            False.
        """
        return False


def damage(path, reason):
    """The error to raise about a damaged file.

    Arguments
    ---------
    path : str
        The file.
    reason : str
        What is wrong with it.

    Returns
    -------
    DamagedAudioError
        With the path, the reason and the remedy in its message.

    Example
    -------
    >>> damage("a.ogg", "truncated").reason
    'truncated'
    """
    error = DamagedAudioError(
        f"{path}: {reason}. Leave it out, or prepare the data with verify=True: "
        "files like this one are then listed in skipped.csv"
    )
    error.reason = reason
    return error


@contextlib.contextmanager
def opened(path, kind=sf.SoundFile):
    """Open an audio file; whatever libsndfile objects to names the file.

    Arguments
    ---------
    path : str or Path
        The file.
    kind : type
        ``soundfile.SoundFile`` or ``Stream``.

    Yields
    ------
    soundfile.SoundFile
        The open file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedAudioError
        If it cannot be opened or decoded.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, np.zeros(8_000), 8_000)
    >>> with opened(path) as file:
    ...     file.samplerate
    8000
    """
    # As bytes, names that are not UTF-8 work too; Windows has none of those.
    name = os.fspath(path) if os.name == "nt" else os.fsencode(path)
    # A pipe, which an archive can hold, would be waited for without end.
    if os.path.exists(path) and not os.path.isfile(path):
        raise damage(path, "no file, but a folder, a pipe or a device")
    try:
        with kind(name) as file:
            fault = header_fault(path, file)
            if fault:
                raise damage(path, fault)
            yield file
    except sf.LibsndfileError as error:
        if not os.path.exists(path):
            raise FileNotFoundError(
                errno.ENOENT, "no such audio file; check data_folder", str(path)
            ) from error
        if os.path.getsize(path) == 0:
            raise damage(path, "empty: the file has no bytes") from error
        said = error.error_string.rstrip(".")
        reason = "no frame of audio" if error.code == NO_FRAME else said
        raise damage(path, f"unreadable: {reason}") from error


def decode(path, file, start, stop):
    """Decode a part of an open file.

    Arguments
    ---------
    path : str or Path
        Its path.
    file : soundfile.SoundFile
        The open file, able to seek.
    start : int
        First sample, at the file's rate.
    stop : int
        One past the last sample; may lie after the end of the file.

    Returns
    -------
    numpy.ndarray
        ``(S,)`` float32, the mean of the channels; shorter than asked for only
        where the file ends.

    Raises
    ------
    DamagedAudioError
        If the file ends more than a second too early, or samples are not
        finite.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, np.zeros((8_000, 2)), 8_000)
    >>> with opened(path) as file:
    ...     decode(path, file, 7_000, 9_000).shape
    (1000,)
    """
    stop = min(stop, file.frames)
    if start >= stop:
        return np.zeros(0, np.float32)
    begin = start_of_decoding(path, file, start)
    block = read_from(path, file, begin, stop)
    if begin + len(block) < stop:
        _check_end(path, file, begin + len(block))
    return mono(path, block[start - begin :])


def read_from(path, file, begin, stop):
    """Decode a part of an open file in one call, its channels apart.

    Arguments
    ---------
    path : str or Path
        Its path.
    file : soundfile.SoundFile
        The open file, able to seek.
    begin, stop : int
        First sample and one past the last, at the file's rate; both within it.

    Returns
    -------
    numpy.ndarray
        ``(S, C)`` float32; fewer than asked for where the file ends.

    Raises
    ------
    DamagedAudioError
        If the seek leads out of the file, as in damaged MP3 it may.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, np.zeros((8_000, 2)), 8_000)
    >>> with opened(path) as file:
    ...     read_from(path, file, 7_000, 8_000).shape
    (1000, 2)
    """
    file.seek(begin)
    if file.tell() > file.frames:
        raise damage(path, truncation(file.frames, file.tell()))
    # One call: soundfile would seek between two.
    return file.read(stop - begin, dtype="float32", always_2d=True)


def blocks(path, file):
    """Decode a whole file piece by piece.

    Arguments
    ---------
    path : str or Path
        Its path.
    file : Stream
        The open file.

    Yields
    ------
    numpy.ndarray
        ``(at most BLOCK,)`` float32, the mean of the channels.

    Raises
    ------
    DamagedAudioError
        If the file ends more than a second too early, or samples are not
        finite.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, np.zeros((8_000, 2)), 8_000)
    >>> with opened(path, Stream) as file:
    ...     [len(block) for block in blocks(path, file)]
    [8000]
    """
    n_samples = 0
    while True:
        block = file.read(BLOCK, dtype="float32", always_2d=True)
        if len(block) == 0:
            break
        n_samples += len(block)
        yield mono(path, block)
    _check_end(path, file, n_samples)


def mono(path, block):
    """Mean of the channels.

    Arguments
    ---------
    path : str or Path
        The file the samples are from.
    block : numpy.ndarray
        ``(S, C)`` float32.

    Returns
    -------
    numpy.ndarray
        ``(S,)`` float32.

    Raises
    ------
    DamagedAudioError
        If a sample is not finite, or a trillion times full scale.

    Example
    -------
    >>> mono("a.wav", np.array([[0.5, 1.5]], np.float32))
    array([1.], dtype=float32)
    """
    least, most = block.min(initial=0), block.max(initial=0)
    if not (np.isfinite(least) and np.isfinite(most)):
        raise damage(path, "non-finite: some samples are NaN or infinite")
    if max(-least, most) > LOUDEST:
        raise damage(path, f"overflow: samples up to {max(-least, most):.3g}")
    # Three times as fast as block.mean(axis=1).
    return np.einsum("sc->s", block) / block.shape[1]


def _check_end(path, file, n_samples):
    # Empty pages after the end, which some Ogg encoders write, are no damage;
    # an MP3 header is only an estimate.
    if file.frames - n_samples > file.samplerate and not is_mpeg(file):
        raise damage(path, truncation(n_samples, file.frames))
