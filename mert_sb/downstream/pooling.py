"""From an encoder's hidden states to one vector: over time, over layers.

Mean over time and weighted sum over layers may be taken in either order; the mean
first needs less memory.

B batch, S samples, T frames, D width, L layers.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb import frames


class LayerMix(nn.Module):
    """Weighted sum over states, its weights learnt (softmax of logits from zero).

    Which layer knows most depends on the task (arXiv 2306.00107, section 5.2);
    ``weights`` tells what was found.

    Arguments
    ---------
    n_states : int
        L + 1: the layers' outputs and the input of the first.

    Example
    -------
    >>> mix = LayerMix(13)
    >>> mix(torch.rand(13, 2, 376, 768)).shape
    torch.Size([2, 376, 768])
    >>> mix(torch.rand(13, 2, 768)).shape
    torch.Size([2, 768])
    """

    def __init__(self, n_states):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(n_states))

    @property
    def weights(self):
        """``(L + 1,)``, positive, of sum one."""
        return self.logits.softmax(0)

    def forward(self, states):
        """Mix.

        Arguments
        ---------
        states : torch.Tensor
            ``(L + 1, B, T, D)``, or pooled already, ``(L + 1, B, D)``.

        Returns
        -------
        torch.Tensor
            Without the first dimension.

        Raises
        ------
        ValueError
            If there are more or fewer states than weights.
        """
        if len(states) != len(self.logits):
            raise ValueError(
                f"{len(states)} states for {len(self.logits)} weights; n_states "
                "must be the encoder's num_layers + 1"
            )
        return torch.tensordot(self.weights.to(states.dtype), states, dims=1)


def mean_over_time(states, n_samples, wav_lens=None):
    """Mean over the frames that lie within each clip.

    Arguments
    ---------
    states : torch.Tensor
        ``(..., B, T, D)``.
    n_samples : int
        S, the padded length of the clips that the states are of.
    wav_lens : torch.Tensor, optional
        ``(B,)`` valid share of each clip. None: all valid.

    Returns
    -------
    torch.Tensor
        ``(..., B, D)``.

    Example
    -------
    >>> states = torch.arange(3.0).reshape(
    ...     1, 3, 1
    ... )  # 3 frames need 1,040 samples
    >>> mean_over_time(states, 1_040)
    tensor([[1.]])
    >>> mean_over_time(states, 1_040, torch.tensor([720 / 1_040]))
    tensor([[0.5000]])
    """
    if wav_lens is None:
        return states.mean(-2)
    lengths = (wav_lens * n_samples).round().long().tolist()
    # As the student: even the shortest clip keeps a frame.
    counts = [max(1, frames.n_frames(length)) for length in lengths]
    counts = torch.tensor(counts, device=states.device).unsqueeze(-1)
    valid = torch.arange(states.shape[-2], device=states.device) < counts
    total = states.masked_fill(~valid.unsqueeze(-1), 0.0).sum(-2)
    return total / counts
