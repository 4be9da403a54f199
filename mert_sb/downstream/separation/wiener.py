"""Wiener filtering of estimates by Open-Unmix's library, as the benchmark does it.

Of the two libraries that have the filter, ``openunmix.filtering`` is the one that the
benchmark calls, is maintained and runs on the device; ``norbert``, its forerunner, is
numpy alone.

K stems, C channels, F bins, T frames.

Authors
 * The mert_sb developers 2026
"""

import importlib

import torch


class Wiener:
    """Each stem against the rest, by expectation maximization.

    Nugraha, Liutkus and Vincent, "Multichannel Audio Source Separation with Deep
    Neural Networks", IEEE/ACM TASLP 24(9), 2016, as the library has it.

    Arguments
    ---------
    iterations : int
        Of expectation maximization.
    block_frames : int
        Frames at once: where a stem is placed in the stereo field is estimated
        anew for each block.
    mono : bool
        Whether a stem's first estimate is the same for both channels, as in the
        benchmark; False: each channel's own, better where stems are placed apart.

    Raises
    ------
    ValueError
        If there is nothing to iterate.

    Example
    -------
    >>> Wiener(iterations=1, block_frames=600).settings
    {'iterations': 1, 'block_frames': 600, 'mono': True}
    """

    def __init__(self, *, iterations=1, block_frames=600, mono=True):
        if iterations < 1 or block_frames < 1:
            raise ValueError(
                f"wiener: {iterations} iterations over {block_frames} frames; both "
                "are at least 1. For plain masks give wiener: null"
            )
        self.settings = {
            "iterations": iterations,
            "block_frames": block_frames,
            "mono": mono,
        }

    def __repr__(self):
        return f"Wiener({self.settings})"

    def library(self):
        """The library's function, or an error that says how to get it.

        Returns
        -------
        callable
            ``openunmix.filtering.wiener``.

        Raises
        ------
        ImportError
            If it is not installed.
        """
        try:
            return importlib.import_module("openunmix.filtering").wiener
        except ImportError as error:
            raise ImportError(
                "Wiener filtering takes openunmix: pip install "
                "'mert_sb[separation]'; or give wiener: null (mert-sb separate "
                f"--no-wiener) for plain masks ({error})"
            ) from error

    def __call__(self, masks, mixture):
        """Filter.

        Arguments
        ---------
        masks : torch.Tensor
            ``(K, F, T)``.
        mixture : torch.Tensor
            ``(C, F, T)`` complex, of one channel or two.

        Returns
        -------
        torch.Tensor
            ``(K, C, F, T)`` complex.
        """
        # In float32 the covariances of two equal channels cannot be inverted.
        frames = torch.view_as_real(mixture.permute(2, 1, 0)).double()
        masks = masks.permute(2, 1, 0).double()
        size = self.settings["block_frames"]
        blocks = zip(frames.split(size), masks.split(size), strict=True)
        filtered = [self._block(*b).to(mixture.dtype) for b in blocks]
        return torch.cat(filtered).permute(3, 2, 1, 0)

    def _block(self, frames, masks):
        """``(T, F, C, 2)`` and ``(T, F, K)`` to ``(T, F, C, K)`` complex."""
        wiener, magnitudes = self.library(), torch.view_as_complex(frames).abs()
        if self.settings["mono"]:
            magnitudes = magnitudes.mean(2, keepdim=True).expand_as(magnitudes)
        stems = []
        for mask in masks.unbind(-1):
            found = wiener(
                (mask[..., None] * magnitudes)[..., None],
                frames,
                iterations=self.settings["iterations"],
                softmask=False,
                residual=True,
            )
            # The second is the residual.
            stems.append(torch.view_as_complex(found[..., 0].contiguous()))
        return torch.stack(stems, dim=-1)
