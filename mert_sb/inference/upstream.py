"""Upstreams of MERT checkpoints: sizes, rate and weights come from the files.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.downstream.upstreams import FrameStates, PooledStates
from mert_sb.inference.checkpoint import build_student
from mert_sb.inference.convert import read_checkpoint
from mert_sb.student import MERT


def trained_upstream(source, frames=False, **changes):
    """States of a checkpoint, for probing or fine-tuning.

    Arguments
    ---------
    source : str
        Hub id, folder or fairseq file, see ``read_checkpoint``.
    frames : bool
        Every frame's states instead of their means over time.
    **changes : dict
        Settings without meaning for the weights, such as ``layerdrop``.

    Returns
    -------
    PooledStates or FrameStates
        With every weight of the checkpoint.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> trained_upstream(folder)(torch.rand(2, 3_000)).shape
    torch.Size([2, 2, 16])
    """
    checkpoint = read_checkpoint(source)
    settings = checkpoint.settings | changes
    student = build_student(checkpoint._replace(settings=settings))
    return student_states(student, frames=frames)


def random_upstream(source, seed, frames=False, **changes):
    """The same student untrained: what architecture alone is worth.

    Arguments
    ---------
    source : str
        Whose settings to take.
    seed : int
        Of its weights.
    frames : bool
        Every frame's states instead of their means over time.
    **changes : dict
        Settings without meaning for the weights, such as ``layerdrop``.

    Returns
    -------
    PooledStates or FrameStates
        With random weights.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> one, two = (random_upstream(folder, seed=1) for _ in range(2))
    >>> one.encoder.mask_embedding.equal(two.encoder.mask_embedding)
    True
    """
    settings = read_checkpoint(source).settings | changes
    dice = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        # Modules draw from the one generator of the process; it is given back.
        torch.random.set_rng_state(dice.get_state())
        return student_states(MERT(**settings), frames=frames)


def student_states(student, frames=False):
    """The upstream of a student.

    Arguments
    ---------
    student : mert_sb.student.MERT
        With its weights.
    frames : bool
        Every frame's states instead of their means over time.

    Returns
    -------
    PooledStates or FrameStates
        Of that student.

    Example
    -------
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> student_states(student).n_states
    2
    """
    settings = student.settings
    # Nothing is masked here, and several processes want every gradient.
    student.mask_embedding.requires_grad_(False)
    return (FrameStates if frames else PooledStates)(
        student,
        sample_rate=settings["sample_rate"],
        n_states=settings["num_layers"] + 1,
        dim=settings["embed_dim"],
        settings=settings,
        subsample=settings["subsample"],
    )
