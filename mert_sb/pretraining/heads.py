"""Heads: from the student's masked frames to a teacher's targets (equations 1 to 3).

M masked frames, D width, K codebooks, C codes a codebook, P projected width, F target
features. Heads compute in float32 whatever the precision around them.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn
from torch.nn import functional as F


class CodebookHead(nn.Module):
    """Cross-entropy of cosine logits, for each codebook of an acoustic teacher.

    The original's noise-contrastive loss with all other codes as negatives is this
    cross-entropy: it expands the codebook over every masked frame (0.9 GB a codebook
    at the paper's batch), here it is one matrix product.

    Arguments
    ---------
    input_dim : int
        D.
    n_codebooks : int
        K (EnCodec at 6 kb/s: 8).
    codebook_size : int
        C (1,024).
    proj_dim : int
        P (``final_dim``: 64 for 95M, 128 for 330M).
    temperature : float
        Divisor of the cosines (``logit_temp``: 0.1).

    Example
    -------
    >>> head = CodebookHead(32, n_codebooks=2, codebook_size=10, proj_dim=8)
    >>> result = head(torch.rand(7, 32), torch.zeros(7, 2, dtype=torch.long))
    >>> result["loss"].shape, result["losses"].shape, result["accuracy"].shape
    (torch.Size([]), torch.Size([2]), torch.Size([2]))
    """

    def __init__(
        self,
        input_dim,
        *,
        n_codebooks=8,
        codebook_size=1024,
        proj_dim=64,
        temperature=0.1,
    ):
        super().__init__()
        self.n_codebooks = n_codebooks
        self.temperature = temperature
        self.projection = nn.Linear(input_dim, n_codebooks * proj_dim)
        self.codes = nn.Parameter(
            torch.rand(n_codebooks, codebook_size, proj_dim)
        )

    def forward(self, hidden, targets):
        """Compare.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(M, D)``.
        targets : torch.Tensor
            ``(M, K)`` int64 codes.

        Returns
        -------
        dict of torch.Tensor
            ``loss``, the sum over codebooks of ``losses`` ``(K,)``, each the mean
            over masked frames; ``accuracy`` ``(K,)``. Zeros if M is 0.
        """
        with torch.autocast(hidden.device.type, enabled=False):
            projected = self.projection(hidden.float())
            projected = projected.unflatten(-1, (self.n_codebooks, -1))
            queries = F.normalize(projected.transpose(0, 1), dim=-1)
            logits = queries @ F.normalize(self.codes.float(), dim=-1).mT
            logits = logits / self.temperature
        targets = targets.T
        entropies = F.cross_entropy(logits.mT, targets, reduction="none")
        n_masked = max(1, targets.shape[1])
        losses = entropies.sum(1) / n_masked
        hits = (logits.detach().argmax(-1) == targets).sum(1)
        return {
            "loss": losses.sum(),
            "losses": losses.detach(),
            "accuracy": hits / n_masked,
        }


class RegressionHead(nn.Module):
    """Mean squared error of a linear prediction, for the musical teacher.

    Arguments
    ---------
    input_dim : int
        D.
    n_features : int
        F (``audio_cqt_bins``: 336).

    Example
    -------
    >>> head = RegressionHead(32, n_features=5)
    >>> sorted(head(torch.rand(7, 32), torch.rand(7, 5)))
    ['loss', 'prediction']
    """

    def __init__(self, input_dim, *, n_features=336):
        super().__init__()
        self.projection = nn.Linear(input_dim, n_features)

    def forward(self, hidden, targets):
        """Compare.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(M, D)``.
        targets : torch.Tensor
            ``(M, F)``.

        Returns
        -------
        dict of torch.Tensor
            ``loss``, the mean over frames and features (0 if M is 0), and
            ``prediction`` ``(M, F)``, detached.
        """
        with torch.autocast(hidden.device.type, enabled=False):
            predicted = self.projection(hidden.float())
            squares = (predicted - targets.float()).pow(2)
        return {
            "loss": squares.sum() / max(1, squares.numel()),
            "prediction": predicted.detach(),
        }
