"""Products of matrices by the fastest kernel that a CPU has for them.

In float32 PyTorch multiplies matrices with MKL and convolves with oneDNN. On processors
that are not Intel's, MKL has half of oneDNN's speed, so a linear layer is given as a
convolution of one tap, over an image of one line with its channels last: the same numbers
in the same places. Everywhere else these layers are PyTorch's.

B batch, T frames, D width.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.products import through_images

# Below it the call costs more than the product.
FEWEST = 2**20


class Linear(nn.Linear):
    """A linear layer.

    Example
    -------
    >>> import torch
    >>> Linear(4, 8)(torch.rand(2, 9, 4)).shape
    torch.Size([2, 9, 8])
    """

    def forward(self, feats):
        """Multiply.

        Arguments
        ---------
        feats : torch.Tensor
            ``(..., D)``.

        Returns
        -------
        torch.Tensor
            ``(..., D')``.
        """
        if not through_images(feats) or not _is_plain(self.weight):
            return super().forward(feats)
        rows = feats.numel() // self.in_features
        if feats.dim() < 2 or rows * self.weight.numel() < FEWEST:
            return super().forward(feats)
        # A clip an image: the weight's gradient then takes less time.
        image = feats.reshape(-1, 1, feats.shape[-2], feats.shape[-1])
        image = image.permute(0, 3, 1, 2)
        # One tap has no gaps to widen; but with one thread PyTorch gives oneDNN only
        # what is dilated, and else takes a path of half the speed.
        image = F.conv2d(
            image, self.weight[..., None, None], self.bias, dilation=2
        )
        return image.permute(0, 2, 3, 1).reshape(*feats.shape[:-1], -1)


def _is_plain(weight):
    """Whether a weight is numbers side by side: neither sparse nor quantised."""
    kinds = (nn.Parameter, torch.Tensor)
    return type(weight) in kinds and weight.layout == torch.strided
