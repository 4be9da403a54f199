"""Continuing: a recipe's student and heads filled from a checkpoint before training.

The original's fairseq files hold the heads of its pretraining; an inference folder and
Hugging Face's files hold the student alone. What is not filled begins anew, what is not
used is left out, and both are said.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import torch
from speechbrain.utils.logger import get_logger

from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.fairseq import SPECIAL_ROWS
from mert_sb.inference.pretrainer import fill_student
from mert_sb.inference.tensors import CheckpointError
from mert_sb.pretraining.heads import CodebookHead, RegressionHead

logger = get_logger(__name__)

# Prefixes of the original's tensors, and the keys of ours that they belong to.
CODES = ("final_proj", "final_projs", "label_embs_concat", "logit_temp_list")
CODES += ("target_glu",)
REGRESSIONS = {"cqt": "encoder_cqt_model.fc", "mel": "encoder_mel_model.fc"}
# How far attention sees; no weight is of another meaning or number for it.
REACH = ("attention_window", "global_frames")


class Report(NamedTuple):
    """What became of the recipe's modules and the file's heads.

    Arguments
    ---------
    filled : list of str
        Modules that have the checkpoint's weights.
    anew : list of str
        Modules that keep their random ones.
    left : list of str
        Tensors of the file, or rows of them, that are not used.

    Example
    -------
    >>> Report(["student"], ["cqt"], []).anew
    ['cqt']
    """

    filled: list
    anew: list
    left: list


def load_pretraining(
    modules, source, *, fetch_config=None, codes="encodec", regressions=None
):
    """Fill a student, and what heads a checkpoint has, in place.

    The student may attend within other windows than the checkpoint's, as when longer
    clips follow: what has changed is logged.

    Arguments
    ---------
    modules : dict of str to torch.nn.Module
        The YAML's ``modules``: ``student``, and heads by their teachers' names.
    source : str or pathlib.Path
        A fairseq ``.pt`` file, a folder or a Hub id, as for ``read_checkpoint``.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        ``revision``, ``token`` and the like, for the Hub.
    codes : str
        The head that the file's codebooks belong to. Codes of another teacher have
        other meanings: a head of another name begins anew.
    regressions : dict of str to str, optional
        The heads that the file's regressions belong to; ``REGRESSIONS`` if None.

    Returns
    -------
    Report
        It is logged, too.

    Raises
    ------
    CheckpointError
        If the student has other settings, or a head other sizes, than the file's.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> from mert_sb.pretraining.heads import RegressionHead
    >>> from mert_sb.student import MERT
    >>> sizes = {"conv_channels": 8, "embed_dim": 16, "ffn_dim": 32}
    >>> student = MERT(**sizes, num_heads=2, num_layers=1)
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> twin = MERT(**sizes, num_heads=2, num_layers=1)
    >>> modules = {"student": twin, "cqt": RegressionHead(16, n_features=5)}
    >>> load_pretraining(modules, folder)
    Report(filled=['student'], anew=['cqt'], left=[])
    """
    checkpoint = read_checkpoint(source, fetch_config)
    changed = fill_student(modules["student"], checkpoint, may_differ=REACH)
    for key, (theirs, ours) in changed.items():
        logger.warning(
            "%s: trained with %s: %s, goes on with %s",
            *(checkpoint.path, key, theirs, ours),
        )
    heads, path = dict(checkpoint.heads), checkpoint.path
    filled, left = ["student"], []
    if codes in modules and "label_embs_concat" in heads:
        taken = {
            name: heads.pop(name)
            for name in list(heads)
            if name.partition(".")[0] in CODES
        }
        left += fill_codebooks(modules[codes], taken, path)
        filled.append(codes)
    for name, prefix in (regressions or REGRESSIONS).items():
        taken = {
            f"projection.{leaf}": heads.pop(f"{prefix}.{leaf}")
            for leaf in ("weight", "bias")
            if name in modules and f"{prefix}.{leaf}" in heads
        }
        if taken:
            if not isinstance(modules[name], RegressionHead):
                raise CheckpointError(
                    f"{path}: {name} is a regression in this file, and a "
                    f"{type(modules[name]).__name__} in the YAML's modules"
                )
            # The originals' heads have none.
            scale = modules[name].scale
            taken = {key: value / scale for key, value in taken.items()}
            taken["_extra_state"] = modules[name].get_extra_state()
            _fill(modules[name], taken, path, "n_features")
            filled.append(name)
    anew = [name for name in modules if name not in filled]
    report = Report(filled, anew, left + sorted(heads))
    logger.info("%s fills %s", path, ", ".join(filled))
    for names, fate in ((anew, "begin anew"), (report.left, "are left out")):
        if names:
            logger.warning("%s: %s %s", path, ", ".join(names), fate)
    return report


def continue_from(hparams):
    """Do so where a recipe's YAML names a source, and no checkpoint is there yet.

    Arguments
    ---------
    hparams : dict
        With ``pretrained``, a source or None, ``modules`` and ``checkpointer``.

    Returns
    -------
    Report or None
        None where nothing was loaded.

    Example
    -------
    >>> continue_from({"pretrained": None})
    """
    source = hparams["pretrained"]
    if source is None:
        return None
    newest = hparams["checkpointer"].find_checkpoint()
    if newest is not None:
        logger.info("pretrained: not read, %s goes on", newest.path)
        return None
    return load_pretraining(hparams["modules"], source)


def fill_codebooks(head, tensors, path):
    """Fill a ``CodebookHead`` from the original's tensors, in place.

    The original's codebooks begin with the four special rows of fairseq's dictionary,
    which are no teacher's codes but take part in its softmax; they are left out.

    Arguments
    ---------
    head : CodebookHead
        Of the same options as the original: ``tied_projection`` where its
        ``untie_final_proj`` is false, and so on.
    tensors : dict of str to torch.Tensor
        By the original's names.
    path : str or pathlib.Path
        The file, for errors.

    Returns
    -------
    list of str
        What was left out.

    Raises
    ------
    CheckpointError
        If the head is another kind of module, or has other options or sizes.

    Example
    -------
    >>> head = CodebookHead(5, n_codebooks=2, codebook_size=6, proj_dim=3)
    >>> tensors = {
    ...     "final_proj.weight": torch.zeros(6, 5),
    ...     "final_proj.bias": torch.zeros(6),
    ...     "label_embs_concat": torch.ones(20, 3),
    ... }
    >>> fill_codebooks(head, tensors, "a.pt")
    ['label_embs_concat: rows 0 to 3 of each codebook']
    """
    if not isinstance(head, CodebookHead):
        raise CheckpointError(
            f"{path}: its codebooks cannot fill a {type(head).__name__}"
        )
    rows, n_codebooks = tensors["label_embs_concat"], head.n_codebooks
    n_codes = head.codes.shape[1] + SPECIAL_ROWS
    if len(rows) != n_codebooks * n_codes:
        raise CheckpointError(
            f"{path}: label_embs_concat has {len(rows)} rows; {n_codebooks} codebooks "
            f"of {head.codes.shape[1]} codes and {SPECIAL_ROWS} special rows would "
            f"have {n_codebooks * n_codes}. Set n_codebooks and codebook_size to "
            "the file's"
        )
    codes = rows.unflatten(0, (n_codebooks, n_codes))[:, SPECIAL_ROWS:]
    state = {"codes": codes}
    for leaf in ("weight", "bias"):
        # Drawn codebooks have projections of their own there.
        parts = [
            tensors[f"final_projs.{index}.{leaf}"]
            for index in range(n_codebooks)
            if f"final_projs.{index}.{leaf}" in tensors
        ]
        whole = tensors.get(f"final_proj.{leaf}")
        if parts or whole is not None:
            state[f"projection.{leaf}"] = torch.cat(parts) if parts else whole
        if f"target_glu.0.{leaf}" in tensors:
            state[f"glu.0.{leaf}"] = tensors[f"target_glu.0.{leaf}"]
    if "logit_temp_list" in tensors:
        state["log_scales"] = tensors["logit_temp_list"]
    options = "proj_dim, tied_projection, target_glu and learnable_temperature"
    _fill(head, state, path, options)
    return [f"label_embs_concat: rows 0 to {SPECIAL_ROWS - 1} of each codebook"]


def _fill(head, state, path, options):
    """Fill a head strictly."""
    try:
        head.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: the head is another than the file's; set its {options} to the "
            f"file's. {error}"
        ) from error
