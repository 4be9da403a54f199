"""The original's fairseq layout, read and written: one ``.pt`` file.

``cfg`` holds plain configuration, ``model`` the tensors, heads among them.

Authors
 * The mert_sb developers 2026
"""

import re

import torch

from mert_sb import frames
from mert_sb.inference.checkpoint import Checkpoint, sort_tensors, student_state
from mert_sb.inference.names import their_name
from mert_sb.inference.originals import refuse_beyond_original
from mert_sb.inference.settings import (
    COUNT,
    CQT_BINS,
    KINDS,
    MAPPING,
    SWITCH,
    TEXT,
    cqt_bins,
    need,
    need_fixed,
    norm_name,
    short,
)
from mert_sb.inference.staging import staged_file
from mert_sb.inference.tensors import CheckpointError, read_pickle

# Rows of fairseq's dictionary before the first code: <s>, <pad>, </s>, <unk>.
SPECIAL_ROWS = 4

# The original's key of cfg.model -> ours.
KEYS = {
    "conv_bias": "conv_bias",
    "encoder_embed_dim": "embed_dim",
    "encoder_ffn_embed_dim": "ffn_dim",
    "encoder_attention_heads": "num_heads",
    "encoder_layers": "num_layers",
    "conv_pos": "position_kernel",
    "conv_pos_groups": "position_groups",
    "dropout": "dropout",
    "attention_dropout": "attention_dropout",
    "activation_dropout": "activation_dropout",
    "dropout_input": "input_dropout",
    "encoder_layerdrop": "layerdrop",
    "feature_grad_mult": "feature_grad_mult",
    "attention_relax": "attention_relax",
    "do_cnn_feat_stable_layernorm": "projection_norm",
}
# What no student of ours can be otherwise.
FIXED = {
    "activation_fn": "gelu",
    "layer_type": "transformer",
    "audio_extract_type": "w2v_conv",
    "pos_conv_depth": 1,
    "subln": False,
    "wav_normalize": False,
}
DEFAULTS = {
    "do_cnn_feat_stable_layernorm": False,
    "deepnorm": False,
    "attention_relax": -1.0,
    "feature_extractor_cqt": False,
    "feature_extractor_cqt_bins": 84,
}
NORMS = {"default": "group", "layer_norm": "layer"}
EXTRACTOR_MODE = ("default or layer_norm", lambda v: v in list(NORMS))
_CONVOLUTIONS = re.compile(
    r"\[\((\d+),10,5\)\]\+\[\(\1,3,2\)\]\*4\+\[\(\1,2,2\)\]\*2"
)


def read_fairseq(path):
    """A checkpoint in the original's fairseq layout.

    Arguments
    ---------
    path : str or pathlib.Path
        The ``.pt`` file.

    Returns
    -------
    Checkpoint
        Settings, tensors, and the heads' (for ``heads_of``).

    Raises
    ------
    CheckpointError
        If the file is damaged, dangerous, or another model's.

    Example
    -------
    >>> read_fairseq("absent.pt")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'absent.pt'
    """
    checkpoint = read_pickle(path)
    config = checkpoint.get("cfg")
    tensors = checkpoint.get("model")
    if not isinstance(config, dict) or not isinstance(tensors, dict):
        raise CheckpointError(
            f"{path}: no checkpoint of fairseq's: it has no 'cfg' and 'model', but "
            f"{', '.join(map(short, list(checkpoint)[:5]))}"
        )
    settings = _settings(config, path)
    state, heads = sort_tensors(tensors, "fairseq", path)
    return Checkpoint("fairseq", path, settings, state, heads)


def write_fairseq(student, path, heads=None):
    """A student in the original's fairseq layout.

    Arguments
    ---------
    student : mert_sb.student.MERT
        To be written.
    path : str or pathlib.Path
        The ``.pt`` file.
    heads : dict of str to torch.Tensor, optional
        By the original's names, as in ``Checkpoint.heads``. fairseq goes on with
        pretraining only where they are given.

    Returns
    -------
    pathlib.Path
        The file.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> path = write_fairseq(student, getfixture("tmp_path") / "a.pt")
    >>> settings = read_fairseq(path).settings
    >>> all(student.settings[key] == value for key, value in settings.items())
    True
    """
    settings, state = student_state(student)
    refuse_beyond_original(settings, "fairseq", path, ("projection_norm",))
    bins, rate = settings["feature_extractor_cqt"], settings["sample_rate"]
    cqt_bins(bins > 0, bins, rate, path)
    conv_norm = settings["conv_norm"]
    tensors = {
        their_name(name, "fairseq", conv_norm): tensor
        for name, tensor in state.items()
    }
    checkpoint = {
        "args": None,
        "cfg": _config(settings),
        "model": tensors | (heads or {}),
        "last_optimizer_state": None,
        "extra_state": {},
        "optimizer_history": [],
    }
    with staged_file(path) as staging:
        try:
            torch.save(checkpoint, staging)
        except RuntimeError as error:
            # torch's word for a full disk.
            raise OSError(f"{path}: cannot be written ({error})") from error
    return path


