"""Clips of several lengths, each encoded as if it were alone.

B batch, S samples, N states, D width.

Authors
 * The mert_sb developers 2026
"""

import torch


def encode_by_length(upstream, wavs, wav_lens=None):
    """States of clips, those of one length together.

    Padding would move a group norm, and with it a clip's states with its neighbours.

    Arguments
    ---------
    upstream : callable
        Gives ``(B, N, D)`` of clips ``(B, S)``.
    wavs : torch.Tensor
        ``(B, S)``.
    wav_lens : torch.Tensor, optional
        ``(B,)`` valid share of each clip.

    Returns
    -------
    torch.Tensor
        ``(B, N, D)``, as a cache has them.

    Example
    -------
    >>> def upstream(wavs):
    ...     return wavs.mean(1)[:, None, None]
    >>> wavs = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    >>> encode_by_length(upstream, wavs, torch.tensor([1.0, 0.5])).flatten()
    tensor([1., 1.])
    """
    if wav_lens is None:
        return upstream(wavs)
    lengths = (wav_lens * wavs.shape[1]).round().long()
    parts, places = [], []
    for length in lengths.unique().tolist():
        (rows,) = (lengths == length).nonzero(as_tuple=True)
        parts.append(upstream(wavs[rows, :length]))
        places.append(rows)
    return torch.cat(parts)[torch.cat(places).argsort()]
