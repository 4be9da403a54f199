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
from torch.optim.adamw import adamw

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
        ``(R, C)``, in bfloat16 where the processor multiplies in it.

    Example
    -------
    >>> values = torch.linalg.svdvals(orthogonalise(torch.rand(8, 5)).float())
    >>> bool((values > 0.6).all() and (values < 1.3).all())
    True
    """
    first, second, third = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    result = (matrix.mT if tall else matrix).to(_precision(matrix.device))
    result = result / result.norm().clamp(min=1e-7)
    for _ in range(ITERATIONS):
        square = result @ result.mT
        polynomial = torch.addmm(
            square, square, square, beta=second, alpha=third
        )
        result = torch.addmm(result, polynomial, result, beta=first)
    return result.mT if tall else result


def _precision(device):
    """bfloat16, but on a CPU that has no products in it, where they take 80 times as long."""
    if device.type != "cpu":
        return torch.bfloat16
    capability = torch.backends.cpu.get_cpu_capability()
    return torch.bfloat16 if "AVX512" in capability else torch.float32


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
            weights = [w for w in group["params"] if w.grad is not None]
            turned = [w for w in weights if _is_turned(w, group)]
            for weight in turned:
                self._turn(weight, group)
            self._adam([w for w in weights if not _is_turned(w, group)], group)
        return loss

    def load_state_dict(self, state_dict):
        """Go on from a checkpoint, with this optimizer's own rates and decays.

        Arguments
        ---------
        state_dict : dict
            Of a ``Muon``, or of torch's AdamW where ``matrix_lr`` is 0.

        Raises
        ------
        ValueError
            If it was saved by another optimizer, or with ``matrix_lr`` on the other
            side of 0.
        """
        settings = [
            {key: value for key, value in group.items() if key != "params"}
            for group in self.param_groups
        ]
        super().load_state_dict(state_dict)
        for group, own in zip(self.param_groups, settings, strict=True):
            group.update(own)
            for weight in group["params"]:
                turned = _is_turned(weight, group)
                need = "momentum_buffer" if turned else "exp_avg_sq"
                if weight in self.state and need not in self.state[weight]:
                    raise ValueError(
                        "the checkpoint's optimizer is another than Muon with "
                        f"matrix_lr {group['matrix_lr']}: it has no {need} of a "
                        f"tensor of shape {tuple(weight.shape)}. Set opt_class as it "
                        "was when that training began, or begin anew in another "
                        "output_folder, with pretrained: its encoder"
                    )

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

    def _adam(self, weights, group):
        """AdamW's step of all other tensors, in one pass over them."""
        for weight in weights:
            if not self.state[weight]:
                self.state[weight] |= {
                    "step": torch.zeros((), device=weight.device),
                    "exp_avg": torch.zeros_like(weight),
                    "exp_avg_sq": torch.zeros_like(weight),
                }
        if not weights:
            return
        states = [self.state[weight] for weight in weights]
        adamw(
            weights,
            [weight.grad for weight in weights],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            maximize=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            **{key: group[key] for key in ("lr", "weight_decay", "eps")},
        )


def _is_turned(weight, group):
    """Whether a tensor is a matrix for Muon."""
    return weight.ndim == 2 and group["matrix_lr"] > 0
