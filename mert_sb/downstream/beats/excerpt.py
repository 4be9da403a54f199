"""An excerpt of the test, to be looked at: what was heard, found, and true.

``excerpt.npz`` holds plain arrays, so that a figure needs neither the audio nor the
upstream again.

S samples, T frames, M bands, N beats.

Authors
 * The mert_sb developers 2026
"""

import zipfile
import zlib

import numpy as np

from mert_sb import frames
from mert_sb.archives import refuse_packed
from mert_sb.downstream.upstreams import MelFrames
from mert_sb.shard import UNREADABLE
from mert_sb.writing import whole

SECONDS = 12.0
N_MELS = 80
# Of one there are some hundreds of kilobytes.
MOST_BYTES = 2**26
TIMES = ("beats", "downbeats", "true_beats", "true_downbeats")


def cut_excerpt(
    track, wav, sample_rate, activations, estimate, reference, seconds=SECONDS
):
    """Cut the beginning of a file and of what is known about it.

    Arguments
    ---------
    track : str
        The file's.
    wav : torch.Tensor
        ``(S,)``.
    sample_rate : int
        In Hz.
    activations : numpy.ndarray
        ``(T, 2)`` probabilities of beat and downbeat.
    estimate : tuple of (numpy.ndarray, numpy.ndarray)
        Beats and downbeats found, in seconds.
    reference : tuple of (list of float, list of float)
        The true ones.
    seconds : float
        How much is kept.

    Returns
    -------
    dict of str to numpy.ndarray
        ``track``, ``seconds``, ``frame_rate``, ``spectrogram`` ``(T, M)`` in log-mel
        bands, ``activations`` ``(T, 2)``, and in seconds ``beats``, ``downbeats``,
        ``true_beats`` and ``true_downbeats``.

    Example
    -------
    >>> import torch
    >>> beats = np.array([0.5, 1.5]), np.array([0.5])
    >>> excerpt = cut_excerpt(
    ...     *("a", torch.rand(48_000), 24_000, np.zeros((149, 2))),
    ...     *(beats, beats),
    ...     seconds=1.0,
    ... )
    >>> excerpt["spectrogram"].shape, excerpt["beats"].tolist()
    ((74, 80), [0.5])
    """
    wav = wav.detach().float().cpu()[: round(seconds * sample_rate)]
    bands = MelFrames(sample_rate=sample_rate, n_mels=N_MELS)(wav[None])[0, 0]
    heard = min(seconds, len(wav) / sample_rate)
    times = {}
    for name, values in zip(TIMES, (*estimate, *reference), strict=True):
        values = np.asarray(values, dtype=np.float64)
        times[name] = values[(values >= 0) & (values < heard)]
    return {
        "track": np.array(track),
        "seconds": np.array(heard),
        "frame_rate": np.array(frames.frame_rate(sample_rate)),
        "spectrogram": bands.numpy().astype(np.float16),
        "activations": activations[: len(bands)].astype(np.float16),
        **times,
    }


def write_excerpt(path, excerpt):
    """Write an excerpt.

    Arguments
    ---------
    path : pathlib.Path
        ``excerpt.npz``.
    excerpt : dict of str to numpy.ndarray
        From ``cut_excerpt``.

    Example
    -------
    >>> path = getfixture("tmp_path") / "excerpt.npz"
    >>> write_excerpt(path, {"seconds": np.array(1.0)})
    >>> float(read_excerpt(path)["seconds"])
    1.0
    """
    with whole(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(file, **excerpt)


def read_excerpt(path):
    """Read an excerpt.

    Arguments
    ---------
    path : str or pathlib.Path
        ``excerpt.npz``.

    Returns
    -------
    dict of str to numpy.ndarray
        As of ``cut_excerpt``.

    Raises
    ------
    ValueError
        If it is damaged.

    Example
    -------
    >>> path = getfixture("tmp_path") / "excerpt.npz"
    >>> write_excerpt(path, {"track": np.array("a")})
    >>> str(read_excerpt(path)["track"])
    'a'
    """
    try:
        refuse_packed(path, MOST_BYTES)
        # MemoryError: room for what a head asks is made before it is read.
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (*UNREADABLE, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: damaged ({error}); delete it and run the test again"
        ) from error
