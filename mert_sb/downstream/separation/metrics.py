"""How near estimated stems are to the true ones.

Global SDR (Music Demixing Challenge 2021, arXiv 2108.13559) of a song and stem:

    10 log10((sum s^2 + e) / (sum (s - s')^2 + e)),  e = 1e-7,

over all samples and channels; a split's is the mean over songs. It is not the median over
seconds of BSS eval v4, which the library ``museval`` makes beside it where asked to. A
silent stem has no SDR: it is counted and left out.

K stems, C channels, S samples.

Authors
 * The mert_sb developers 2026
"""

import importlib
import math

import numpy as np

EPSILON = 1e-7
# As mert_sb.audio: nothing louder than a step of 16 bits is silence.
SILENCE = 2.0**-15
BSS_METRICS = ("sdr", "isr", "sir", "sar")


def is_silent(wavs):
    """Whether nothing is heard.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(C, S)``.

    Returns
    -------
    bool
        True for silence and for nothing at all.

    Example
    -------
    >>> import torch
    >>> is_silent(torch.zeros(2, 8)), is_silent(torch.ones(2, 8))
    (True, False)
    """
    return not wavs.numel() or wavs.abs().max().item() <= SILENCE


def global_sdr(true, estimate):
    """Signal to distortion ratio of a whole song.

    Arguments
    ---------
    true : torch.Tensor
        ``(C, S)``.
    estimate : torch.Tensor
        ``(C, S)``.

    Returns
    -------
    float
        In dB.

    Raises
    ------
    ValueError
        If a sample of the estimate is not finite.

    Example
    -------
    >>> import torch
    >>> true = torch.ones(2, 50)
    >>> round(global_sdr(true, 0.9 * true), 3)
    20.0
    """
    if not estimate.isfinite().all():
        raise ValueError(
            "estimate: the model gives NaN or infinity, and there is no SDR; go back "
            "to an earlier checkpoint, or lower the learning rate"
        )
    signal = true.double().square().sum().item()
    error = (true.double() - estimate.double()).square().sum().item()
    return 10 * math.log10((signal + EPSILON) / (error + EPSILON))


def song_scores(track, stems, true, estimates, mixture):
    """Scores of a song.

    Arguments
    ---------
    track : str
        Its name.
    stems : list of str
        Names of the K stems.
    true : torch.Tensor
        ``(K, C, S)``.
    estimates : torch.Tensor
        ``(K, C, S)``.
    mixture : torch.Tensor
        ``(C, S)``.

    Returns
    -------
    dict
        ``track``, and by stem ``sdr`` and ``mixture_sdr``, of the mixture itself as an
        estimate; None for silent stems.

    Example
    -------
    >>> import torch
    >>> true = torch.tensor([[[1.0, 1.0]], [[0.0, 0.0]]])
    >>> song_scores("a", ["x", "y"], true, true / 2, true.sum(0))["sdr"]
    {'x': 6.02059..., 'y': None}
    """
    scores = {"track": track, "sdr": {}, "mixture_sdr": {}}
    for stem, wavs, estimate in zip(stems, true, estimates, strict=True):
        silent = is_silent(wavs)
        for key, other in (("sdr", estimate), ("mixture_sdr", mixture)):
            scores[key][stem] = None if silent else global_sdr(wavs, other)
    return scores


def mean_sdrs(scores, stems):
    """Means of a split: over songs, then over stems.

    Arguments
    ---------
    scores : list of dict
        From ``song_scores``.
    stems : list of str
        Names of the stems.

    Returns
    -------
    dict of str to float
        ``sdr``, ``sdr_<stem>``, ``mixture_sdr``, ``mixture_sdr_<stem>`` and
        ``silent_stems``, a number of songs' stems. Of a stem that is silent in every
        song the value is None.

    Raises
    ------
    ValueError
        If every stem of every song is silent.

    Example
    -------
    >>> score = {
    ...     "sdr": {"x": 1.0, "y": None},
    ...     "mixture_sdr": {"x": 0.0, "y": None},
    ... }
    >>> means = mean_sdrs([score], ["x", "y"])
    >>> means["sdr"], means["sdr_y"], means["silent_stems"]
    (1.0, None, 1)
    """
    means = {}
    for key in ("sdr", "mixture_sdr"):
        each = {stem: _mean(s[key][stem] for s in scores) for stem in stems}
        means[key] = _mean(each.values())
        means |= {f"{key}_{stem}": value for stem, value in each.items()}
    if means["sdr"] is None:
        raise ValueError(
            "every stem of every song is silent: there is no SDR; check the data"
        )
    values = [value for s in scores for value in s["sdr"].values()]
    return {**means, "silent_stems": values.count(None)}


def bss_medians(true, estimates, sample_rate):
    """BSS eval v4 of a song: medians over seconds.

    Arguments
    ---------
    true : torch.Tensor
        ``(K, C, S)``.
    estimates : torch.Tensor
        ``(K, C, S)``.
    sample_rate : int
        In Hz; windows last a second.

    Returns
    -------
    list of dict or None
        Of each stem ``sdr``, ``isr``, ``sir`` and ``sar``, None where no second gives
        a number; None for a stem that is silent, or estimated as silent, which the
        others then are not compared with.

    Raises
    ------
    ImportError
        If the library is not installed.

    Example
    -------
    >>> import torch
    >>> bss_medians(torch.zeros(1, 2, 8), torch.zeros(1, 2, 8), 24_000)
    [None]
    """
    pairs = zip(true, estimates, strict=True)
    heard = [k for k, pair in enumerate(pairs) if not any(map(is_silent, pair))]
    medians = [None] * len(true)
    if not heard:
        return medians
    *values, _ = bss_library()(
        true[heard].mT.double().cpu().numpy(),
        estimates[heard].mT.double().cpu().numpy(),
        window=sample_rate,
        hop=sample_rate,
    )
    for place, k in enumerate(heard):
        numbers = (finite_median(value[place]) for value in values)
        medians[k] = dict(zip(BSS_METRICS, numbers, strict=True))
    return medians


def finite_median(values):
    """Median of the numbers that are finite.

    Arguments
    ---------
    values : sequence of float
        Seconds in which some stem is silent are NaN; without a rival SIR is infinite.

    Returns
    -------
    float or None
        None if none is.

    Example
    -------
    >>> finite_median([np.nan, 1.0, 3.0]), finite_median([np.inf])
    (2.0, None)
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else None


def bss_library():
    """The library's function, or an error that says how to get it.

    Returns
    -------
    callable
        ``museval.metrics.bss_eval``.

    Raises
    ------
    ImportError
        If it, or ffmpeg, is not installed.

    Example
    -------
    >>> from unittest.mock import patch
    >>> with patch.dict("sys.modules", {"museval.metrics": None}):
    ...     bss_library()
    Traceback (most recent call last):
        ...
    ImportError: museval: True takes museval and ffmpeg: pip install ...
    """
    try:
        return importlib.import_module("museval.metrics").bss_eval
    except (ImportError, RuntimeError) as error:
        # It imports stempeg, which looks for ffmpeg.
        raise ImportError(
            "museval: True takes museval and ffmpeg: pip install "
            f"'mert_sb[separation]', and ffmpeg from your system ({error})"
        ) from error


def _mean(values):
    """Mean of what is not None, or None."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
