"""Hiding: what the student sees at masked frames, and which channels it does not see.

At a masked frame the student sees its mask embedding. As in BERT it may also see the
frame's own features, or another frame's; and channels may be hidden beside frames.

B batch, T frames, D width.

Authors
 * The mert_sb developers 2026
"""

from functools import partial

import torch

from mert_sb.pretraining.masking import check_spans, span_mask

SOURCES = ("sample", "batch")


class Hiding:
    """What the student sees at masked frames, and which channels it does not see.

    All is off by default, as in the original, whose two shares are drawn apart and
    overlap (``mask_origin`` has no effect there without ``mask_replace``). A frame that
    keeps its features, or has another's, is guessed like any other masked frame.

    Arguments
    ---------
    dim : int
        D, the student's ``embed_dim``.
    keep : float
        Share of the masked frames that keep their features (``mask_origin``: 0).
    replace : float
        Share of the masked frames that get another frame's (``mask_replace``: 0).
    replace_from : str
        Whose: ``"sample"``, a frame of the same clip, or ``"batch"``, of any clip
        (``mask_replace_type``: in_sample).
    channel_probability : float
        Share of channels set to zero in all frames of a clip, if no spans overlapped
        (``mask_channel_prob``: 0).
    channel_length : int
        Channels a span (``mask_channel_length``: 10).

    Raises
    ------
    ValueError
        If shares are impossible, or a key is set that has no effect.

    Example
    -------
    >>> hiding = Hiding(dim=8, keep=1.0)
    >>> hidden, mask = torch.rand(2, 9, 8), torch.ones(2, 9, dtype=torch.bool)
    >>> show = hiding(mask, seeds=[0, 1])
    >>> show(hidden, mask, torch.zeros(8)).equal(hidden)
    True
    >>> Hiding(dim=8)(mask, seeds=[0, 1])
    """

    def __init__(
        self,
        *,
        dim,
        keep=0.0,
        replace=0.0,
        replace_from="sample",
        channel_probability=0.0,
        channel_length=10,
    ):
        if keep < 0 or replace < 0 or keep + replace > 1:
            raise ValueError(
                f"hiding: keep {keep} and replace {replace} must be shares of the "
                "masked frames, together at most 1"
            )
        if replace_from not in SOURCES:
            raise ValueError(
                f"hiding: replace_from {replace_from!r} is neither sample nor batch"
            )
        if replace == 0 and replace_from != "sample":
            raise ValueError("hiding: replace_from has no effect at replace 0")
        if channel_probability == 0 and channel_length != 10:
            raise ValueError(
                "hiding: channel_length has no effect at channel_probability 0"
            )
        self.dim = dim
        self.keep, self.replace = keep, replace
        self.from_batch = replace_from == "batch"
        self.channels = {
            "probability": channel_probability,
            "length": channel_length,
            "min_spans": 0,
        }
        check_spans(dim, **self.channels)

    def __call__(self, mask, seeds):
        """Draw for a batch.

        Arguments
        ---------
        mask : torch.Tensor
            ``(B, T)`` bool, the frames to be guessed.
        seeds : list of int
            One seed a clip (``mert_sb.seeds``).

        Returns
        -------
        callable or None
            ``show`` with its tensors filled in, for ``MERT.forward``'s ``show``;
            None where all is off, and the student needs no help.

        Raises
        ------
        ValueError
            If there are not as many seeds as clips.
        """
        if self.keep + self.replace + self.channels["probability"] == 0:
            return None
        sources, channels = [], []
        for clip, seed in zip(range(len(mask)), seeds, strict=True):
            generator = torch.Generator().manual_seed(int(seed))
            sources.append(self._sources(clip, mask.shape, generator))
            channels.append(
                span_mask(self.dim, **self.channels, generator=generator)
            )
        return partial(
            show,
            source=torch.stack(sources).to(mask.device),
            channels=torch.stack(channels).to(mask.device),
        )

    def _sources(self, clip, shape, generator):
        """Of one clip ``(T,)``: the frame seen in place of each, -1 for none."""
        n_clips, n_frames = shape
        own = clip * n_frames + torch.arange(n_frames)
        first, n = (0, n_clips * n_frames)
        if not self.from_batch:
            first, n = (clip * n_frames, n_frames)
        # Any other of the n frames, all equally likely.
        steps = torch.randint(1, max(2, n), (n_frames,), generator=generator)
        other = first + (own - first + steps) % n
        chance = torch.rand(n_frames, generator=generator)
        source = torch.where(chance < self.keep + self.replace, other, -1)
        return torch.where(chance < self.keep, own, source)


def show(hidden, mask, embedding, *, source, channels):
    """What the encoder is shown of a batch.

    Arguments
    ---------
    hidden : torch.Tensor
        ``(B, T, D)``, the projected features.
    mask : torch.Tensor
        ``(B, T)`` bool, the frames to be guessed.
    embedding : torch.Tensor
        ``(D,)``, the mask embedding.
    source : torch.Tensor
        ``(B, T)`` int64: which of the B T frames is seen at a masked frame, -1 for
        the mask embedding. Without effect at other frames.
    channels : torch.Tensor
        ``(B, D)`` bool, true at channels that are zero in all frames.

    Returns
    -------
    torch.Tensor
        ``(B, T, D)``.

    Example
    -------
    >>> hidden, mask = (
    ...     torch.tensor([[[1.0], [2.0], [3.0]]]),
    ...     torch.ones(1, 3) > 0,
    ... )
    >>> source = torch.tensor([[-1, 1, 0]])
    >>> channels = torch.zeros(1, 1, dtype=torch.bool)
    >>> embedding = torch.tensor([9.0])
    >>> show(
    ...     hidden, mask, embedding, source=source, channels=channels
    ... ).flatten()
    tensor([9., 2., 1.])
    """
    others = hidden.flatten(0, 1)[source.clamp(min=0)]
    seen = torch.where((source < 0).unsqueeze(-1), embedding, others)
    shown = torch.where(mask.unsqueeze(-1), seen, hidden)
    return shown.masked_fill(channels.unsqueeze(1), 0)
