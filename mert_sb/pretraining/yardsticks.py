"""Trivial guesses of masked frames, to lay beside the student's.

A student that has not beaten linear interpolation between visible frames, or the code of
the nearest visible frame, has learned nothing that a probe could use; one that has not
beaten the commonest code has learned nothing at all. How far it is beyond a guess, or
behind it, is its skill.

B batch, T frames, M masked frames of the batch, K codebooks, C codes, F features.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch.nn import functional as F

# Guesses by kind of target; of codes they are hits, of features errors.
OF_CODES = ("commonest", "nearest")
OF_FEATURES = ("interpolate", "nearest", "clip_mean")


def skill(value, guess, *, hits):
    """How much of what a guess lacks the student has made up for.

    Arguments
    ---------
    value : float
        The student's accuracy, or its error.
    guess : float
        The same of a trivial guess.
    hits : bool
        Accuracies: ``(value - guess) / (1 - guess)``. Else errors:
        ``1 - value / guess``.

    Returns
    -------
    float or None
        1 without a fault, 0 as good as the guess, below 0 worse; None if the guess is
        without a fault itself.

    Example
    -------
    >>> skill(0.25, 0.5, hits=False), skill(0.75, 0.5, hits=True)
    (0.5, 0.5)
    """
    lacks = 1 - guess if hits else guess
    if lacks == 0:
        return None
    return (value - guess) / lacks if hits else 1 - value / guess


def skills(stats):
    """Skills beside the strongest guess of each teacher's targets.

    Arguments
    ---------
    stats : dict of str to float
        ``<name>_accuracy`` of codes or ``<name>_loss`` of features, the mean squared
        error, with what ``Yardsticks.read`` gives; others are left alone.

    Returns
    -------
    dict of str to float
        ``<name>_skill``: beside the commonest code or the nearest visible frame's,
        whichever hits more often; beside interpolation, the nearest visible frame or
        the clip's mean, whichever errs least. Without teachers whose guess is
        without a fault.

    Example
    -------
    >>> guesses = {"cqt_interpolate": 0.5, "cqt_nearest": 1, "cqt_clip_mean": 1}
    >>> skills({"cqt_loss": 0.25, **guesses})
    {'cqt_skill': 0.5}
    """
    found = {}
    for key in stats:
        name, _, guess = key.rpartition("_")
        if guess == "commonest":
            strongest = max(stats[f"{name}_{other}"] for other in OF_CODES)
            value = skill(stats[f"{name}_accuracy"], strongest, hits=True)
        elif guess == "interpolate":
            strongest = min(stats[f"{name}_{other}"] for other in OF_FEATURES)
            value = skill(stats[f"{name}_loss"], strongest, hits=False)
        else:
            continue
        if value is not None:
            found[f"{name}_skill"] = value
    return found


def visible_neighbours(mask):
    """The visible frames before and after each frame.

    Arguments
    ---------
    mask : torch.Tensor
        ``(B, T)`` bool, true where hidden.

    Returns
    -------
    tuple of (torch.Tensor, torch.Tensor)
        Indices ``(B, T)`` of the last visible frame not later and the first not
        earlier. Where one side has none it repeats the other; a clip without
        visible frames gives -1.

    Example
    -------
    >>> mask = torch.tensor([[True, False, True, True, False]])
    >>> visible_neighbours(mask)
    (tensor([[1, 1, 1, 1, 4]]), tensor([[1, 1, 4, 4, 4]]))
    """
    n_frames = mask.shape[1]
    positions = torch.arange(n_frames, device=mask.device).expand_as(mask)
    before = positions.masked_fill(mask, -1).cummax(1).values
    after = positions.masked_fill(mask, n_frames).flip(1).cummin(1).values
    after = after.flip(1)
    before_or_after = torch.where(before < 0, after, before)
    after_or_before = torch.where(after == n_frames, before, after)
    nothing = (before < 0) & (after == n_frames)
    return (
        before_or_after.masked_fill(nothing, -1),
        after_or_before.masked_fill(nothing, -1),
    )


def interpolate(targets, mask):
    """Masked frames by linear interpolation between visible ones.

    Arguments
    ---------
    targets : torch.Tensor
        ``(B, T, F)``.
    mask : torch.Tensor
        ``(B, T)`` bool.

    Returns
    -------
    torch.Tensor
        ``(M, F)``; zeros in clips without a visible frame.

    Example
    -------
    >>> targets = torch.tensor([[[0.0], [9.0], [9.0], [6.0]]])
    >>> interpolate(targets, torch.tensor([[False, True, True, False]]))
    tensor([[2.],
            [4.]])
    """
    before, after = visible_neighbours(mask)
    positions = torch.arange(mask.shape[1], device=mask.device)
    share = (positions - before) / (after - before).clamp(min=1)
    share = share.clamp(0, 1).unsqueeze(-1)
    guess = torch.lerp(_take(targets, before), _take(targets, after), share)
    return (guess * (before >= 0).unsqueeze(-1))[mask]


def nearest(targets, mask):
    """Masked frames by the nearest visible one, the earlier of two.

    Arguments
    ---------
    targets : torch.Tensor
        ``(B, T, K)`` codes or ``(B, T, F)`` features.
    mask : torch.Tensor
        ``(B, T)`` bool.

    Returns
    -------
    torch.Tensor
        ``(M, K)`` or ``(M, F)``; in a clip without a visible frame its first.

    Example
    -------
    >>> targets = torch.tensor([[[0], [9], [9], [6]]])
    >>> nearest(targets, torch.tensor([[False, True, True, False]]))
    tensor([[0],
            [6]])
    """
    before, after = visible_neighbours(mask)
    positions = torch.arange(mask.shape[1], device=mask.device)
    later = (after - positions).abs() < (positions - before).abs()
    return _take(targets, torch.where(later, after, before))[mask]


def clip_mean(targets, mask):
    """Masked frames by the mean of their clip's visible ones.

    Arguments
    ---------
    targets : torch.Tensor
        ``(B, T, F)``.
    mask : torch.Tensor
        ``(B, T)`` bool.

    Returns
    -------
    torch.Tensor
        ``(M, F)``; zeros in clips without a visible frame.

    Example
    -------
    >>> targets = torch.tensor([[[0.0], [9.0], [6.0]]])
    >>> clip_mean(targets, torch.tensor([[False, True, False]]))
    tensor([[3.]])
    """
    visible = (~mask).unsqueeze(-1)
    count = visible.sum(1, keepdim=True).clamp(min=1)
    mean = (targets * visible).sum(1, keepdim=True) / count
    return mean.expand_as(targets)[mask]


def _take(targets, index):
    """Rows of each clip by frame index, -1 taken as 0."""
    index = index.clamp(min=0).unsqueeze(-1).expand(-1, -1, targets.shape[-1])
    return targets.gather(1, index)


class Yardsticks:
    """Errors and hits of the trivial guesses over a validation set.

    Example
    -------
    >>> yardsticks = Yardsticks()
    >>> codes = torch.tensor([[[1], [1], [2], [1]]])
    >>> mask = torch.tensor([[True, True, False, True]])
    >>> yardsticks.add("codes", codes, mask, n_codes=3)
    >>> yardsticks.read()
    {'codes_commonest': 1.0, 'codes_nearest': 0.0}
    """

    def __init__(self):
        self._counts = {}
        self._sums = {}
        self._masked = {}

    def add(self, name, targets, mask, n_codes=None):
        """Take in a batch.

        Arguments
        ---------
        name : str
            Of the teacher.
        targets : torch.Tensor
            ``(B, T, K)`` codes or ``(B, T, F)`` features.
        mask : torch.Tensor
            ``(B, T)`` bool.
        n_codes : int, optional
            C, given for codes.
        """
        hidden = targets[mask]
        self._masked[name] = self._masked.get(name, 0) + len(hidden)
        if n_codes is not None:
            counts = F.one_hot(hidden, n_codes).sum(0)
            self._counts[name] = self._counts.get(name, 0) + counts
            hits = (nearest(targets, mask) == hidden).float().mean(1)
            self._add((name, "nearest"), hits.sum())
            return
        for guess in (interpolate, nearest, clip_mean):
            errors = (guess(targets, mask) - hidden).square().mean(1)
            self._add((name, guess.__name__), errors.sum())

    def _add(self, key, value):
        self._sums[key] = self._sums.get(key, 0.0) + value

    def read(self):
        """The yardsticks so far.

        Returns
        -------
        dict of str to float
            For codes ``<name>_commonest`` and ``<name>_nearest``, accuracies
            averaged over codebooks; for features ``<name>_interpolate``,
            ``<name>_nearest`` and ``<name>_clip_mean``, mean squared errors.
        """
        read = {
            f"{name}_commonest": (
                counts.max(1).values.sum() / max(1, counts.sum())
            ).item()
            for name, counts in self._counts.items()
        }
        for (name, guess), value in self._sums.items():
            read[f"{name}_{guess}"] = float(value) / max(1, self._masked[name])
        return read
