"""States written to a temporary file as they come, window by window.

Plain writes, not a memory map: for a map, a full disk is not an error but the end of
the process.

T frames of the file, t of a piece, D width, n layers.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import torch


class NotFiniteError(ValueError):
    """States that the output cannot hold."""


class StatesFile:
    """A ``.npy`` file of known length, in memory that does not grow with it.

    Arguments
    ---------
    path : pathlib.Path
        Where to write it.
    dtype : str
        ``"float32"`` or ``"float16"``.
    n_frames : int
        T.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.npy"
    >>> file = StatesFile(path, "float32", 6)
    >>> file.add(torch.ones(2, 3, 8))
    >>> file.add(torch.ones(2, 3, 8))
    >>> file.finish()
    >>> np.load(path).shape
    (2, 6, 8)
    """

    def __init__(self, path, dtype, n_frames):
        self.path = path
        self.dtype = np.dtype(dtype)
        self.n_frames = n_frames
        self.done = 0
        self.begin = 0
        self.file = None

    def add(self, states):
        """Write the next frames.

        Arguments
        ---------
        states : torch.Tensor
            ``(n, t, D)`` or ``(t, D)`` on the CPU.

        Raises
        ------
        NotFiniteError
            If a state is not finite, or too large for the dtype.
        """
        array = as_array(states, self.dtype)
        *layers, length, dim = array.shape
        if self.file is None:
            # Not before: of waiting files there may be more than can be open.
            self.file = open(self.path, "wb")
            self.begin = self._header((*layers, self.n_frames, dim))
        # The frames of a layer lie together in the file.
        for index, rows in enumerate(array.reshape(-1, length, dim)):
            row = index * self.n_frames + self.done
            self.file.seek(self.begin + row * dim * self.dtype.itemsize)
            self.file.write(np.ascontiguousarray(rows))
        self.done += length

    def finish(self):
        """Complete the file.

        Raises
        ------
        ValueError
            If frames are missing.
        """
        self.close()
        if self.done != self.n_frames:
            raise ValueError(
                f"{self.path}: {self.done} of {self.n_frames} frames came"
            )

    def close(self):
        """Close the file as it is."""
        if self.file is not None:
            self.file.close()

    def _header(self, shape):
        """Write it; where the states begin."""
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(self.file, header)
        return self.file.tell()


class MeanFile:
    """A ``.npy`` file of the mean over time, as ``mean_over_time`` gives it.

    Arguments
    ---------
    path : pathlib.Path
        Where to write it.
    dtype : str
        ``"float32"`` or ``"float16"``.
    n_frames : int
        T.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.npy"
    >>> file = MeanFile(path, "float32", 6)
    >>> file.add(torch.zeros(2, 3, 8))
    >>> file.add(torch.ones(2, 3, 8))
    >>> file.finish()
    >>> np.load(path).mean().item()
    0.5
    """

    def __init__(self, path, dtype, n_frames):
        self.path = path
        self.dtype = np.dtype(dtype)
        self.n_frames = n_frames
        self.total = 0

    def add(self, states):
        """Count the next frames in.

        Arguments
        ---------
        states : torch.Tensor
            ``(n, t, D)`` or ``(t, D)`` on the CPU.
        """
        self.total = self.total + states.sum(-2, dtype=torch.float64)

    def finish(self):
        """Write the file.

        Raises
        ------
        NotFiniteError
            If the mean is not finite, or too large for the dtype.
        """
        mean = (self.total / self.n_frames).float()
        np.save(self.path, as_array(mean, self.dtype))

    def close(self):
        """Nothing is open."""


def as_array(states, dtype):
    """States as they are stored.

    Arguments
    ---------
    states : torch.Tensor
        float32 on the CPU.
    dtype : numpy.dtype
        Wanted.

    Returns
    -------
    numpy.ndarray
        Of the same shape.

    Raises
    ------
    NotFiniteError
        If a number is NaN or infinite, here or already in the states.

    Example
    -------
    >>> as_array(torch.tensor([1e5]), np.dtype("float16"))
    Traceback (most recent call last):
        ...
    mert_sb...NotFiniteError: overflow: a state of 1e+05 is too large for float16...
    """
    with np.errstate(over="ignore"):
        array = states.numpy().astype(dtype, copy=False)
    if np.isfinite(array).all():
        return array
    largest = states.abs().max().item()
    if np.isfinite(largest):
        raise NotFiniteError(
            f"overflow: a state of {largest:.3g} is too large for {dtype}; use "
            "--dtype float32"
        )
    raise NotFiniteError(
        "non-finite: the model gives NaN or infinity; try --precision fp32"
    )
