"""Separation of sources: masks from states, stems from masks, and how good they are.

The mixture, mean of its channels and with 320 zeros after it so that frames line up,
goes through the upstream; each stem's head makes a mask of the states; the mask
multiplies the mixture's spectrogram (MARBLE v1, arXiv 2306.10548, appendix A).

B batch, K stems, C channels, F bins, T frames, S samples.

Authors
 * The mert_sb developers 2026
"""

import re

import torch
from torch.nn import functional as F

from mert_sb.downstream.separation.metrics import mean_sdrs
from mert_sb.downstream.separation.spectrogram import spectrum, waveform
from mert_sb.frames import HOP_LENGTH

# The shortest clip that upstreams are given: log-mel bands need more than half a window.
SHORTEST = 2_400
# Stems are names of files.
STEM_NAME = re.compile(r"\w[\w .&+-]*")


def stem_masks(modules, wavs, n_frames):
    """Masks of clips.

    Arguments
    ---------
    modules : mapping of str to torch.nn.Module
        ``encoder``, ``mix`` and ``head``.
    wavs : torch.Tensor
        ``(B, S)`` mono, at the upstream's rate.
    n_frames : int
        T of the spectrogram.

    Returns
    -------
    torch.Tensor
        ``(B, K, F, T)`` float32; states that are missing at the end count as zeros.

    Example
    -------
    >>> from mert_sb.downstream.separation.head import StemHeads, StemMixes
    >>> from mert_sb.downstream.upstreams import MelFrames
    >>> modules = {
    ...     "encoder": MelFrames(n_mels=64),
    ...     "mix": StemMixes(1, stems=["guitar", "rest"], layer=0),
    ...     "head": StemHeads(64, 2, hidden_dim=8),
    ... }
    >>> stem_masks(modules, torch.rand(3, 24_000), 76).shape
    torch.Size([3, 2, 1025, 76])
    """
    spare = max(HOP_LENGTH, SHORTEST - wavs.shape[1])
    states = modules["encoder"](F.pad(wavs.float(), (0, spare)))
    mixed = modules["mix"](states)[..., :n_frames, :]
    mixed = F.pad(mixed, (0, 0, 0, n_frames - mixed.shape[-2]))
    return modules["head"](mixed).float()


def masked_stems(masks, wav, grid, *, wiener=None, share_residual=False):
    """Stems of a clip.

    Arguments
    ---------
    masks : torch.Tensor
        ``(K, F, T)``.
    wav : torch.Tensor
        ``(C, S)``.
    grid : mert_sb.downstream.separation.spectrogram.Grid
        Of the masks.
    wiener : Wiener, optional
        Filters what the masks give; None: a mask multiplies each channel.
    share_residual : bool
        Whether stems are to add up to the mixture, see ``with_residual``.

    Returns
    -------
    torch.Tensor
        ``(K, C, S)`` float32.

    Example
    -------
    >>> from mert_sb.downstream.separation.spectrogram import Grid
    >>> wav = torch.rand(2, 3_200)
    >>> stems = masked_stems(
    ...     torch.rand(3, 1025, 11), wav, Grid(2048, 320), share_residual=True
    ... )
    >>> (stems.sum(0) - wav).abs().max().item() < 1e-5
    True
    """
    mixture = spectrum(wav, grid)
    if wiener is None:
        stems = masks[:, None] * mixture
    else:
        stems = wiener(masks, mixture)
    if share_residual:
        stems = with_residual(stems, mixture)
    return waveform(stems, grid, wav.shape[-1])


def with_residual(stems, mixture):
    """Stems to which what they leave of the mixture is given.

    In each bin and frame a stem gets as large a part of it as its part of the stems'
    power there (over all channels); where all are silent, all get the same.

    Arguments
    ---------
    stems : torch.Tensor
        ``(K, C, F, T)`` complex.
    mixture : torch.Tensor
        ``(C, F, T)`` complex.

    Returns
    -------
    torch.Tensor
        ``(K, C, F, T)`` complex, of sum ``mixture``.

    Example
    -------
    >>> stems = torch.zeros(2, 1, 5, 4, dtype=torch.complex64)
    >>> with_residual(stems, torch.ones(1, 5, 4)).real.unique()
    tensor([0.5000])
    """
    power = stems.abs().square().sum(1, keepdim=True)
    power = power + torch.finfo(power.dtype).tiny
    parts = power / power.sum(0)
    return stems + parts * (mixture - stems.sum(0))


class Separation:
    """The family of the task: named stems, magnitudes to learn, SDR to measure.

    Arguments
    ---------
    stems : list of str
        Names of the K stems: two, four, any.

    Raises
    ------
    ValueError
        If there are none, one comes twice, or cannot be the name of a file.

    Example
    -------
    >>> family = Separation(["guitar", "rest"])
    >>> family.n_outputs, family.MONITOR
    (2, 'sdr')
    """

    MONITOR = "sdr"

    def __init__(self, stems):
        self.stems = list(stems)
        self.n_outputs = len(self.stems)
        if not self.stems or len(set(self.stems)) < self.n_outputs:
            raise ValueError(f"stems: {self.stems} are not different names")
        for stem in self.stems:
            if not STEM_NAME.fullmatch(stem):
                raise ValueError(f"stems: {stem!r} cannot be a file's name")

    def __repr__(self):
        return f"{type(self).__name__}({self.stems})"

    def loss(self, estimates, targets):
        """Squared error of magnitudes.

        Arguments
        ---------
        estimates : torch.Tensor
            ``(B, K, F, T)``.
        targets : torch.Tensor
            ``(B, K, F, T)``.

        Returns
        -------
        torch.Tensor
            ``(B,)``.
        """
        return (estimates - targets).square().mean((1, 2, 3))

    def measure(self, scores):
        """Means over songs, then over stems.

        Arguments
        ---------
        scores : list of dict
            Of songs, as ``separation_metrics.song_scores`` makes them.

        Returns
        -------
        dict of str to float
            ``sdr`` and, with ``_<stem>``, each stem's; ``mixture_sdr`` alike, that of
            the mixture taken for the stem; ``silent_stems``, how many were left out.
        """
        return mean_sdrs(scores, self.stems)

    def conclude(self, valid, test):
        """Nothing is decided on validation.

        Arguments
        ---------
        valid : dict of str to float
            Of the checkpoint tested.
        test : dict of str to float
            Of the test.

        Returns
        -------
        dict of str to float
            Of the test.
        """
        return test
