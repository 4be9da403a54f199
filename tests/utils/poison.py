"""Numbers that are none, put into a pretraining Brain, and what they must not change.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import math

import torch

from tests.utils.pretraining_brain import build_brain

BAD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "huge": 3e38}


class Steady:
    """A schedule of one rate, whatever was skipped before."""

    def calculate_lr(self, step):
        """The rate."""
        return 0.01


def adam_brain(folder, **changed):
    """A Brain as of ``build_brain`` whose optimizer has a state.

    Arguments
    ---------
    folder : pathlib.Path
        For its checkpoints.
    **changed : dict
        As of ``build_brain``.

    Returns
    -------
    Pretraining
        The same weights each time.
    """
    brain = build_brain(folder, **{"lr_schedule": Steady()} | changed)
    brain.optimizer = torch.optim.AdamW(
        brain.modules.parameters(), lr=0.01, weight_decay=0.1
    )
    brain.optimizers_dict = {"opt_class": brain.optimizer}
    return brain


def snapshot(brain):
    """All that a step changes: weights, buffers, the optimizer's tensors.

    Arguments
    ---------
    brain : speechbrain.Brain
        With an optimizer.

    Returns
    -------
    dict of str to torch.Tensor
        Copies.
    """
    tensors = dict(brain.modules.state_dict())
    for index, state in brain.optimizer.state_dict()["state"].items():
        tensors |= {f"{index}.{key}": value for key, value in state.items()}
    return {
        name: value.detach().clone()
        for name, value in tensors.items()
        if isinstance(value, torch.Tensor)
    }


def changed(before, after):
    """Names of what differs by a bit, or is in one alone.

    Arguments
    ---------
    before, after : dict of str to torch.Tensor
        From ``snapshot``.

    Returns
    -------
    list of str
        Empty if nothing was harmed.
    """
    both = before.keys() & after.keys()
    return sorted(before.keys() ^ after.keys()) + sorted(
        name for name in both if not torch.equal(before[name], after[name])
    )


def spoiled(tensor, value):
    """A tensor with one number of it replaced.

    Arguments
    ---------
    tensor : torch.Tensor
        Of floating-point numbers.
    value : float
        In place of the number in the middle.

    Returns
    -------
    torch.Tensor
        A copy.
    """
    spot = torch.zeros(tensor.numel(), dtype=torch.bool, device=tensor.device)
    spot[tensor.numel() // 2] = True
    return torch.where(spot.view(tensor.shape), value, tensor)


def _spoiled_frames(target, value):
    """With one number of each frame replaced: only masked frames are read."""
    spoiled_frames = target.clone()
    spoiled_frames[..., target.shape[-1] // 2] = value
    return spoiled_frames


def places(brain):
    """Where ``poisoned`` can put a number.

    Arguments
    ---------
    brain : Pretraining
        From ``build_brain``.

    Returns
    -------
    list of str
        Targets, what heads see, losses, and each parameter's gradient.
    """
    names = [n for n, p in brain.modules.named_parameters() if p.requires_grad]
    return [
        "target level",
        *(f"states {name}" for name in brain.heads),
        *(f"times {name}" for name in ("codes", "level", "penalty", "loss")),
        *(f"plus {name}" for name in ("codes", "level", "penalty", "loss")),
        *(f"gradient {name}" for name in names),
    ]


@contextlib.contextmanager
def poisoned(brain, place, value):
    """Put a number at a place, in all steps inside.

    Arguments
    ---------
    brain : Pretraining
        From ``build_brain``.
    place : str
        From ``places``.
    value : float
        The number; a loss is multiplied by it, or has it added.
    """
    kind, _, name = place.partition(" ")
    if kind in ("times", "plus"):
        with _objectives(brain, kind, name, value):
            yield
        return
    if kind == "gradient":
        parameter = dict(brain.modules.named_parameters())[name]
        hook = parameter.register_hook(lambda grad: spoiled(grad, value))
    elif kind == "target":
        hook = brain.teachers[name].register_forward_hook(
            lambda module, inputs, output: _spoiled_frames(output, value)
        )
    else:
        hook = brain.modules[name].register_forward_pre_hook(
            lambda module, inputs: (spoiled(inputs[0], value), *inputs[1:])
        )
    try:
        yield
    finally:
        hook.remove()


@contextlib.contextmanager
def _objectives(brain, kind, name, value):
    """A loss, or part of one, times a number or plus it."""
    plain = brain.compute_objectives

    def spoil(loss):
        return loss * value if kind == "times" else loss + value

    def objectives(predictions, batch, stage):
        results, targets, penalty = predictions
        if name == "penalty":
            penalty = spoil(penalty)
        elif name != "loss":
            result = results[name]
            results = results | {name: result | {"loss": spoil(result["loss"])}}
        loss = plain((results, targets, penalty), batch, stage)
        return spoil(loss) if name == "loss" else loss

    brain.compute_objectives = objectives
    try:
        yield
    finally:
        del brain.compute_objectives
