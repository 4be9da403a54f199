"""Reading with channels: a part of a file, or all of it block by block.

As ``mert_sb.audio.reader`` and ``mert_sb.audio.windows``, but nothing is mixed down:
stems are stereo.

C channels, S samples.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import torch

from mert_sb.audio.decode import BLOCK, Stream, damage, opened, read_from
from mert_sb.audio.header import rate_of, truncation
from mert_sb.audio.resample import input_span, resample
from mert_sb.audio.seek import is_mpeg, start_of_decoding


def read_channels(path, start, length, sample_rate):
    """Read a part of a file.

    Arguments
    ---------
    path : str or Path
        An audio file.
    start : int
        First sample, counted at ``sample_rate``.
    length : int
        Number of samples at ``sample_rate``.
    sample_rate : int
        Rate wanted, in Hz.

    Returns
    -------
    torch.Tensor
        ``(C, length)`` float32.

    Raises
    ------
    DamagedAudioError
        If the part reaches past the end of the file, cannot be decoded, or has
        samples that are not finite.
    ValueError
        If it is no part, or the file's rate is an odd one, see ``check_rates``.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, np.zeros((22_050, 2)), 44_100)
    >>> read_channels(path, 320, 400, 24_000).shape
    torch.Size([2, 400])
    """
    if start < 0 or length < 1:
        raise ValueError(f"no part of {length} samples from {start} in {path}")
    with opened(path) as file:
        rate = rate_of(path, file, sample_rate)
        begin, stop, skip = input_span(start, length, rate, sample_rate)
        stop = min(stop, file.frames)
        block, first = np.zeros((0, file.channels), np.float32), begin
        if begin < stop:
            first = start_of_decoding(path, file, begin)
            block = read_from(path, file, first, stop)
    channels = _checked(path, block)[:, begin - first :]
    crop = channels
    if channels.shape[1] > 0:  # else the file ends before the part
        crop = resampled(channels, rate, sample_rate)[:, skip : skip + length]
    if crop.shape[1] < length:
        raise damage(
            path,
            f"too short: samples {start} to {start + length} were asked for at "
            f"{sample_rate} Hz, of which {crop.shape[1]} are there",
        )
    return crop


def stream_channels(path):
    """Read a whole file block by block, at its own rate.

    Arguments
    ---------
    path : str or Path
        An audio file.

    Yields
    ------
    torch.Tensor
        ``(C, S)`` float32.

    Raises
    ------
    DamagedAudioError
        If the file cannot be decoded to its end, has no samples, or has some
        that are not finite.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, np.zeros((200_000, 2)), 44_100)
    >>> [tuple(block.shape) for block in stream_channels(path)]
    [(2, 131072), (2, 68928)]
    """
    done = 0
    with opened(path, Stream) as file:
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            done += len(block)
            yield _checked(path, block)
        # As of mono reading: an MP3's header only estimates its length.
        if file.frames - done > file.samplerate and not is_mpeg(file):
            raise damage(path, truncation(done, file.frames))
    if not done:
        raise damage(path, "empty: the file holds no samples")


def resampled(wavs, orig, new):
    """Resample each channel.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(..., S)`` float32.
    orig : int
        Original rate in Hz.
    new : int
        New rate in Hz.

    Returns
    -------
    torch.Tensor
        ``(..., ceil(S * new / orig))``.

    Example
    -------
    >>> resampled(torch.zeros(3, 2, 44_100), 44_100, 24_000).shape
    torch.Size([3, 2, 24000])
    """
    rows = wavs.reshape(-1, wavs.shape[-1])
    rows = torch.stack([resample(row, orig, new) for row in rows])
    return rows.view(*wavs.shape[:-1], -1)


def stereo(wavs, path="the clip"):
    """Two channels of whatever there is.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(C, S)``, of one channel or two.
    path : str or Path
        Where they are from, for the error.

    Returns
    -------
    torch.Tensor
        ``(2, S)``.

    Raises
    ------
    ValueError
        If there are more channels.

    Example
    -------
    >>> stereo(torch.zeros(1, 8)).shape
    torch.Size([2, 8])
    """
    if len(wavs) > 2:
        raise ValueError(
            f"{path}: {len(wavs)} channels, but one or two are wanted; mix them "
            "down first"
        )
    return wavs.expand(2, -1)


def _checked(path, block):
    """Samples ``(S, C)`` as channels, if all are finite."""
    if not np.isfinite(block).all():
        raise damage(path, "non-finite: some samples are NaN or infinite")
    return torch.from_numpy(np.ascontiguousarray(block.T))
