"""Files of any length, piece by piece: decoded once, in order, in little memory.

Pieces and windows equal slices of ``read_audio`` within rounding. Nothing seeks,
and nothing asks the header for the length, which for an MP3 is an estimate.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.audio.decode import Stream, blocks, damage, opened
from mert_sb.audio.header import rate_of
from mert_sb.audio.resample import (
    input_span,
    resample,
    resampled_length,
    settled_length,
)


def stream_blocks(path, sample_rate):
    """Read a whole file in consecutive pieces.

    Arguments
    ---------
    path : str or Path
        An audio file.
    sample_rate : int
        Rate wanted, in Hz.

    Yields
    ------
    torch.Tensor
        ``(S,)`` float32, of various lengths of a few seconds; joined they are
        ``read_audio(path, sample_rate)``.

    Raises
    ------
    DamagedAudioError
        If the file cannot be decoded to its end, has no samples, or has some
        that are not finite.
    ValueError
        If its rate is an odd one, see ``check_rates``.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.flac"
    >>> soundfile.write(path, [0.0] * 441_000, 44_100)
    >>> [len(block) for block in stream_blocks(path, 24_000)]
    [71280, 71360, 71280, 26000, 80]
    """
    with opened(path, Stream) as file:
        rate = rate_of(path, file, sample_rate)
        held, begin, done = torch.zeros(0), 0, 0
        for block in blocks(path, file):
            held = torch.cat([held, torch.from_numpy(block)])
            ready = settled_length(begin + len(held), rate, sample_rate)
            if ready > done:
                yield _resampled(held, begin, done, ready, rate, sample_rate)
                done = ready
                needed, _, _ = input_span(done, 1, rate, sample_rate)
                held, begin = held[needed - begin :], needed
    n_samples = begin + len(held)
    if n_samples == 0:
        raise damage(path, "empty: the file holds no samples")
    total = resampled_length(n_samples, rate, sample_rate)
    if total > done:
        yield _resampled(held, begin, done, total, rate, sample_rate)


def _resampled(held, begin, start, stop, orig, new):
    """Output ``start`` to ``stop`` from input that begins at ``begin``."""
    first, last, skip = input_span(start, stop - start, orig, new)
    wav = resample(held[first - begin : last - begin], orig, new)
    return wav[skip : skip + stop - start]


def stream_windows(path, sample_rate, starts, length):
    """Read windows of a file, in one go from its start.

    Arguments
    ---------
    path : str or Path
        An audio file.
    sample_rate : int
        Rate wanted, in Hz.
    starts : iterable of int
        First sample of each window at ``sample_rate``, ascending; windows may
        overlap.
    length : int
        Samples of a window.

    Yields
    ------
    torch.Tensor
        ``(length,)`` float32, samples ``start`` to ``start + length`` of
        ``read_audio(path, sample_rate)``.

    Raises
    ------
    DamagedAudioError
        As ``stream_blocks``, or if the file ends before a window does.
    ValueError
        If a window begins before the one ahead of it.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.flac"
    >>> soundfile.write(path, [0.0] * 44_100, 44_100)
    >>> windows = stream_windows(path, 24_000, [0, 8_000, 16_000], 8_000)
    >>> [len(window) for window in windows]
    [8000, 8000, 8000]
    """
    source = stream_blocks(path, sample_rate)
    held, begin, end, former = [], 0, 0, 0
    for start in starts:
        if start < former:
            raise ValueError(f"starts: {start} after {former}; sort them")
        former = start
        while end < start + length:
            block = next(source, None)
            if block is None:
                raise damage(
                    path,
                    f"too short: a window ends at {start + length} at "
                    f"{sample_rate} Hz, the file at {end}",
                )
            held.append(block)
            end += len(block)
            begin = _drop_before(start, held, begin)
        begin = _drop_before(start, held, begin)
        # A copy: as a view it would take all that is held to another process.
        yield torch.cat(held)[start - begin :][:length].clone()


def _drop_before(start, held, begin):
    """Drop blocks that end before a sample; where the rest begins."""
    while held and begin + len(held[0]) <= start:
        begin += len(held.pop(0))
    return begin
