"""The original's Hugging Face layout, read.

``config.json`` (architecture), ``preprocessor_config.json`` (rate, normalisation) and
``model.safetensors`` or ``pytorch_model.bin``.

Authors
 * The mert_sb developers 2026
"""

from speechbrain.utils.logger import get_logger

from mert_sb.inference.checkpoint import Checkpoint, sort_tensors
from mert_sb.inference.settings import (
    COUNT,
    COUNTS,
    CQT_BINS,
    KINDS,
    SWITCH,
    cqt_bins,
    need,
    need_fixed,
    norm_name,
    short,
)
from mert_sb.inference.tensors import (
    CheckpointError,
    SafeTensors,
    read_json,
    read_pickle,
)
from mert_sb.student.frontend import KERNELS, STRIDES

logger = get_logger(__name__)

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")

# The original's key -> ours.
KEYS = {
    "feat_extract_norm": "conv_norm",
    "conv_bias": "conv_bias",
    "hidden_size": "embed_dim",
    "intermediate_size": "ffn_dim",
    "num_attention_heads": "num_heads",
    "num_hidden_layers": "num_layers",
    "num_conv_pos_embeddings": "position_kernel",
    "num_conv_pos_embedding_groups": "position_groups",
    "hidden_dropout": "dropout",
    "attention_dropout": "attention_dropout",
    "activation_dropout": "activation_dropout",
    "feat_proj_dropout": "input_dropout",
    "layerdrop": "layerdrop",
    "attention_relax": "attention_relax",
}
# What no student of ours can be otherwise.
FIXED = {
    "conv_kernel": list(KERNELS),
    "conv_stride": list(STRIDES),
    "feat_extract_activation": "gelu",
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "feat_proj_layer_norm": True,
    # transformers from 4.48 on looks for it, and the published files lack it.
    "conv_pos_batch_norm": False,
}
# configuration_MERT.py's defaults; early configurations lack these keys.
DEFAULTS = {
    "deepnorm": False,
    "attention_relax": -1.0,
    "feature_extractor_cqt": False,
    "feature_extractor_cqt_bins": 336,
}


def read_huggingface(config, preprocessor, weights):
    """A checkpoint in the original's Hugging Face layout.

    Arguments
    ---------
    config : pathlib.Path
        ``config.json``.
    preprocessor : pathlib.Path
        ``preprocessor_config.json``.
    weights : pathlib.Path
        ``model.safetensors`` or ``pytorch_model.bin``.

    Returns
    -------
    Checkpoint
        Settings and tensors.

    Raises
    ------
    CheckpointError
        If a file is damaged, another model's, or contradicts another.

    Example
    -------
    >>> from mert_sb.inference.huggingface_export import write_huggingface
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = write_huggingface(student, getfixture("tmp_path") / "original")
    >>> names = (CONFIG, PREPROCESSOR, WEIGHTS[0])
    >>> read_huggingface(*(folder / name for name in names)).layout
    'huggingface'
    """
    settings = read_settings(config, preprocessor)
    read = SafeTensors if weights.suffix == ".safetensors" else read_pickle
    state, heads = sort_tensors(read(weights), "huggingface", weights)
    if "mask_embedding" not in state:
        # transformers makes one only for configurations that mask.
        logger.warning(
            "%s has no masked_spec_embed: zeros take its place, which only "
            "pretraining would see",
            weights,
        )
        state["mask_embedding"] = state["projection.bias"].new_zeros(
            settings["embed_dim"]
        )
    return Checkpoint("huggingface", weights, settings, state, heads)


def read_settings(config_path, preprocessor_path):
    """``MERT``'s keyword arguments out of the two configurations.

    Arguments
    ---------
    config_path : str or pathlib.Path
        ``config.json``.
    preprocessor_path : str or pathlib.Path
        ``preprocessor_config.json``.

    Returns
    -------
    dict
        Keyword arguments.

    Raises
    ------
    CheckpointError
        If a key is missing or has a value that MERT cannot have.

    Example
    -------
    >>> from mert_sb.inference.huggingface_export import write_huggingface
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = write_huggingface(student, getfixture("tmp_path") / "original")
    >>> read_settings(folder / CONFIG, folder / PREPROCESSOR)["embed_dim"]
    16
    """
    config = {**DEFAULTS, **read_config(config_path)}
    need_fixed(config, FIXED, config_path)
    settings = {
        ours: need(config, theirs, KINDS[ours], config_path)
        for theirs, ours in KEYS.items()
    }
    channels = set(need(config, "conv_dim", COUNTS, config_path))
    if len(channels) != 1:
        raise CheckpointError(
            f"{config_path}: conv_dim is {config['conv_dim']}, MERT's convolutions "
            "are equally wide"
        )
    switches = [
        need(config, key, SWITCH, config_path)
        for key in ("do_stable_layer_norm", "deepnorm", "feature_extractor_cqt")
    ]
    bins = need(config, "feature_extractor_cqt_bins", CQT_BINS, config_path)
    rate, normalize = _preprocessing(preprocessor_path)
    if config.get("sample_rate", rate) != rate:
        raise CheckpointError(
            f"{config_path}: sample_rate is {config['sample_rate']}, but "
            f"{preprocessor_path.name} has sampling_rate {rate}"
        )
    return settings | {
        "sample_rate": rate,
        "conv_channels": channels.pop(),
        "norm": norm_name(*switches[:2], config_path),
        "feature_extractor_cqt": cqt_bins(switches[2], bins, rate, config_path),
        "normalize_wavs": normalize,
    }


def read_config(path):
    """``config.json``, of a MERT.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict
        Its contents.

    Raises
    ------
    CheckpointError
        If it is damaged or another model's.

    Example
    -------
    >>> path = getfixture("tmp_path") / "config.json"
    >>> _ = path.write_text('{"model_type": "whisper"}')
    >>> read_config(path)
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: ...: model_type is 'whisper', not 'mert_model': ...
    """
    config = read_json(path)
    kind = config.get("model_type")
    if kind != "mert_model":
        raise CheckpointError(
            f"{path}: model_type is {short(kind)}, not 'mert_model': a checkpoint of "
            "another model"
        )
    return config


def _preprocessing(path):
    """Rate in Hz, and whether clips are normalised."""
    # transformers' default of do_normalize.
    preprocessor = {"do_normalize": True, **read_json(path)}
    return (
        need(preprocessor, "sampling_rate", COUNT, path),
        need(preprocessor, "do_normalize", SWITCH, path),
    )
