"""Losses of beat tracking, and the targets each of them needs.

Both are binary cross-entropies of frames, one of beats and one of downbeats. A target that
is NaN is not known, and does not count.

B batch, T frames.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch.nn import functional as F

from mert_sb.downstream.beats.targets import hard, widened


class Widened:
    """Cross-entropy with targets that neighbours of a beat share, as the benchmark.

    Arguments
    ---------
    beats : tuple of float
        Targets of the frames next to a beat's, then of those next to them.
    downbeats : tuple of float
        The same for downbeats.

    Example
    -------
    >>> loss = Widened()
    >>> targets = loss.targets([0.04], [], 6, 75)
    >>> targets[:, 0]
    tensor([0.0000, 0.5000, 0.9500, 1.0000, 0.9500, 0.5000])
    >>> loss(torch.zeros(1, 6, 2), targets[None], torch.tensor([6]))
    tensor([0.6931])
    """

    def __init__(self, *, beats=(0.95, 0.5), downbeats=(0.95, 0.5, 0.25)):
        self.shares = tuple(beats), tuple(downbeats)

    def targets(self, beats, downbeats, n_frames, frame_rate):
        """Targets of a clip.

        Arguments
        ---------
        beats : numpy.ndarray
            Seconds; those outside the clip too, if near.
        downbeats : numpy.ndarray
            Seconds.
        n_frames : int
            T.
        frame_rate : float
            Frames per second.

        Returns
        -------
        torch.Tensor
            ``(T, 2)``.
        """
        columns = [
            widened(times, n_frames, frame_rate, shares)
            for times, shares in zip(
                (beats, downbeats), self.shares, strict=True
            )
        ]
        return torch.stack(columns, -1)

    def __call__(self, logits, targets, n_frames):
        """Mean over a clip's frames.

        Arguments
        ---------
        logits : torch.Tensor
            ``(B, T, 2)``.
        targets : torch.Tensor
            ``(B, T, 2)``.
        n_frames : torch.Tensor
            ``(B,)`` frames of a clip; what is behind them is padding.

        Returns
        -------
        torch.Tensor
            ``(B,)``.
        """
        known, targets = _known(targets)
        losses = F.binary_cross_entropy_with_logits(
            logits.float(), targets, reduction="none"
        )
        return _means(losses, _frames(logits) < n_frames[:, None], known)


class ShiftTolerant:
    """Cross-entropy that does not mind beats a few frames early or late.

    At a beat the highest logit within the tolerance counts; frames within twice the
    tolerance of a beat do not count as frames without one; elsewhere the highest logit
    within the tolerance has to be low. The first and the last frames of a clip, twice
    the tolerance, do not count: a beat may be beyond.

    Source: Foscarin, Schlueter and Widmer, "Beat This!", ISMIR 2024, section 3.3.

    Arguments
    ---------
    tolerance : int
        Frames; the paper's 60 ms are 4.5 frames at 75 per second.
    positive_weight : tuple of (float, float)
        Of a beat's and of a downbeat's frame; the default is frames that count to one
        beat at 120 bpm in 4/4, 75 frames per second.

    Example
    -------
    >>> loss = ShiftTolerant(tolerance=1)
    >>> targets = loss.targets([0.04], [0.04], 7, 75)
    >>> logits = torch.full((2, 7, 2), -9.0)
    >>> logits[0, 3], logits[1, 2] = 9.0, 9.0
    >>> on_time, early = loss(
    ...     logits, targets.expand(2, 7, 2), torch.tensor([7, 7])
    ... )
    >>> bool(on_time == early)
    True
    """

    def __init__(self, *, tolerance=4, positive_weight=(20.0, 133.0)):
        self.tolerance = tolerance
        self.positive_weight = tuple(positive_weight)

    def targets(self, beats, downbeats, n_frames, frame_rate):
        """Targets of a clip.

        Arguments
        ---------
        beats : numpy.ndarray
            Seconds.
        downbeats : numpy.ndarray
            Seconds.
        n_frames : int
            T.
        frame_rate : float
            Frames per second.

        Returns
        -------
        torch.Tensor
            ``(T, 2)`` zeros and ones.
        """
        columns = [
            hard(times, n_frames, frame_rate) for times in (beats, downbeats)
        ]
        return torch.stack(columns, -1)

    def __call__(self, logits, targets, n_frames):
        """Mean over a clip's frames but the first and last, near ones counting 0.

        Arguments
        ---------
        logits : torch.Tensor
            ``(B, T, 2)``.
        targets : torch.Tensor
            ``(B, T, 2)`` zeros and ones.
        n_frames : torch.Tensor
            ``(B,)`` frames of a clip; what is behind them is padding.

        Returns
        -------
        torch.Tensor
            ``(B,)``; zero for a clip too short to have frames that count.
        """
        known, targets = _known(targets)
        highest = _spread(logits.float(), self.tolerance)
        near = _spread(targets, 2 * self.tolerance)
        losses = F.binary_cross_entropy_with_logits(
            highest,
            targets,
            weight=targets + 1 - near,
            pos_weight=torch.tensor(self.positive_weight).to(highest),
            reduction="none",
        )
        # From these frames on the windows above reach beyond the clip.
        edge, frames = 2 * self.tolerance, _frames(logits)
        counted = (frames >= edge) & (frames < n_frames[:, None] - edge)
        return _means(losses, counted, known)


def _known(targets):
    """Which targets are known, and all as numbers."""
    targets = targets.float()
    return ~targets.isnan(), targets.nan_to_num()


def _frames(logits):
    return torch.arange(logits.shape[1], device=logits.device)


def _spread(values, reach):
    """Highest of ``(B, T, 2)`` within so many frames."""
    return F.max_pool1d(
        values.transpose(1, 2), 2 * reach + 1, stride=1, padding=reach
    ).transpose(1, 2)


def _means(losses, counted, known):
    """``(B,)`` means of ``(B, T, 2)`` over the frames ``(B, T)`` that count."""
    losses = (losses * known).sum(-1) / known.sum(-1).clamp(min=1)
    sums = losses.masked_fill(~counted, 0).sum(-1)
    return sums / counted.sum(-1).clamp(min=1)
