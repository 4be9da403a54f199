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
from mert_sb.inference.settings import short
from mert_sb.inference.tensors import CheckpointError, as_weight
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
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
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
        The student's by our names and the heads' by their own, float32. What is
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
        if not isinstance(name, str):
            raise CheckpointError(f"{path}: {short(name)} is no tensor's name")
        ours = our_name(name, layout)
        if ours in state:
            raise CheckpointError(f"{path}: two spellings of tensor {name!r}")
        if ours:
            state[ours] = as_weight(tensor, name, path)
        elif is_one_of(name, HEADS[layout]):
            heads[name] = as_weight(tensor, name, path)
        elif not is_one_of(name, DROPPED[layout]):
            raise CheckpointError(
                f"{path}: tensor {name!r} is not one of MERT's"
            )
    return state, heads


def student_state(student):
    """What is written of a student, whatever it is wrapped in.

    Arguments
    ---------
    student : mert_sb.student.MERT
        Perhaps compiled, or wrapped for distributed training.

    Returns
    -------
    tuple of (dict, dict)
        Its settings, and its tensors by name, float32 on the CPU.

    Raises
    ------
    ValueError
        If its modules are not those that its settings make, for example because
        adapters were put in.

    Example
    -------
    >>> settings, state = student_state(MERT(num_layers=0))
    >>> settings["num_layers"], state["mask_embedding"].shape
    (0, torch.Size([768]))
    """
    for wrapper in ("_orig_mod", "module"):
        student = getattr(student, wrapper, student)
    if not isinstance(student, MERT):
        raise ValueError(
            f"student: a {type(student).__name__}, not a MERT; merge adapters into "
            "it and give the MERT itself"
        )
    state = {
        name: tensor.detach().to("cpu", torch.float32).contiguous()
        for name, tensor in student.state_dict().items()
    }
    with torch.device("meta"):
        plain = MERT(**student.settings).state_dict()
    shapes = {name: tensor.shape for name, tensor in plain.items()}
    if shapes != {name: tensor.shape for name, tensor in state.items()}:
        changed = sorted(set(shapes) ^ set(state))[:3]
        raise ValueError(
            f"student: its modules were changed ({', '.join(changed)}); merge "
            "adapters into it and give the MERT as its settings make it"
        )
    return student.settings, state


def _file_name(ours, checkpoint):
    """A tensor's name in the checkpoint's own layout."""
    if checkpoint.layout == "mert_sb":
        return ours
    conv_norm = checkpoint.settings["conv_norm"]
    return their_name(ours, checkpoint.layout, conv_norm) or ours
