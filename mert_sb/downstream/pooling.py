"""From an encoder's hidden states to one vector, over time and over layers; and from the
states of joined frames to states of every frame.

Mean over time and weighted sum over layers may be taken in either order; the mean
first needs less memory.

B batch, S samples, T frames, D width, L layers.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb import frames


def valid_counts(n_samples, wav_lens, subsample=1):
    """Frames that lie within each clip; as in the student, even the shortest keeps one.

    Arguments
    ---------
    n_samples : int
        S, the padded length of the clips.
    wav_lens : torch.Tensor
        ``(B,)`` valid share of each clip.
    subsample : int
        The student's.

    Returns
    -------
    torch.Tensor
        ``(B,)`` int64 on the CPU.

    Example
    -------
    >>> valid_counts(1_040, torch.tensor([1.0, 0.1]))
    tensor([3, 1])
    """
    lengths = (wav_lens * n_samples).round().long().tolist()
    return torch.tensor(
        [max(1, frames.n_frames(length, subsample)) for length in lengths]
    )


def mean_over_time(states, n_samples, wav_lens=None, subsample=1):
    """Mean over the frames that lie within each clip.

    Arguments
    ---------
    states : torch.Tensor
        ``(..., B, T, D)``.
    n_samples : int
        S, the padded length of the clips that the states are of.
    wav_lens : torch.Tensor, optional
        ``(B,)`` valid share of each clip. None: all valid.
    subsample : int
        The student's: frames of ``mert_sb.frames`` in one of the states'.

    Returns
    -------
    torch.Tensor
        ``(..., B, D)``.

    Example
    -------
    >>> states = torch.arange(3.0).reshape(
    ...     1, 3, 1
    ... )  # 3 frames need 1,040 samples
    >>> mean_over_time(states, 1_040)
    tensor([[1.]])
    >>> mean_over_time(states, 1_040, torch.tensor([720 / 1_040]))
    tensor([[0.5000]])
    """
    if wav_lens is None:
        return states.mean(-2)
    counts = valid_counts(n_samples, wav_lens, subsample).unsqueeze(-1)
    counts = counts.to(states.device)
    valid = torch.arange(states.shape[-2], device=states.device) < counts
    total = states.masked_fill(~valid.unsqueeze(-1), 0.0).sum(-2)
    return total / counts


def at_every_frame(states, n_samples, subsample, wav_lens=None):
    """States of joined frames, interpolated to every frame of ``mert_sb.frames``.

    Linearly between the centres of two joined frames; before the first centre and after
    the last one it is theirs. Tasks that look at frames are then the same for a student
    of any rate: their targets, spectrograms and decoders keep 75 frames a second at 24
    kHz. (At 25 a second a beat is 7 frames long at 214 beats a minute and 8 at 187;
    ``BarPointer`` there finds every second beat of made songs at 120, 140 and 200, an
    F-measure of 0.67. On interpolated outputs it finds all of them, 0.99.)

    Arguments
    ---------
    states : torch.Tensor
        ``(..., B, T // n, D)``.
    n_samples : int
        S, the length of the clips that the states are of.
    subsample : int
        n, the student's.
    wav_lens : torch.Tensor, optional
        ``(B,)`` valid share of each clip; what is not valid is not looked at. None:
        all valid.

    Returns
    -------
    torch.Tensor
        ``(..., B, T, D)``.

    Example
    -------
    >>> states = torch.tensor([[[0.0], [3.0]]])
    >>> at_every_frame(states, frames.n_samples(7), subsample=3).flatten()
    tensor([0., 0., 1., 2., 3., 3., 3.])
    """
    if subsample == 1:
        return states
    device, n_joined = states.device, states.shape[-2]
    every = torch.arange(frames.n_frames(n_samples), device=device)
    # Where centres of frames lie among those of joined ones.
    places = (every - (subsample - 1) / 2).clamp(min=0) / subsample
    last = torch.tensor([n_joined])
    if wav_lens is not None:
        last = valid_counts(n_samples, wav_lens, subsample)
    last = (last - 1).to(device).unsqueeze(-1)
    places = torch.minimum(places, last.to(places.dtype))
    before = places.long()
    share = (places - before).to(states.dtype).unsqueeze(-1)
    return torch.lerp(
        _taken(states, before),
        _taken(states, torch.minimum(before + 1, last)),
        share,
    )


def _taken(states, index):
    """States ``(..., B, T, D)`` at frames ``(B, T)``, or ``(1, T)`` for all clips."""
    if len(index) == 1:
        return states.index_select(-2, index[0])
    index = index.unsqueeze(-1).expand(
        *states.shape[:-2], index.shape[-1], states.shape[-1]
    )
    return states.gather(-2, index)
