"""A student whose front end begins as another's, for YAML.

    frontend_source: m-a-p/MERT-v1-95M
    trained_frontend: !apply:mert_sb.inference.frontends.load_frontend_from
        student: !ref <student>
        source: !ref <frontend_source>

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.tensors import CheckpointError
from mert_sb.student import MERT
from mert_sb.student.loading import load_frontend
from mert_sb.student.options import CHOICES, complete


def load_frontend_from(student, source, fetch_config=None):
    """Copy a checkpoint's front end into a student.

    With ``feature_grad_mult: 0`` it stays as it is; a training that is resumed takes
    its own weights afterwards.

    Arguments
    ---------
    student : mert_sb.student.MERT
        To be changed.
    source : str or pathlib.Path
        Any that ``read_checkpoint`` reads.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Returns
    -------
    mert_sb.student.MERT
        The student given.

    Raises
    ------
    CheckpointError
        If the checkpoint cannot be read, or its front end is of another kind, rate
        or size.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> tiny = {"conv_channels": 8, "embed_dim": 16, "num_layers": 0}
    >>> folder = export_student(
    ...     MERT(**tiny), getfixture("tmp_path") / "encoder"
    ... )
    >>> student = load_frontend_from(MERT(**tiny | {"embed_dim": 32}), folder)
    """
    checkpoint = read_checkpoint(source, fetch_config)
    defaults = MERT.__init__.__kwdefaults__
    theirs = complete(defaults | checkpoint.settings)
    ours = student.settings
    kinds = CHOICES["frontend"]
    for key in ("frontend", "sample_rate", *kinds[ours["frontend"]]):
        if theirs[key] != ours[key]:
            raise CheckpointError(
                f"{checkpoint.path}: its front end has {key}: {theirs[key]}, the "
                f"student {ours[key]}; give both the same"
            )
    try:
        return load_frontend(student, checkpoint.state)
    except ValueError as error:
        raise CheckpointError(f"{checkpoint.path}: {error}") from error
