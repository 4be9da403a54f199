"""Separation of audio of any length: overlapping windows that fade into one another.

C channels, K stems, S samples.

Authors
 * The mert_sb developers 2026
"""

import torch


def window_samples(window_seconds, overlap_seconds, rate):
    """Windows of whole seconds in samples.

    Whole seconds, as windows then begin on the student's frames at every rate.

    Arguments
    ---------
    window_seconds : int
        Length of a window.
    overlap_seconds : int
        What neighbouring windows share.
    rate : int
        In Hz.

    Returns
    -------
    tuple of (int, int)
        Window and overlap.

    Raises
    ------
    ValueError
        If a number is not whole, or windows would not move on.

    Example
    -------
    >>> window_samples(30, 3, 44_100)
    (1323000, 132300)
    """
    whole = type(window_seconds) is int and type(overlap_seconds) is int
    if not whole or not 0 <= overlap_seconds < window_seconds:
        raise ValueError(
            f"window_seconds: {window_seconds}, overlap_seconds: {overlap_seconds}; "
            "give whole numbers, the second lower than the first"
        )
    return window_seconds * rate, overlap_seconds * rate


def separate_windows(blocks, separate, *, window, overlap):
    """Separate what comes in blocks; never more than a window is held.

    Windows follow one another at ``window - overlap`` samples; the last ends with the
    audio. Where two overlap, one fades out linearly as the next fades in.

    Arguments
    ---------
    blocks : iterable of torch.Tensor
        ``(C, S)`` each, one after the other.
    separate : callable
        From ``(C, S)``, at most ``window`` samples, and the index of the first of
        them, to ``(K, C, S)``.
    window : int
        Samples.
    overlap : int
        Samples, fewer.

    Yields
    ------
    torch.Tensor
        ``(K, C, S)``, one after the other, as long as the blocks together.

    Example
    -------
    >>> blocks = torch.ones(2, 1_000).split(300, dim=1)
    >>> stems = separate_windows(
    ...     blocks,
    ...     lambda wav, start: torch.stack([wav / 4, wav]),
    ...     window=400,
    ...     overlap=100,
    ... )
    >>> torch.cat(list(stems), dim=-1)[0].unique(), torch.cat(blocks, 1).shape
    (tensor([0.2500]), torch.Size([2, 1000]))
    """
    held, start, fading = [], 0, None
    for block in blocks:
        held.append(block)
        # One sample more shows that the window is not the last.
        while sum(part.shape[1] for part in held) > window:
            wav = torch.cat(held, dim=1)
            stems = _faded_in(separate(wav[:, :window], start), fading)
            step = window - overlap
            yield stems[..., :step]
            fading, held = stems[..., step:], [wav[:, step:]]
            start += step
    if held:
        yield _faded_in(separate(torch.cat(held, dim=1), start), fading)


def _faded_in(stems, fading):
    """A window, of which the last window's end is faded out."""
    if fading is None or not fading.shape[-1]:
        return stems
    n_samples = fading.shape[-1]
    ramp = torch.arange(1, n_samples + 1, device=stems.device)
    ramp = ramp / (n_samples + 1)
    stems = stems.clone()
    stems[..., :n_samples] *= ramp
    stems[..., :n_samples] += fading * (1 - ramp)
    return stems
