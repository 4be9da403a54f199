"""From an encoder's hidden states to one vector: over time, over layers.

Mean over time and weighted sum over layers may be taken in either order; the mean
first needs less memory.

B batch, S samples, T frames, D width, L layers.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb import frames


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
