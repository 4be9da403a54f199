"""From one sample rate to another, the whole file or only a part of it.

A file of ``n`` samples has ``ceil(n * new / orig)`` after resampling. With both
rates divided by their greatest common divisor, output ``m * new + p`` is a
fixed filter ``p`` over the input around ``m * orig``; so a part that begins on
a multiple of ``orig``, with the filter's width to spare, gives the samples of
the whole.

Authors
 * The mert_sb developers 2026
"""

import functools
import math

import torch
import torchaudio

# Rates with a small common divisor need a filter for each of very many phases:
# 44,101 to 24,000 Hz takes 4 GB. 44,056 and 11,127 Hz stay below this limit.
MOST_FILTER_TAPS = 2**26


def resampled_length(n_samples, orig, new):
    """Number of samples of a clip after resampling.

    Arguments
    ---------
    n_samples : int
        Length at the original rate.
    orig : int
        Original rate in Hz.
    new : int
        New rate in Hz.

    Returns
    -------
    int
        ``ceil(n_samples * new / orig)``, exact for any length.

    Example
    -------
    >>> resampled_length(44_101, 44_100, 24_000)
    24001
    """
    return -(-n_samples * new // orig)


def check_rates(orig, new):
    """Refuse a pair of rates whose resampling filter would not fit in memory.

    Arguments
    ---------
    orig : int
        Original rate in Hz.
    new : int
        New rate in Hz.

    Raises
    ------
    ValueError
        If the filter is larger than ``MOST_FILTER_TAPS``.

    Example
    -------
    >>> check_rates(44_100, 24_000)
    """
    step_in, step_out = _steps(orig, new)
    taps = step_out * (step_in + 12 * max(step_in // step_out, 1))
    if orig != new and taps > MOST_FILTER_TAPS:
        raise ValueError(
            f"resampling {orig} Hz to {new} Hz takes a filter of {taps:,} "
            "taps; convert the file to a usual rate first"
        )


def input_span(start, length, orig, new):
    """Which input samples decide a stretch of the resampled signal.

    Arguments
    ---------
    start : int
        First output sample wanted.
    length : int
        Number of output samples wanted.
    orig : int
        Original rate in Hz.
    new : int
        New rate in Hz.

    Returns
    -------
    tuple of (int, int, int)
        Begin and end of the input, the begin on a whole step of the filter bank
        and the end possibly after the end of the file, and how many output
        samples of that input to drop in front.

    Example
    -------
    >>> input_span(8_000, 80, 44_100, 24_000)
    (14553, 14859, 80)
    >>> input_span(8_000, 80, 24_000, 24_000)
    (8000, 8080, 0)
    """
    if orig == new:
        return start, start + length, 0
    step_in, step_out = _steps(orig, new)
    width = _resampler(orig, new).width
    first = max(start // step_out - math.ceil(width / step_in), 0)
    last = (start + length - 1) // step_out
    stop = (last + 1) * step_in + width
    return first * step_in, stop, start - first * step_out


def settled_length(n_samples, orig, new):
    """Number of resampled samples that input yet to come does not change.

    Arguments
    ---------
    n_samples : int
        Length of the input so far.
    orig : int
        Original rate in Hz.
    new : int
        New rate in Hz.

    Returns
    -------
    int
        Those that ``input_span`` says can be made of this input.

    Example
    -------
    >>> settled_length(44_100, 44_100, 24_000)
    23920
    >>> settled_length(24_000, 24_000, 24_000)
    24000
    """
    if orig == new:
        return n_samples
    step_in, step_out = _steps(orig, new)
    n_steps = (n_samples - _resampler(orig, new).width) // step_in
    return max(n_steps, 0) * step_out


def resample(wav, orig, new):
    """Resample a waveform.

    Arguments
    ---------
    wav : torch.Tensor
        ``(S,)`` at the original rate, float32.
    orig : int
        Original rate in Hz.
    new : int
        New rate in Hz.

    Returns
    -------
    torch.Tensor
        ``(resampled_length(S, orig, new),)``.

    Example
    -------
    >>> resample(torch.ones(44_100), 44_100, 24_000).shape
    torch.Size([24000])
    """
    if orig == new or len(wav) == 0:
        return wav
    length = resampled_length(len(wav), orig, new)
    # torchaudio rounds the new length to float32: above 2**24 samples it may
    # cut some off. Zeros after the end change nothing else, it adds its own.
    spare = max(len(wav), length) >> 22
    wav = torch.nn.functional.pad(wav, (0, spare)) if spare else wav
    return _resampler(orig, new)(wav)[:length]


@functools.lru_cache(maxsize=8)
def _resampler(orig, new):
    check_rates(orig, new)
    return torchaudio.transforms.Resample(orig, new)


def _steps(orig, new):
    divisor = math.gcd(orig, new)
    return orig // divisor, new // divisor
