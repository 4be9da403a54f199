"""Reading: a file or a crop of it as mono samples at the student's rate.

``read_crop`` equals a slice of ``read_audio`` to within rounding and decodes
only what it needs. Opus below about 25 kb/s is the exception: its speech
decoder keeps a memory of all before, and a crop differs a little from the
whole.

An MP3 of varying bit rate without a Xing header has no known length: libsndfile
guesses one from the first frames and reads no further than that.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import numpy as np
import torch

from mert_sb.audio.decode import (
    DamagedAudioError,
    Stream,
    blocks,
    damage,
    decode,
    opened,
)
from mert_sb.audio.header import rate_of
from mert_sb.audio.resample import input_span, resample, resampled_length
from mert_sb.frames import HOP_LENGTH

__all__ = [
    "AudioInfo",
    "DamagedAudioError",
    "audio_info",
    "draw_crop_start",
    "read_audio",
    "read_crop",
    "resampled_length",
    "window_starts",
]


class AudioInfo(NamedTuple):
    """What a file's header says.

    Arguments
    ---------
    n_samples : int
        Samples per channel at the file's rate; an estimate for MP3.
    sample_rate : int
        The file's rate in Hz.
    n_channels : int
        Number of channels.

    Example
    -------
    >>> AudioInfo(48_000, 24_000, 2).n_channels
    2
    """

    n_samples: int
    sample_rate: int
    n_channels: int


def audio_info(path):
    """Length, rate and channels, from the header alone.

    Arguments
    ---------
    path : str or Path
        An audio file.

    Returns
    -------
    AudioInfo
        Samples, rate and channels.

    Raises
    ------
    DamagedAudioError
        If the file cannot be opened.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.flac"
    >>> soundfile.write(path, np.zeros((22_050, 2)), 44_100)
    >>> audio_info(path)
    AudioInfo(n_samples=22050, sample_rate=44100, n_channels=2)
    """
    with opened(path) as file:
        return AudioInfo(file.frames, file.samplerate, file.channels)


def read_audio(path, sample_rate):
    """Read a whole file.

    Arguments
    ---------
    path : str or Path
        An audio file.
    sample_rate : int
        Rate wanted, in Hz.

    Returns
    -------
    torch.Tensor
        ``(S,)`` float32, the mean of the channels, resampled; ``S`` is
        ``resampled_length(samples of the file, its rate, sample_rate)``.

    Raises
    ------
    DamagedAudioError
        If the file cannot be decoded to its end, has no samples, or has some
        that are not finite. Silence is legal.
    ValueError
        If its rate is an odd one, see ``check_rates``.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.flac"
    >>> soundfile.write(path, np.zeros((22_050, 2)), 44_100)
    >>> read_audio(path, 24_000).shape
    torch.Size([12000])
    """
    with opened(path, Stream) as file:
        rate = rate_of(path, file, sample_rate)
        pieces = list(blocks(path, file))
    if not pieces:
        raise damage(path, "empty: the file holds no samples")
    wav = torch.from_numpy(np.concatenate(pieces))
    return resample(wav, rate, sample_rate)


def read_crop(path, start, length, sample_rate):
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
        ``(length,)`` float32, samples ``start`` to ``start + length`` of
        ``read_audio(path, sample_rate)``.

    Raises
    ------
    DamagedAudioError
        If the crop reaches past the end of the file, cannot be decoded, or has
        samples that are not finite.
    ValueError
        If it is no crop, or the file's rate is an odd one, see ``check_rates``.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.flac"
    >>> soundfile.write(path, np.zeros((22_050, 2)), 44_100)
    >>> read_crop(path, 320, 400, 24_000).shape
    torch.Size([400])
    """
    if start < 0 or length < 1:
        raise ValueError(f"no crop of {length} samples from {start} in {path}")
    with opened(path) as file:
        rate = rate_of(path, file, sample_rate)
        begin, stop, skip = input_span(start, length, rate, sample_rate)
        samples = decode(path, file, begin, stop)
    wav = resample(torch.from_numpy(samples), rate, sample_rate)
    crop = wav[skip : skip + length]
    if len(crop) < length:
        raise damage(
            path,
            f"too short: samples {start} to {start + length} were asked for at "
            f"{sample_rate} Hz, of which {len(crop)} are there",
        )
    return crop


def window_starts(n_samples, crop_samples, step=1):
    """All starts of crops that lie on frames and fit.

    Arguments
    ---------
    n_samples : int
        Length of the file or segment.
    crop_samples : int
        Length of a crop.
    step : int
        Distance of neighbouring starts, in frames.

    Returns
    -------
    range
        Starts in samples, multiples of ``step * HOP_LENGTH``; empty if the crop
        is longer than the segment.

    Example
    -------
    >>> list(window_starts(2_000, 1_000))
    [0, 320, 640, 960]
    >>> list(window_starts(2_000, 1_000, step=2))
    [0, 640]
    """
    return range(0, n_samples - crop_samples + 1, step * HOP_LENGTH)


def draw_crop_start(n_samples, crop_samples, *, step=1, generator):
    """Draw one of ``window_starts``, all equally likely.

    Arguments
    ---------
    n_samples : int
        Length of the file or segment.
    crop_samples : int
        Length of a crop.
    step : int
        Distance of neighbouring starts, in frames.
    generator : torch.Generator
        The dice; see ``mert_sb.seeds.item_generator``.

    Returns
    -------
    int
        A start in samples.

    Raises
    ------
    ValueError
        If no crop fits.

    Example
    -------
    >>> from mert_sb.seeds import item_generator
    >>> generator = item_generator(1337, 1, "a", "crop")
    >>> draw_crop_start(1_000, 1_000, generator=generator)
    0
    """
    starts = window_starts(n_samples, crop_samples, step)
    if not starts:
        raise ValueError(
            f"a crop of {crop_samples} samples does not fit into {n_samples}; "
            "shorten the crop, or prepare with min_seconds of at least a crop"
        )
    index = torch.randint(len(starts), (), generator=generator)
    return starts[int(index)]
