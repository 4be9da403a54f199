"""Upstreams as plain data: what fine-tuning wrapped around them is taken off again.

Authors
 * The mert_sb developers 2026
"""

from speechbrain.nnet.adapters import AdaptedModel, LoRA

from mert_sb.downstream.upstreams import (
    FrameStates,
    FrozenUpstream,
    MelFrames,
    PooledStates,
)
from mert_sb.inference.checkpoint import Checkpoint, build_student
from mert_sb.inference.tensors import CheckpointError
from mert_sb.inference.upstream import student_states
from mert_sb.student import MERT


def plain_upstream(upstream):
    """An upstream without wrappers, adapters merged into its weights.

    Arguments
    ---------
    upstream : torch.nn.Module
        As an upstream's YAML makes it, perhaps trained. It is left as it is.

    Returns
    -------
    PooledStates or MelFrames
        Of the same outputs within rounding, on the CPU if adapters were merged.

    Raises
    ------
    ValueError
        If it is of another kind, or its adapters cannot be merged.

    Example
    -------
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> upstream = AdaptedModel(
    ...     student_states(student), LoRA, target_layers=["*.q_proj"]
    ... )
    >>> plain = plain_upstream(upstream)
    >>> any("adapter" in name for name in plain.state_dict())
    False
    """
    if isinstance(upstream, FrozenUpstream):
        return plain_upstream(upstream.frozen)
    if isinstance(upstream, AdaptedModel):
        return _merged(upstream.adapted_model)
    if isinstance(upstream, MelFrames):
        return upstream
    if isinstance(upstream, PooledStates) and isinstance(
        upstream.encoder, MERT
    ):
        return upstream
    raise ValueError(
        f"upstream: a {type(upstream).__name__} cannot be written as an inference "
        "folder; MERT students and MelFrames can"
    )


def _merged(upstream):
    """The upstream of a student with LoRA in some layers."""
    student = upstream.encoder
    state = {
        name: tensor.detach().to("cpu", copy=True).float()
        for name, tensor in student.state_dict().items()
    }
    for name, module in student.named_modules():
        if isinstance(module, LoRA):
            _merge(state, name, module.scaling)
    checkpoint = Checkpoint("mert_sb", "adapted", student.settings, state, {})
    try:
        frames = isinstance(upstream, FrameStates)
        return student_states(build_student(checkpoint), frames=frames)
    except CheckpointError as error:
        raise ValueError(
            f"upstream: its adapters cannot be merged, only LoRA's can ({error})"
        ) from error


def _merge(state, name, scaling):
    """Put a layer's two factors into its weight."""
    down = state.pop(f"{name}.adapter_down_proj.weight")
    up = state.pop(f"{name}.adapter_up_proj.weight")
    prefix = f"{name}.pretrained_module."
    for key in [key for key in state if key.startswith(prefix)]:
        state[f"{name}.{key.removeprefix(prefix)}"] = state.pop(key)
    weight = state[f"{name}.weight"]
    # A convolution's second factor has one tap: its channels are a matrix too.
    weight += scaling * (up.flatten(1) @ down.flatten(1)).view_as(weight)
