"""What of a padded clip is valid, in samples and in frames.

B batch, S samples, T frames.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb import frames


def within(counts, length):
    """Positions before each clip's end.

    Arguments
    ---------
    counts : torch.Tensor
        ``(B,)``.
    length : int
        Positions, S or T.

    Returns
    -------
    torch.Tensor
        ``(B, length)`` bool.

    Example
    -------
    >>> within(torch.tensor([1, 3]), 3).int().tolist()
    [[1, 0, 0], [1, 1, 1]]
    """
    return torch.arange(length, device=counts.device) < counts[:, None]


def valid_samples(wavs, wav_lens):
    """Samples of each clip.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(B, S)``.
    wav_lens : torch.Tensor or None
        ``(B,)`` valid share of each clip.

    Returns
    -------
    torch.Tensor or None
        ``(B,)`` int64; None where all are valid.

    Example
    -------
    >>> valid_samples(torch.zeros(2, 800), torch.tensor([1.0, 0.5]))
    tensor([800, 400])
    """
    if wav_lens is None or bool((wav_lens == 1).all()):
        return None
    return (wav_lens * wavs.shape[-1]).round().long()


def valid_frames(samples, n_frames, subsample=1):
    """Frames of each clip; even the shortest keeps one.

    Arguments
    ---------
    samples : torch.Tensor or None
        ``(B,)`` valid samples.
    n_frames : int
        T, of the student.
    subsample : int
        Frames of the clock in one frame of the student.

    Returns
    -------
    torch.Tensor or None
        ``(B, T)`` bool; None where all are valid.

    Example
    -------
    >>> valid_frames(torch.tensor([1_040, 400, 9]), 3).sum(-1)
    tensor([3, 1, 1])
    """
    if samples is None:
        return None
    counts = [
        max(1, frames.n_frames(count, subsample)) for count in samples.tolist()
    ]
    return within(torch.tensor(counts, device=samples.device), n_frames)


def check_length(wavs):
    """Refuse clips that have no frame.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(B, S)``.

    Raises
    ------
    ValueError
        If they are shorter than the clock's receptive field.

    Example
    -------
    >>> check_length(torch.zeros(2, 399))
    Traceback (most recent call last):
        ...
    ValueError: clips of 399 samples are shorter than one frame of 400
    """
    if wavs.shape[-1] < frames.RECEPTIVE_FIELD:
        raise ValueError(
            f"clips of {wavs.shape[-1]} samples are shorter than one frame of "
            f"{frames.RECEPTIVE_FIELD}"
        )


def check_statistics(statistics, wavs, wav_lens):
    """Refuse statistics with padding, or of another batch.

    Arguments
    ---------
    statistics : mert_sb.student.statistics.WavStatistics or None
        Of the recordings that the clips are windows of.
    wavs : torch.Tensor
        ``(B, S)``.
    wav_lens : torch.Tensor or None
        ``(B,)``.

    Raises
    ------
    ValueError
        If they do not belong to these clips.

    Example
    -------
    >>> check_statistics(None, torch.zeros(2, 400), None)
    """
    if statistics is None:
        return
    if wav_lens is not None:
        raise ValueError(
            "statistics and wav_lens together: windows of a file have no padding; "
            "give windows of one length"
        )
    if statistics.mean.shape != wavs.shape[:1]:
        raise ValueError(
            f"statistics of shape {tuple(statistics.mean.shape)} for "
            f"{len(wavs)} clips: stack one for each with WavStatistics.stack"
        )
