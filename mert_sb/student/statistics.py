"""Norms over time, and what they need to know of a whole recording.

Two steps of the student look at all samples at once: the normalisation of the
waveform, and the group norm after the first convolution. Both then depend on where
a window of a longer file begins and ends. Taken from the file instead, they treat
the window as if the file had been given in one pass.

The first convolution is linear: kernel ``k`` over the strided windows ``w`` of the
waveform gives ``k w``, of mean ``k E[w]`` and variance ``k Cov[w] k'``. So ten means
and a 10 x 10 covariance of the file serve all channels and all weights.

S samples, C channels, K = 10 the first kernel, B windows in a batch.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import torch

from mert_sb.frames import KERNELS, STRIDES

# Of the original's normalisation (transformers, Wav2Vec2FeatureExtractor).
EPSILON = 1e-7
# Samples turned to float64 at a time.
PIECE = 2**16


class WavStatistics(NamedTuple):
    """Moments of a whole recording, or of several, one for each clip of a batch.

    Arguments
    ---------
    mean : torch.Tensor
        ``()`` or ``(B,)``, of all samples.
    variance : torch.Tensor
        ``()`` or ``(B,)``, of all samples.
    window_offset : torch.Tensor
        ``(K,)`` or ``(B, K)``, mean of the first convolution's windows, less
        ``mean``.
    window_spread : torch.Tensor
        ``(K, K)`` or ``(B, K, K)``, a root of the windows' covariance: that is
        ``spread spread'``. In float32 a root loses half as many digits.

    Example
    -------
    >>> running = RunningStatistics()
    >>> running.update(torch.ones(1_000))
    >>> statistics = running.result()
    >>> statistics.mean, statistics.variance
    (tensor(1.), tensor(0.))
    >>> WavStatistics.stack([statistics] * 4).window_spread.shape
    torch.Size([4, 10, 10])
    """

    mean: torch.Tensor
    variance: torch.Tensor
    window_offset: torch.Tensor
    window_spread: torch.Tensor

    @staticmethod
    def stack(statistics):
        """Statistics of a batch.

        Arguments
        ---------
        statistics : list of WavStatistics
            Those of the file that each clip is a part of.

        Returns
        -------
        WavStatistics
            With a batch dimension.
        """
        fields = zip(*statistics, strict=True)
        return WavStatistics(*map(torch.stack, fields))

    def to(self, device):
        """Statistics on a device.

        Arguments
        ---------
        device : torch.device or str
            Where to.

        Returns
        -------
        WavStatistics
            There.
        """
        return WavStatistics(*(field.to(device) for field in self))

    def normalized(self):
        """Statistics of the recording after its normalisation.

        Returns
        -------
        WavStatistics
            Of ``normalize(wavs, statistics=self)`` over the whole file.
        """
        scale = (self.variance + EPSILON).rsqrt()
        return WavStatistics(
            torch.zeros_like(self.mean),
            self.variance * scale**2,
            self.window_offset * scale[..., None],
            self.window_spread * scale[..., None, None],
        )

    def convolved(self, kernels, bias=None):
        """Moments of the first convolution's output.

        Arguments
        ---------
        kernels : torch.Tensor
            ``(C, K)``.
        bias : torch.Tensor, optional
            ``(C,)``.

        Returns
        -------
        tuple of (torch.Tensor, torch.Tensor)
            Mean and variance ``(B, C)`` over the whole file.
        """
        windows = self.mean[:, None] + self.window_offset
        # Sums of products: autocast would multiply matrices in bf16.
        mean = (kernels * windows[:, None]).sum(-1)
        spread = (kernels[..., None] * self.window_spread[:, None]).sum(-2)
        if bias is not None:
            mean = mean + bias
        return mean, spread.square().sum(-1)


class RunningStatistics:
    """Gathers ``WavStatistics`` of a recording that comes block by block.

    Example
    -------
    >>> running = RunningStatistics()
    >>> for block in torch.arange(1_000.0).split(7):
    ...     running.update(block)
    >>> running.n_samples, running.result().mean
    (1000, tensor(499.5000))
    """

    def __init__(self):
        self._samples = _Moments(1)
        self._windows = _Moments(KERNELS[0])
        self._tail = torch.zeros(0, dtype=torch.float64)

    @property
    def n_samples(self):
        """Samples seen so far."""
        return self._samples.count

    def update(self, block):
        """Add the next samples.

        Arguments
        ---------
        block : torch.Tensor
            ``(S,)``, any length.
        """
        for piece in block.detach().cpu().split(PIECE):
            piece = piece.double()
            self._samples.add(piece[:, None])
            # The first window of the next piece begins in this one.
            held = torch.cat([self._tail, piece])
            if len(held) >= KERNELS[0]:
                windows = held.unfold(0, KERNELS[0], STRIDES[0])
                self._windows.add(windows)
                held = held[len(windows) * STRIDES[0] :]
            self._tail = held.clone()

    def result(self):
        """Statistics of all samples so far.

        Returns
        -------
        WavStatistics
            Without a batch dimension, float32.

        Raises
        ------
        ValueError
            If there are fewer samples than the first kernel sees.
        """
        if self._windows.count == 0:
            raise ValueError(
                f"statistics of {self.n_samples} samples: the first "
                f"convolution needs at least {KERNELS[0]}"
            )
        mean, windows = self._samples.mean[0], self._windows
        values, vectors = torch.linalg.eigh(windows.scatter / windows.count)
        statistics = WavStatistics(
            mean,
            self._samples.scatter[0, 0] / self.n_samples,
            windows.mean - mean,
            vectors * values.clamp(min=0).sqrt(),
        )
        return WavStatistics(*(field.float() for field in statistics))


def clip_statistics(wavs):
    """Statistics of clips that are whole recordings themselves.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(B, S)``.

    Returns
    -------
    WavStatistics
        With a batch dimension, float32.

    Example
    -------
    >>> clip_statistics(torch.rand(2, 400)).window_spread.shape
    torch.Size([2, 10, 10])
    """
    return WavStatistics.stack([_of_clip(wav) for wav in wavs.detach()])


def _of_clip(wav):
    """Statistics of one clip ``(S,)``, without a batch dimension."""
    wav = wav.double()
    windows = wav.unfold(0, KERNELS[0], STRIDES[0])
    offset = windows.mean(0)
    centred = windows - offset
    # A clip that is not finite stays so in its means, and spoils no other.
    covariance = (centred.mT @ centred / len(windows)).nan_to_num(0, 0, 0)
    values, vectors = torch.linalg.eigh(covariance)
    spread = vectors * values.clamp(min=0).sqrt()
    variance, mean = torch.var_mean(wav, -1, correction=0)
    fields = (mean, variance, offset - mean, spread)
    return WavStatistics(*(field.float() for field in fields))


class _Moments:
    """Mean and scatter of rows, joined block by block (Chan et al. 1979)."""

    def __init__(self, width):
        self.count = 0
        self.mean = torch.zeros(width, dtype=torch.float64)
        self.scatter = torch.zeros(width, width, dtype=torch.float64)

    def add(self, rows):
        """Add rows ``(N, width)``."""
        if len(rows) == 0:
            return
        mean = rows.mean(0)
        centred = rows - mean
        shift = mean - self.mean
        count = self.count + len(rows)
        between = shift.outer(shift) * (self.count * len(rows) / count)
        self.scatter += centred.T @ centred + between
        self.mean += shift * (len(rows) / count)
        self.count = count


def normalize(wavs, valid_samples=None, statistics=None):
    """Zero mean and unit variance.

    Arguments
    ---------
    wavs : torch.Tensor
        ``(B, S)``.
    valid_samples : torch.Tensor, optional
        ``(B,)``: only these count, and zeros come after them.
    statistics : WavStatistics, optional
        Of the whole recordings, to be used instead of the clips' own.

    Returns
    -------
    torch.Tensor
        ``(B, S)``.

    Example
    -------
    >>> normalize(torch.tensor([[1.0, 3.0, 9.0]]), torch.tensor([2]))
    tensor([[-1.,  1.,  0.]])
    """
    if statistics is not None:
        scale = (statistics.variance + EPSILON).rsqrt()
        return (wavs - statistics.mean[:, None]) * scale[:, None]
    if valid_samples is None:
        variance, mean = torch.var_mean(wavs, -1, correction=0, keepdim=True)
        return (wavs - mean) / (variance + EPSILON).sqrt()
    positions = torch.arange(wavs.shape[-1], device=wavs.device)
    valid = positions < valid_samples[:, None]
    count = valid_samples[:, None]
    mean = (wavs * valid).sum(-1, keepdim=True) / count
    centred = (wavs - mean) * valid
    variance = centred.pow(2).sum(-1, keepdim=True) / count
    return centred / (variance + EPSILON).sqrt()