def heads_of(heads, n_codebooks):
    """The heads of a fairseq checkpoint as ours.

    Arguments
    ---------
    heads : dict of str to torch.Tensor
        ``Checkpoint.heads``.
    n_codebooks : int
        K.

    Returns
    -------
    tuple of (dict, dict)
        State dictionaries of a ``CodebookHead`` whose codebooks keep the
        dictionary's four special rows (code c is class c + 4, and they take part
        in the softmax), and of a ``RegressionHead`` of scale 1.

    Example
    -------
    >>> heads = {
    ...     "final_proj.weight": torch.zeros(6, 5),
    ...     "final_proj.bias": torch.zeros(6),
    ...     "label_embs_concat": torch.zeros(20, 3),
    ...     "encoder_cqt_model.fc.weight": torch.zeros(7, 5),
    ...     "encoder_cqt_model.fc.bias": torch.zeros(7),
    ... }
    >>> codes, cqt = heads_of(heads, n_codebooks=2)
    >>> codes["codes"].shape, cqt["projection.weight"].shape
    (torch.Size([2, 10, 3]), torch.Size([7, 5]))
    """
    codes = {
        "projection.weight": heads["final_proj.weight"],
        "projection.bias": heads["final_proj.bias"],
        "codes": heads["label_embs_concat"].unflatten(0, (n_codebooks, -1)),
    }
    cqt = {
        "projection.weight": heads["encoder_cqt_model.fc.weight"],
        "projection.bias": heads["encoder_cqt_model.fc.bias"],
        "_extra_state": torch.tensor(1.0),
    }
    return codes, cqt


def _settings(config, path):
    """``MERT``'s keyword arguments out of ``cfg``."""
    model = {**DEFAULTS, **need(config, "model", MAPPING, path, "cfg.")}
    task = need(config, "task", MAPPING, path, "cfg.")
    kind = model.get("_name")
    if kind != "mert":
        raise CheckpointError(
            f"{path}: cfg.model._name is {short(kind)}, not 'mert': a checkpoint of "
            "another model"
        )

    def of_model(key, kind):
        return need(model, key, kind, path, "cfg.model.")

    need_fixed(model, FIXED, path, "cfg.model.")
    settings = {
        ours: of_model(theirs, KINDS[ours]) for theirs, ours in KEYS.items()
    }
    convolutions = of_model("conv_feature_layers", TEXT)
    match = _CONVOLUTIONS.fullmatch(convolutions.replace(" ", ""))
    if not match:
        raise CheckpointError(
            f"{path}: cfg.model.conv_feature_layers is {short(convolutions)}, not "
            "MERT's"
        )
    rate = need(task, "sample_rate", COUNT, path, "cfg.task.")
    first, deepnorm, cqt = (
        of_model(key, SWITCH)
        for key in ("layer_norm_first", "deepnorm", "feature_extractor_cqt")
    )
    bins = of_model("feature_extractor_cqt_bins", CQT_BINS)
    return settings | {
        "sample_rate": rate,
        "conv_channels": int(match[1]),
        "conv_norm": NORMS[of_model("extractor_mode", EXTRACTOR_MODE)],
        "norm": norm_name(first, deepnorm, path),
        "feature_extractor_cqt": cqt_bins(cqt, bins, rate, path),
        "normalize_wavs": need(task, "normalize", SWITCH, path, "cfg.task."),
    }


def _config(settings):
    """``cfg`` as fairseq writes it."""
    channels = settings["conv_channels"]
    modes = {ours: theirs for theirs, ours in NORMS.items()}
    bins = settings["feature_extractor_cqt"]
    frame_rate = frames.frame_rate(settings["sample_rate"])
    model = {
        "_name": "mert",
        **FIXED,
        **{theirs: settings[ours] for theirs, ours in KEYS.items()},
        "label_rate": frame_rate,
        "extractor_mode": modes[settings["conv_norm"]],
        "conv_feature_layers": (
            f"[({channels},10,5)] + [({channels},3,2)] * 4 + [({channels},2,2)] * 2"
        ),
        "layer_norm_first": settings["norm"] == "pre",
        "deepnorm": settings["norm"] == "deepnorm",
        "feature_extractor_cqt": bool(bins),
        "feature_extractor_cqt_bins": (
            bins or DEFAULTS["feature_extractor_cqt_bins"]
        ),
    }
    task = {
        "_name": "mert_pretraining",
        "sample_rate": settings["sample_rate"],
        "label_rate": frame_rate,
        "normalize": settings["normalize_wavs"],
    }
    return {"model": model, "task": task}
