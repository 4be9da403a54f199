"""Probes: which states, then a small head (arXiv 2306.10548, appendix A).

B batch, N states, T frames, D width, C outputs.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn


class StateMix(nn.Module):
    """One state of an upstream, or a learned mix of several.

    Which layer knows most depends on the task (arXiv 2306.00107, section 5.2);
    ``weights`` tells what was found.

    Arguments
    ---------
    n_states : int
        N: a MERT of L layers has L + 1, log-mel statistics one.
    layer : int or str
        An index; ``"mix"``: softmax weights over the states after the first, as the
        benchmark (the first is the input of layer 1); ``"mix0"``: over all.

    Raises
    ------
    ValueError
        If there is no such state.

    Example
    -------
    >>> StateMix(13, "mix")(torch.rand(2, 13, 768)).shape
    torch.Size([2, 768])
    >>> StateMix(13, 7).weights.argmax()
    tensor(7)
    """

    def __init__(self, n_states, layer="mix"):
        super().__init__()
        if layer not in ("mix", "mix0") and layer not in range(n_states):
            raise ValueError(
                f"layer: {layer!r} is neither mix, mix0 nor one of {n_states} states"
            )
        self.n_states = n_states
        self.first = 1 if layer == "mix" and n_states > 1 else 0
        self.layer = None if layer in ("mix", "mix0") else layer
        self.logits = None
        if self.layer is None:
            # The benchmark begins with random weights, here all are equal.
            self.logits = nn.Parameter(torch.zeros(n_states - self.first))

    @property
    def weights(self):
        """``(N,)``, of sum one."""
        if self.logits is None:
            return torch.eye(self.n_states)[self.layer]
        return nn.functional.pad(self.logits.softmax(0), (self.first, 0))

    def forward(self, states):
        """Choose or mix.

        Arguments
        ---------
        states : torch.Tensor
            ``(B, N, D)``, or with frames ``(B, N, T, D)``.

        Returns
        -------
        torch.Tensor
            Without the second dimension.

        Raises
        ------
        ValueError
            If there are more or fewer states than N.
        """
        if states.shape[1] != self.n_states:
            raise ValueError(
                f"{states.shape[1]} states for a mix of {self.n_states}; n_states "
                "must be the upstream's, num_layers + 1 of a MERT"
            )
        if self.logits is None:
            return states[:, self.layer]
        weights = self.logits.softmax(0).to(states.dtype)
        return torch.einsum("n,bn...->b...", weights, states[:, self.first :])


class ProbeHead(nn.Sequential):
    """Linear, or with one hidden layer, ReLU and dropout.

    Arguments
    ---------
    input_dim : int
        D.
    n_outputs : int
        C.
    hidden_dim : int, optional
        Width of the hidden layer (benchmark: 512); None: linear.
    dropout : float
        After the hidden layer (benchmark: 0.2).

    Example
    -------
    >>> ProbeHead(768, 10)(torch.rand(2, 768)).shape
    torch.Size([2, 10])
    >>> len(ProbeHead(768, 10, hidden_dim=None))
    1
    """

    def __init__(self, input_dim, n_outputs, *, hidden_dim=512, dropout=0.2):
        if hidden_dim is None:
            super().__init__(nn.Linear(input_dim, n_outputs))
        else:
            super().__init__(
                nn.Linear(input_dim, hidden_dim),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(hidden_dim, n_outputs),
            )
