"""LAMB, for large batches (arXiv 1904.00962, algorithm 2).

The other optimizers of the original are torch's own; in a YAML:

    opt_class: !name:torch.optim.AdamW     # fairseq's adam decays weights as AdamW does
    opt_class: !name:torch.optim.RAdam
        decoupled_weight_decay: True
    opt_class: !name:mert_sb.pretraining.optimizers.Lamb

Authors
 * The mert_sb developers 2026
"""

import torch


class Lamb(torch.optim.Optimizer):
    """Adam whose step for each tensor is as long as the tensor times the learning rate.

    With r the step of Adam, bias corrected, plus the decay of the weights w, the update
    is ``lr |w| / |r| r``; where ``|w|`` or ``|r|`` is zero, the factor is 1. A tensor is
    a layer's; norms are not clipped, as the paper's function of ``|w|`` may do.

    Arguments
    ---------
    params : iterable
        Parameters or groups of them.
    lr : float
        Learning rate.
    betas : tuple of (float, float)
        Decay of the two moments.
    eps : float
        Added to the root of the second moment.
    weight_decay : float
        Share of the weights in the step.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Example
    -------
    >>> weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    >>> optimizer = Lamb([weight], lr=0.1, weight_decay=0.0)
    >>> weight.sum().backward()
    >>> optimizer.step()
    >>> (weight.detach() - torch.tensor([3.0, 4.0])).norm()
    tensor(0.5000)
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-6,
        weight_decay=0.01,
    ):
        if lr < 0 or eps < 0 or weight_decay < 0:
            raise ValueError(
                f"lr {lr}, eps {eps} and weight_decay {weight_decay} must not be "
                "below 0"
            )
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas {betas} must be in [0, 1)")
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        """Update the parameters that have a gradient.

        Arguments
        ---------
        closure : callable, optional
            Computes the loss again.

        Returns
        -------
        torch.Tensor or None
            What the closure returns.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
        return loss

    def _update(self, weight, group):
        """Move one tensor."""
        state, gradient = self.state[weight], weight.grad
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(weight)
            state["exp_avg_sq"] = torch.zeros_like(weight)
        state["step"] += 1
        first, second = group["betas"]
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(gradient, 1 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        root = (square / (1 - second ** state["step"])).sqrt_()
        step = mean / (1 - first ** state["step"]) / root.add_(group["eps"])
        step.add_(weight, alpha=group["weight_decay"])
        # Tensors all along: reading a norm would wait for the GPU.
        length, other = weight.norm(), step.norm()
        ratio = torch.where((length > 0) & (other > 0), length / other, 1.0)
        weight.sub_(step * (group["lr"] * ratio))
