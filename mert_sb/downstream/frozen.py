"""Frozen: an encoder that training leaves exactly as it is.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn


class Frozen(nn.Module):
    """A module that stays in eval mode, without gradient, inside ``Brain.fit``.

    ``Brain.fit`` calls ``modules.train()``, which would switch on dropout and
    layerdrop in an encoder that only ``requires_grad_(False)`` and ``eval()`` had
    frozen, and let batch statistics move.

    Do not list it in a checkpointer's ``recoverables``: it never changes, and the
    Pretrainer fills it again at each start.

    Arguments
    ---------
    module : torch.nn.Module
        To be frozen; the object itself, so a Pretrainer may fill it before or
        after.

    Example
    -------
    >>> encoder = Frozen(nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5)))
    >>> _ = encoder.train()
    >>> any(module.training for module in encoder.frozen.modules())
    False
    >>> encoder(torch.rand(1, 2)).requires_grad
    False
    """

    def __init__(self, module):
        super().__init__()
        self.frozen = module.requires_grad_(False)
        self.train(self.training)

    def train(self, mode=True):
        """Set the mode of the wrapper; what is frozen stays in eval mode.

        Arguments
        ---------
        mode : bool
            As ``torch.nn.Module.train``.

        Returns
        -------
        Frozen
            Itself.
        """
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, *args, **kwargs):
        """Call the module without gradient.

        Arguments
        ---------
        *args : tuple
            For the module.
        **kwargs : dict
            For the module.

        Returns
        -------
        torch.Tensor
            What the module returns.
        """
        with torch.no_grad():
            return self.frozen(*args, **kwargs)
