"""A student on disk, whoever wrote it: settings, tensors, and the student of both.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import torch

from mert_sb.inference.names import (
    DROPPED,
    HEADS,
    is_one_of,
    our_name,
    their_name,
)
from mert_sb.inference.tensors import CheckpointError
from mert_sb.student import MERT


class Checkpoint(NamedTuple):
    """What a checkpoint holds.

    Arguments
    ---------
    layout : str
        ``"mert_sb"``, ``"huggingface"`` or ``"fairseq"``.
    path : pathlib.Path
        The file with the weights.
    settings : dict
        ``MERT``'s keyword arguments.
    state : dict of str to torch.Tensor
        Named as ``MERT.state_dict()``.
    heads : dict of str to torch.Tensor
        Pretraining heads by the original's names; fairseq files have some.

    Example
    -------
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> checkpoint = Checkpoint(
    ...     "mert_sb", "a", student.settings, student.state_dict(), {}
    ... )
    >>> build_student(checkpoint).settings == student.settings
    True
    """

    layout: str
    path: str
    settings: dict
    state: dict
    heads: dict


def build_student(checkpoint):
    """The student of a checkpoint, its tensors being the checkpoint's own.

    Arguments
    ---------
    checkpoint : Checkpoint
        From ``read_checkpoint``.

    Returns
    -------
    mert_sb.student.MERT
        On the CPU, in float32; no weight is made, so none is random.

    Raises
    ------
    CheckpointError
        If the settings are impossible, or a tensor is missing, has another shape
        than they ask for, or is none of MERT's.

    Example
    -------
    >>> settings = {"conv_channels": 8, "embed_dim": 16, "ffn_dim": 32}
    >>> settings |= {"num_heads": 2, "num_layers": 1}
    >>> state = MERT(**settings).state_dict()
    >>> build_student(Checkpoint("mert_sb", "a", settings, state, {}))
    MERT(...)
    >>> state["mask_embedding"] = torch.zeros(3)
    >>> build_student(Checkpoint("mert_sb", "a", settings, state, {}))
    Traceback (most recent call last):
        ...
    mert_sb.inference.tensors.CheckpointError: a does not fit its configuration: ...
    """
    try:
        with torch.device("meta"):
            student = MERT(**checkpoint.settings)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{checkpoint.path}: no student has its settings: {error}"
        ) from error
    check_state(student, checkpoint)
    student.load_state_dict(checkpoint.state, strict=True, assign=True)
    return student


def check_state(student, checkpoint):
    """Compare a checkpoint's tensors with a student's, by name and shape.

    Arguments
    ---------
    student : mert_sb.student.MERT
        To be filled.
    checkpoint : Checkpoint
        With the tensors.

    Raises
    ------
    CheckpointError
        With each tensor that does not fit, under the name it has in the file.

    Example
    -------
    >>> settings = {"conv_channels": 8, "embed_dim": 16, "ffn_dim": 32}
    >>> student = MERT(**settings, num_heads=2, num_layers=1)
    >>> state = student.state_dict()
    >>> check_state(student, Checkpoint("mert_sb", "a", {}, state, {}))
    """
    wanted, found = student.state_dict(), checkpoint.state
    faults = [(name, "is missing") for name in wanted if name not in found]
    for name, tensor in found.items():
        shape = tuple(tensor.shape)
        if name not in wanted:
            faults.append((name, "is unknown to it"))
        elif shape != wanted[name].shape:
            asked = tuple(wanted[name].shape)
            faults.append((name, f"has shape {shape}, not {asked}"))
    if faults:
        listed = [f"{_file_name(n, checkpoint)} {why}" for n, why in faults[:5]]
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise CheckpointError(
            f"{checkpoint.path} does not fit its configuration: "
            f"{'; '.join(listed)}{more}. One of the two is another model's"
        )


def sort_tensors(tensors, layout, path):
    """An original's tensors by what becomes of them.

    Arguments
    ---------
    tensors : dict of str to torch.Tensor
        The original's state dictionary.
    layout : str
        ``"huggingface"`` or ``"fairseq"``.
    path : str or pathlib.Path
        The file, for the error.

    Returns
    -------
    tuple of (dict, dict)
        The student's by our names, float32; and the heads' by their own. What is
        dropped on purpose is listed in ``names.DROPPED``.

    Raises
    ------
    CheckpointError
        If a tensor is none of MERT's, or comes in both spellings.

    Example
    -------
    >>> tensors = {"mask_emb": torch.zeros(3), "final_proj.bias": torch.ones(1)}
    >>> sort_tensors(tensors, "fairseq", "a.pt")
    ({'mask_embedding': tensor([0., 0., 0.])}, {'final_proj.bias': tensor([1.])})
    """
    state, heads = {}, {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            raise CheckpointError(f"{path}: {name!r} is no tensor")
        ours = our_name(name, layout)
        if ours in state:
            raise CheckpointError(f"{path}: two spellings of tensor {name!r}")
        if ours:
            state[ours] = tensor.detach().float()
        elif is_one_of(name, HEADS[layout]):
            heads[name] = tensor.detach()
        elif not is_one_of(name, DROPPED[layout]):
            raise CheckpointError(
                f"{path}: tensor {name!r} is not one of MERT's"
            )
    return state, heads


def norm_name(first, deepnorm):
    """Our name for the original's two switches.

    Arguments
    ---------
    first : bool
        ``layer_norm_first``, Hugging Face's ``do_stable_layer_norm``.
    deepnorm : bool
        ``deepnorm``.

    Returns
    -------
    str
        ``MERT``'s ``norm``.

    Example
    -------
    >>> norm_name(first=True, deepnorm=False)
    'pre'
    """
    if first:
        return "pre"
    return "deepnorm" if deepnorm else "post"


def _file_name(ours, checkpoint):
    """A tensor's name in the checkpoint's own layout."""
    if checkpoint.layout == "mert_sb":
        return ours
    conv_norm = checkpoint.settings["conv_norm"]
    return their_name(ours, checkpoint.layout, conv_norm) or ours
