"""Thinning: a teacher's targets at the clock of a student that joins frames.

Teachers, crops and shelves of stored targets keep the clock of ``mert_sb.frames``, 75
frames a second at 24 kHz, whatever the student's ``subsample`` is: a shelf then serves
students of any rate, for its numbers are those of clips that have not changed. The Brain
thins live and stored targets alike, when it has them.

B batch, T frames, K codebooks, F features.

Authors
 * The mert_sb developers 2026
"""


def thin(targets, subsample):
    """Targets of joined frames, from the targets of each of them.

    Of a group of ``n`` frames a code is that of frame ``n // 2``, the middle one: none
    off the group's centre where n is odd, 160 samples late where it is even, beside the
    offset that ``alignment`` gives. EnCodec's, 40 samples early, is then the nearest to
    the centre; of a centred transform's two, half a sample late, the other would be
    nearer by one sample. Codes have no mean, but features do: theirs is of all n, and
    centred on the group.

    Arguments
    ---------
    targets : torch.Tensor
        ``(B, T, K)`` codes of whole numbers, or ``(B, T, F)`` features.
    subsample : int
        n, frames joined into one.

    Returns
    -------
    torch.Tensor
        ``(B, T // n, ...)``; what is left over at the end is dropped.

    Example
    -------
    >>> import torch
    >>> codes = torch.arange(8)[None, :, None]
    >>> thin(codes, 3).flatten(), thin(codes / 2, 3).flatten()
    (tensor([1, 4]), tensor([0.5000, 2.0000]))
    """
    if subsample == 1:
        return targets
    n_frames = targets.shape[1] // subsample
    groups = targets[:, : n_frames * subsample]
    groups = groups.unflatten(1, (n_frames, subsample))
    if targets.is_floating_point():
        return groups.mean(2)
    return groups[:, :, subsample // 2]
