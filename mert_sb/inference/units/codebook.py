"""The codebook: states to the nearest of C centroids, and back.

N frames, D width, C clusters.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb.inference.tensors import CheckpointError, SafeTensors, save_weights
from mert_sb.teachers.kmeans import kmeans
from mert_sb.teachers.moments import mean_and_scale
from mert_sb.teachers.nearest import nearest
from mert_sb.teachers.ranks import Ranks


class Codebook(nn.Module):
    """Quantises states.

    Arguments
    ---------
    centroids : torch.Tensor
        ``(C, D)`` float32, of states less ``mean``, over ``scale``.
    mean : torch.Tensor
        ``(D,)``. Taking it away orders no distances, but keeps them exact where
        the states have a large constant part.
    scale : torch.Tensor
        ``(D,)``, above 0: ones, or the standard deviations.

    Example
    -------
    >>> codebook = Codebook(torch.eye(2), torch.ones(2), torch.ones(2))
    >>> codebook(torch.tensor([[1.0, 2.0]])), codebook.states(torch.tensor([1]))
    (tensor([1]), tensor([[1., 2.]]))
    """

    def __init__(self, centroids, mean, scale):
        super().__init__()
        self.register_buffer("centroids", centroids)
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def __len__(self):
        return len(self.centroids)

    @torch.no_grad()
    def forward(self, states):
        """The cluster of each frame.

        Arguments
        ---------
        states : torch.Tensor
            ``(N, D)`` float32.

        Returns
        -------
        torch.Tensor
            ``(N,)`` int64.
        """
        return nearest((states - self.mean) / self.scale, self.centroids)

    def states(self, units):
        """The state that stands for each unit.

        Arguments
        ---------
        units : torch.Tensor
            ``(N,)`` int64.

        Returns
        -------
        torch.Tensor
            ``(N, D)`` float32.
        """
        return self.centroids[units] * self.scale + self.mean

    def save(self, path):
        """Write a safetensors file.

        Arguments
        ---------
        path : pathlib.Path
            The file.
        """
        state = {k: v.cpu().contiguous() for k, v in self.state_dict().items()}
        save_weights(state, path)

    @classmethod
    def read(cls, path):
        """Read what ``save`` wrote.

        Arguments
        ---------
        path : pathlib.Path
            The file.

        Returns
        -------
        Codebook
            On the CPU.

        Raises
        ------
        CheckpointError
            If the file is damaged, or holds no codebook.
        """
        tensors = dict(SafeTensors(path))
        if set(tensors) != {"centroids", "mean", "scale"}:
            raise CheckpointError(
                f"{path}: holds {', '.join(sorted(tensors)) or 'nothing'}; a "
                "codebook is centroids, mean and scale"
            )
        centroids = tensors["centroids"]
        width = centroids.shape[1:]
        fits = centroids.dim() == 2 and centroids.numel() > 0
        fits = fits and tensors["mean"].shape == tensors["scale"].shape == width
        finite = all(tensor.isfinite().all() for tensor in tensors.values())
        if not (fits and finite and (tensors["scale"] > 0).all()):
            raise CheckpointError(
                f"{path}: its tensors are no codebook: (C, D), (D,) and (D,) of "
                "finite numbers are wanted, the scale above 0"
            )
        return cls(**tensors)


def fit_codebook(
    states, codebook_size, *, n_iterations=20, standardize=False, generator=None
):
    """Fit a codebook by k-means.

    Arguments
    ---------
    states : torch.Tensor
        ``(N, D)`` float32, where it is computed.
    codebook_size : int
        C.
    n_iterations : int
        Of Lloyd's algorithm, after a k-means++ start.
    standardize : bool
        Whether to divide each dimension by its standard deviation. HuBERT does
        not; where a few dimensions are far larger than all others, clusters
        otherwise see those alone.
    generator : torch.Generator, optional
        Of the start, on the CPU.

    Returns
    -------
    Codebook
        Fitted.

    Raises
    ------
    ValueError
        If there are fewer frames than clusters, or some are not finite.

    Example
    -------
    >>> fit_codebook(torch.rand(9, 4), 3).centroids.shape
    torch.Size([3, 4])
    """
    if len(states) < codebook_size:
        raise ValueError(
            f"codebook_size: {codebook_size} clusters, but only {len(states)} "
            "frames to fit them on; lower it, or give more music or a larger share"
        )
    if not states.isfinite().all():
        raise ValueError("states: some are NaN or infinite; check the student")
    mean, scale, _ = mean_and_scale(states, len(states), Ranks(False))
    if not standardize:
        scale = torch.ones_like(mean)
    generator = generator or torch.Generator()
    centred = (states - mean) / scale
    centroids = kmeans(centred, codebook_size, n_iterations, generator)
    return Codebook(centroids, mean, scale)
