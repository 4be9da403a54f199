"""Muon: steps of matrices with all their directions equally long.

Masked frames are guessed through products whose inputs and targets, bins of a spectrum, are
strongly correlated: Adam learns their few large directions in minutes and the many small ones,
which tell a frame from its clip's mean, hardly at all. Steps whose singular values are all
alike do not wait for them (K. Jordan et al., 2024, "Muon: an optimizer for hidden layers";
at scale, arXiv 2502.16982). In a YAML:

    opt_class: !name:mert_sb.pretraining.muon.Muon
        lr: !ref <lr>
        matrix_lr: 2.0

Authors
 * The mert_sb developers 2026
"""

import math

import torch

# Of the quintic iteration that takes singular values near 1, and how often.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
# Root mean square of Adam's steps, in learning rates (arXiv 2502.16982, section 2.2).
ADAM_RMS = 0.2


def orthogonalise(matrix):
    """The nearest matrix whose singular values are about 1 (0.7 to 1.2).

    Arguments
    ---------
    matrix : torch.Tensor
        ``(R, C)``.

    Returns
    -------
    torch.Tensor
        ``(R, C)`` in bfloat16.

    Example
    -------
    >>> values = torch.linalg.svdvals(orthogonalise(torch.rand(8, 5)).float())
    >>> bool((values > 0.6).all() and (values < 1.3).all())
    True
    """
    first, second, third = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    result = (matrix.mT if tall else matrix).bfloat16()
    result = result / result.norm().clamp(min=1e-7)
    for _ in range(ITERATIONS):
        square = result @ result.mT
        polynomial = torch.addmm(
            square, square, square, beta=second, alpha=third
        )
        result = torch.addmm(result, polynomial, result, beta=first)
    return result.mT if tall else result


class Muon(torch.optim.Optimizer):
    """Muon for matrices, AdamW for all else.

    Arguments
    ---------
    params : iterable
        Parameters or groups of them. Matrices are those of two dimensions; kernels,
        biases, norms and codebooks' vectors are not.
    lr : float
        Learning rate of AdamW.
    matrix_lr : float
        Of Muon, in units of ``lr``. Its steps have the root mean square of Adam's.
        0: AdamW for matrices too.
    momentum : float
        Decay of Muon's mean of gradients, with Nesterov's look ahead.
    betas : tuple of (float, float)
        Decay of AdamW's two moments.
    eps : float
        Added to the root of AdamW's second moment.
    weight_decay : float
        Share of the weights that goes with each step, times its learning rate.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Example
    -------
    >>> weight = torch.nn.Parameter(torch.zeros(4, 4))
    >>> optimizer = Muon([weight], lr=0.1, matrix_lr=1.0)
    >>> (weight * torch.eye(4)).sum().backward()
    >>> optimizer.step()
    >>> bool((weight.diagonal() < -0.02).all())
    True
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        matrix_lr=1.0,
        momentum=0.95,
        betas=(0.9, 0.98),
        eps=1e-6,
        weight_decay=0.01,
    ):
        if min(lr, matrix_lr, eps, weight_decay) < 0:
            raise ValueError(
                f"lr {lr}, matrix_lr {matrix_lr}, eps {eps} and weight_decay "
                f"{weight_decay} must not be below 0"
            )
        if not all(0 <= beta < 1 for beta in (momentum, *betas)):
            raise ValueError(
                f"momentum {momentum} and betas {betas} must be in [0, 1)"
            )
        defaults = {
            "lr": lr,
            "matrix_lr": matrix_lr,
            "momentum": momentum,
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
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                if weight.ndim == 2 and group["matrix_lr"] > 0:
                    self._turn(weight, group)
                else:
                    self._adam(weight, group)
        return loss

    def _turn(self, weight, group):
        """Muon's step of a matrix."""
        state, gradient = self.state[weight], weight.grad
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        mean = state["momentum_buffer"]
        mean.lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(mean, group["momentum"])
        step = orthogonalise(ahead).to(weight.dtype)
        lr = group["lr"] * group["matrix_lr"]
        weight.mul_(1 - lr * group["weight_decay"])
        length = ADAM_RMS * math.sqrt(max(weight.shape))
        weight.add_(step, alpha=-lr * length)

    def _adam(self, weight, group):
        """AdamW's step of a tensor."""
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
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        rate = group["lr"] / (1 - first ** state["step"])
        weight.addcdiv_(mean, root.add_(group["eps"]), value=-rate)
