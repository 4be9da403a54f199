"""Attention within a window of frames, block by block, in memory linear in time.

Frames are cut into blocks of W. A frame's neighbours within W frames lie in its own block
and the two beside it, so each block attends to 3 W frames and the G global ones: T (3 W +
G) scores instead of T^2. The first G frames are global, attended by all and attending to
all (after Longformer, arXiv 2004.05150, with one set of projections): the first, because
they are the same frames whatever padding follows.

B batch, H heads, T frames, N blocks, W window, G global frames, d width of a head.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch.nn import functional as F


def is_windowed(n_frames, window):
    """Whether a window hides any frame of a clip from another.

    Arguments
    ---------
    n_frames : int
        T.
    window : int or None
        W; None for full attention.

    Returns
    -------
    bool
        False where full attention is the same, and quicker.

    Example
    -------
    >>> is_windowed(9, 8), is_windowed(9, 7), is_windowed(9, None)
    (False, True, False)
    """
    return window is not None and n_frames > window + 1


def block_mask(valid, n_frames, *, window, global_frames=0, device=None):
    """What each frame of each block may see.

    Arguments
    ---------
    valid : torch.Tensor or None
        ``(B, T)`` bool, false at padding. None where nothing is padded.
    n_frames : int
        T.
    window : int
        W.
    global_frames : int
        G, at most W.
    device : torch.device, optional
        Where to make it.

    Returns
    -------
    torch.Tensor
        ``(B, N, W, 3 W + G)`` bool, B being 1 without padding; first the three
        blocks, then the global frames.

    Example
    -------
    >>> block_mask(None, 4, window=2)[0, 1].int()
    tensor([[1, 1, 1, 1, 0, 0],
            [0, 1, 1, 1, 0, 0]], dtype=torch.int32)
    """
    n_blocks = -(-n_frames // window)
    query = torch.arange(window, device=device)[:, None]
    key = torch.arange(-window, 2 * window, device=device)
    starts = window * torch.arange(n_blocks, device=device)[:, None]
    there = starts + key
    # Global frames come apart, and must not count twice.
    there = ((there >= global_frames) & (there < n_frames))[None]
    if valid is not None:
        padded = _neighbours(valid[:, None, :, None], window)
        there = there & padded[:, :, 0, :, 0]
    near = (key - query).abs() <= window
    # A frame of padding sees itself: a row without any would give no numbers.
    seen = (near & there[:, :, None]) | (key == query)
    if global_frames == 0:
        return seen
    # Where one of them is padding, no other frame is valid.
    first = torch.ones_like(seen[..., :1]).expand(-1, -1, -1, global_frames)
    return torch.cat([seen, first], dim=-1)


def windowed_attention(
    query, key, value, seen, bias=None, *, window, global_frames=0, dropout=0.0
):
    """Attend within windows.

    Arguments
    ---------
    query : torch.Tensor
        ``(B, H, T, d)``.
    key : torch.Tensor
        ``(B, H, T, d)``.
    value : torch.Tensor
        ``(B, H, T, d)``.
    seen : torch.Tensor
        From ``block_mask``.
    bias : torch.Tensor, optional
        ``(B, 1, 1, T)``: 0 at valid frames, minus infinity at padding.
    window : int
        W.
    global_frames : int
        G.
    dropout : float
        Probability of dropping an attention weight.

    Returns
    -------
    torch.Tensor
        ``(B, H, T, d)``.

    Example
    -------
    >>> heads = [torch.rand(2, 4, 9, 8) for _ in range(3)]
    >>> seen = block_mask(None, 9, window=3)
    >>> windowed_attention(*heads, seen, window=3).shape
    torch.Size([2, 4, 9, 8])
    """
    n_clips, n_frames = query.shape[0], query.shape[2]
    n_blocks = seen.shape[1]
    blocks = F.pad(query, (0, 0, 0, n_blocks * window - n_frames))
    blocks = blocks.unflatten(2, (n_blocks, window)).transpose(1, 2)
    near = [_neighbours(heads, window) for heads in (key, value)]
    if global_frames:
        near = [
            torch.cat([part, _repeated(heads, global_frames, n_blocks)], dim=-2)
            for part, heads in zip(near, (key, value), strict=True)
        ]
    mixed = F.scaled_dot_product_attention(
        blocks.flatten(0, 1),
        *(part.flatten(0, 1) for part in near),
        attn_mask=seen.expand(n_clips, -1, -1, -1).flatten(0, 1)[:, None],
        dropout_p=dropout,
    )
    mixed = mixed.unflatten(0, (n_clips, n_blocks)).transpose(1, 2)
    mixed = mixed.flatten(2, 3)[:, :, :n_frames]
    if global_frames == 0:
        return mixed
    first = F.scaled_dot_product_attention(
        query[:, :, :global_frames], key, value, bias, dropout_p=dropout
    )
    return torch.cat([first, mixed[:, :, global_frames:]], dim=2)


def _neighbours(heads, window):
    """Each block with the two beside it: ``(B, H, T, d)`` to ``(B, N, H, 3 W, d)``."""
    rest = -heads.shape[2] % window
    padded = F.pad(heads, (0, 0, window, rest + window))
    return padded.unfold(2, 3 * window, window).permute(0, 2, 1, 4, 3)


def _repeated(heads, global_frames, n_blocks):
    """The global frames for each block, ``(B, N, H, G, d)``."""
    first = heads[:, None, :, :global_frames]
    return first.expand(-1, n_blocks, -1, -1, -1)
