"""Masks: which frames the student must guess (section 3.2), and what it sees there.

The original's sampling rule (fairseq ``compute_mask_indices``, static lengths): of a
clip of T frames, ``int(probability T / length + u)`` spans, u uniform in [0, 1), at
least two, start at distinct frames and may overlap: probability 0.8 and length 5 hide
about 58 % of 376 frames. fairseq then unmasks random frames until all rows of a batch
hide equally many; here a clip's mask depends on the clip alone.

Authors
 * The mert_sb developers 2026
"""

import math

import torch

MIN_SPANS = 2


def span_mask(
    n_frames, *, probability=0.8, length=5, min_spans=MIN_SPANS, generator=None
):
    """Draw the mask of one clip.

    Arguments
    ---------
    n_frames : int
        T.
    probability : float
        Share of frames to be hidden if no spans overlapped
        (MERT_RVQ-VAE_CQT_95M.yaml ``mask_prob``); 0 for none.
    length : int
        Frames a span (``mask_length``).
    min_spans : int
        Fewest spans (2 for frames, 0 for channels in the original).
    generator : torch.Generator, optional
        Source of the draw, one for each clip (``mert_sb.seeds``).

    Returns
    -------
    torch.Tensor
        ``(T,)`` bool, true where hidden.

    Raises
    ------
    ValueError
        If the clip is too short for the spans.

    Example
    -------
    >>> generator = torch.Generator().manual_seed(0)
    >>> mask = span_mask(376, generator=generator)
    >>> mask.shape, 0.5 < mask.float().mean() < 0.65
    (torch.Size([376]), tensor(True))
    """
    mask = torch.zeros(n_frames, dtype=torch.bool)
    if probability == 0:
        return mask
    chance = torch.rand((), generator=generator).item()
    n_spans = max(min_spans, int(probability * n_frames / length + chance))
    n_starts = n_frames - length
    if n_starts < n_spans:
        raise ValueError(
            f"{n_spans} mask spans of {length} frames do not fit into a clip of "
            f"{n_frames}; lower mask_probability or mask_length"
        )
    starts = torch.randperm(n_starts, generator=generator)[:n_spans]
    mask[starts[:, None] + torch.arange(length)] = True
    return mask


def check_spans(n_frames, *, probability, length, min_spans=MIN_SPANS):
    """Refuse what ``span_mask`` could not always draw.

    Arguments
    ---------
    n_frames : int
        T.
    probability : float
        As for ``span_mask``.
    length : int
        As for ``span_mask``.
    min_spans : int
        As for ``span_mask``.

    Raises
    ------
    ValueError
        If the most spans do not fit.

    Example
    -------
    >>> check_spans(376, probability=0.8, length=5)
    """
    most = max(min_spans, math.ceil(probability * n_frames / length))
    if probability > 0 and n_frames - length < most:
        raise ValueError(
            f"up to {most} mask spans of {length} do not fit into {n_frames}; lower "
            "their probability or length"
        )
