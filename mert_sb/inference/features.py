"""Features as they are handed out: which layers, at what times, pooled or not.

B batch, S samples, T frames, D width, L layers, n layers asked for.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import torch

from mert_sb import frames


class Features(NamedTuple):
    """Hidden states of a file or a part of it.

    Arguments
    ---------
    states : torch.Tensor
        ``(L + 1, T, D)``, ``(n, T, D)`` or ``(T, D)`` float32 on the CPU; pooled,
        without T.
    times : torch.Tensor, optional
        ``(T,)`` float64, the centre of each frame in seconds from the start of
        the file. None if the states are pooled over time.

    Example
    -------
    >>> Features(torch.zeros(2, 8), frame_times(0, 2, 24_000)).times.tolist()
    [0.0083125, 0.021645833333333333]
    """

    states: torch.Tensor
    times: torch.Tensor | None


def frame_times(first, stop, sample_rate, subsample=1):
    """Centres of frames in seconds.

    Arguments
    ---------
    first : int
        First frame.
    stop : int
        One past the last.
    sample_rate : int
        In Hz.
    subsample : int
        The student's: frames joined into one.

    Returns
    -------
    torch.Tensor
        ``(stop - first,)`` float64.

    Example
    -------
    >>> frame_times(75, 76, 24_000)
    tensor([1.0083], dtype=torch.float64)
    >>> frame_times(25, 26, 24_000, subsample=3)
    tensor([1.0216], dtype=torch.float64)
    """
    indices = torch.arange(first, stop, dtype=torch.float64)
    return frames.centre(indices, subsample) / sample_rate


def states_argument(layers):
    """The student's ``output_hidden_states`` for a choice of layers.

    Arguments
    ---------
    layers : None, int, sequence of int or "mean"
        What the user asks for.

    Returns
    -------
    bool or tuple of int
        What the student must give.

    Raises
    ------
    ValueError
        If it is none of these.

    Example
    -------
    >>> states_argument(-1), states_argument([6, 7]), states_argument("mean")
    ((-1,), (6, 7), True)
    """
    if layers is None or isinstance(layers, str) and layers == "mean":
        return True
    if type(layers) is int:
        return (layers,)
    if isinstance(layers, (list, tuple, range)) and layers:
        if all(type(layer) is int for layer in layers):
            return tuple(layers)
    raise ValueError(
        f"layers: {layers!r} is none of None, an index, a list of indices, 'mean'"
    )


def chosen(states, layers):
    """What was asked for, of the states that the student gave.

    Arguments
    ---------
    states : torch.Tensor
        ``(n, B, T, D)``.
    layers : None, int, sequence of int or "mean"
        As in ``states_argument``.

    Returns
    -------
    torch.Tensor
        ``(B, T, D)`` for an index or the mean, else ``(n, B, T, D)``; float32.

    Example
    -------
    >>> chosen(torch.zeros(1, 2, 9, 8), 6).shape
    torch.Size([2, 9, 8])
    """
    if layers == "mean":
        return states.mean(0, dtype=torch.float32)
    return states[0].float() if isinstance(layers, int) else states.float()


def check_wavs(wavs, wav_lens=None):
    """Refuse clips that give no meaningful features.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(B, S)`` wanted.
    wav_lens : torch.Tensor, optional
        ``(B,)`` in (0, 1] wanted.

    Raises
    ------
    ValueError
        If shapes or numbers are others.

    Example
    -------
    >>> check_wavs(torch.zeros(400))
    Traceback (most recent call last):
        ...
    ValueError: wavs: shape (400,), but (batch, samples) is wanted...
    """
    for name, value in (("wavs", wavs), ("wav_lens", wav_lens)):
        if not (value is None or isinstance(value, torch.Tensor)):
            raise ValueError(
                f"{name}: a {type(value).__name__}, but a tensor is wanted"
            )
    if wavs.is_complex():
        raise ValueError(f"wavs: of {wavs.dtype}, but real numbers are wanted")
    if wavs.dim() != 2:
        raise ValueError(
            f"wavs: shape {tuple(wavs.shape)}, but (batch, samples) is wanted; "
            "of one clip make wavs[None], of channels their mean"
        )
    if not wavs.isfinite().all():
        raise ValueError("wavs: some samples are NaN or infinite")
    if wav_lens is None:
        return
    if wav_lens.shape != wavs.shape[:1]:
        raise ValueError(
            f"wav_lens: shape {tuple(wav_lens.shape)}, but one share for each of "
            f"{len(wavs)} clips is wanted"
        )
    if not ((wav_lens > 0) & (wav_lens <= 1)).all():
        raise ValueError(
            f"wav_lens: {wav_lens.tolist()} are not all in (0, 1]; they are "
            "shares of the longest clip, not samples"
        )


def joined(pieces, n_frames):
    """Join pieces into one tensor, made once.

    Arguments
    ---------
    pieces : iterable of Features
        Consecutive ones.
    n_frames : int
        T, the frames of all of them.

    Returns
    -------
    Features
        Of all frames.

    Example
    -------
    >>> piece = Features(torch.ones(2, 3, 8), frame_times(0, 3, 24_000))
    >>> joined([piece, piece], 6).states.shape
    torch.Size([2, 6, 8])
    """
    states, times, done = None, [], 0
    for piece in pieces:
        *layers, length, dim = piece.states.shape
        if states is None:
            states = piece.states.new_empty(*layers, n_frames, dim)
        states[..., done : done + length, :] = piece.states
        times.append(piece.times)
        done += length
    return Features(states, torch.cat(times))


def mean_over_time(pieces):
    """Mean over time of pieces, of which only one at a time is held.

    Arguments
    ---------
    pieces : iterable of Features
        Consecutive ones.

    Returns
    -------
    Features
        States without T, summed in float64; times None.

    Example
    -------
    >>> piece = Features(torch.ones(2, 3, 8), frame_times(0, 3, 24_000))
    >>> mean_over_time([piece, piece]).states.shape
    torch.Size([2, 8])
    """
    total, n_frames = 0, 0
    for piece in pieces:
        total = total + piece.states.sum(-2, dtype=torch.float64)
        n_frames += piece.states.shape[-2]
    return Features((total / n_frames).float(), None)
