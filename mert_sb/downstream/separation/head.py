"""From an upstream's states to a mask for each stem: the benchmark's head.

As MARBLE v1 (arXiv 2306.10548, appendix A), which took it from Open-Unmix: the head sees
the states alone, never the spectrogram, and its mask multiplies the mixture's magnitude.
The benchmark trains a model a stem; the losses of stems are independent, so here one
module holds the heads of all, each with a mix of states of its own.

B batch, N states, K stems, T frames, D width, F bins.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.downstream.probe import StateMix


class StemMixes(nn.ModuleList):
    """A choice or mix of states for each stem.

    Arguments
    ---------
    n_states : int
        N.
    stems : list of str
        Names of the K stems.
    layer : int or str
        As of ``StateMix``.

    Example
    -------
    >>> mixes = StemMixes(13, stems=["vocals", "rest"])
    >>> mixes(torch.rand(2, 13, 9, 768)).shape
    torch.Size([2, 2, 9, 768])
    """

    def __init__(self, n_states, *, stems, layer="mix"):
        super().__init__(StateMix(n_states, layer) for _ in stems)

    @property
    def weights(self):
        """``(K, N)``, each row of sum one."""
        return torch.stack([mix.weights for mix in self])

    def forward(self, states):
        """Choose or mix.

        Arguments
        ---------
        states : torch.Tensor
            ``(B, N, T, D)``.

        Returns
        -------
        torch.Tensor
            ``(B, K, T, D)``.
        """
        return torch.stack([mix(states) for mix in self], dim=1)


class FrameNorm(nn.BatchNorm1d):
    """Batch norm over clips and frames.

    Example
    -------
    >>> FrameNorm(8)(torch.rand(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def forward(self, frames):
        """Normalise.

        Arguments
        ---------
        frames : torch.Tensor
            ``(B, T, D)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, D)``.
        """
        if not self.training:
            return super().forward(frames.mT).mT
        self.num_batches_tracked.add_(1)
        moments = self.running_mean, self.running_var
        moved = [moment.clone() for moment in moments]
        normed = nn.functional.batch_norm(
            frames.mT,
            *moved,
            self.weight,
            self.bias,
            training=True,
            momentum=self.momentum,
            eps=self.eps,
        )
        # A step that is not finite is skipped, and is to leave nothing here either.
        for kept, now in zip(moments, moved, strict=True):
            kept.copy_(torch.where(now.isfinite(), now, kept))
        return normed.mT


class MaskHead(nn.Module):
    """A mask for one stem.

    Arguments
    ---------
    dim : int
        D.
    n_bins : int
        F.
    hidden_dim : int
        Width inside.
    n_layers : int
        Of the LSTM.
    dropout : float
        Between its layers.
    bidirectional : bool
        As the paper says, half the width each way; the benchmark's code has it
        one-way.

    Raises
    ------
    ValueError
        If an odd width is to be halved.

    Example
    -------
    >>> MaskHead(768)(torch.rand(2, 9, 768)).shape
    torch.Size([2, 1025, 9])
    """

    def __init__(
        self,
        dim,
        *,
        n_bins=1025,
        hidden_dim=512,
        n_layers=3,
        dropout=0.4,
        bidirectional=True,
    ):
        super().__init__()
        if bidirectional and hidden_dim % 2:
            raise ValueError(
                f"hidden_dim: {hidden_dim} cannot be halved for two directions"
            )
        self.shift = nn.Parameter(torch.zeros(dim))
        self.scale = nn.Parameter(torch.ones(dim))
        self.first = nn.Linear(dim, hidden_dim, bias=False)
        self.first_norm = FrameNorm(hidden_dim)
        self.lstm = nn.LSTM(
            hidden_dim,
            hidden_dim // 2 if bidirectional else hidden_dim,
            n_layers,
            batch_first=True,
            dropout=dropout if n_layers > 1 else 0.0,
            bidirectional=bidirectional,
        )
        self.second = nn.Linear(2 * hidden_dim, hidden_dim, bias=False)
        self.second_norm = FrameNorm(hidden_dim)
        self.last = nn.Linear(hidden_dim, n_bins, bias=False)
        self.last_norm = FrameNorm(n_bins)
        self.mask_scale = nn.Parameter(torch.ones(n_bins))
        self.mask_shift = nn.Parameter(torch.ones(n_bins))

    def forward(self, states):
        """Masks of frames.

        Arguments
        ---------
        states : torch.Tensor
            ``(B, T, D)``.

        Returns
        -------
        torch.Tensor
            ``(B, F, T)`` from 0, without upper bound.
        """
        frames = self.first((states + self.shift) * self.scale)
        frames = self.first_norm(frames).tanh()
        passed, _ = self.lstm(frames)
        frames = self.second(torch.cat([frames, passed], dim=-1))
        frames = self.last(self.second_norm(frames).relu())
        masks = self.last_norm(frames) * self.mask_scale + self.mask_shift
        return F.relu(masks).mT


class StemHeads(nn.ModuleList):
    """A ``MaskHead`` for each stem.

    Arguments
    ---------
    dim : int
        D.
    n_stems : int
        K.
    n_fft : int
        Samples of a window; F is half of it and one.
    hidden_dim : int
        As of ``MaskHead``.
    n_layers : int
        As of ``MaskHead``.
    dropout : float
        As of ``MaskHead``.
    bidirectional : bool
        As of ``MaskHead``.

    Example
    -------
    >>> StemHeads(768, 2)(torch.rand(3, 2, 9, 768)).shape
    torch.Size([3, 2, 1025, 9])
    """

    def __init__(
        self,
        dim,
        n_stems,
        *,
        n_fft=2048,
        hidden_dim=512,
        n_layers=3,
        dropout=0.4,
        bidirectional=True,
    ):
        super().__init__(
            MaskHead(
                dim,
                n_bins=n_fft // 2 + 1,
                hidden_dim=hidden_dim,
                n_layers=n_layers,
                dropout=dropout,
                bidirectional=bidirectional,
            )
            for _ in range(n_stems)
        )

    def forward(self, states):
        """Masks of frames.

        Arguments
        ---------
        states : torch.Tensor
            ``(B, K, T, D)``.

        Returns
        -------
        torch.Tensor
            ``(B, K, F, T)``.
        """
        masks = [head(states[:, k]) for k, head in enumerate(self)]
        return torch.stack(masks, dim=1)
