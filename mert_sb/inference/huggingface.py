"""The original's Hugging Face layout, read and written.

``config.json`` (architecture), ``preprocessor_config.json`` (rate, normalisation) and
``model.safetensors`` or ``pytorch_model.bin``.

Authors
 * The mert_sb developers 2026
"""

import json

from safetensors.torch import save_file
from speechbrain.utils.logger import get_logger

from mert_sb.inference.checkpoint import (
    Checkpoint,
    CheckpointError,
    norm_name,
    sort_tensors,
)
from mert_sb.inference.names import their_name
from mert_sb.inference.staging import staged_folder
from mert_sb.inference.tensors import SafeTensors, read_json, read_pickle
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
}
# What no student of ours can be otherwise.
FIXED = {
    "conv_kernel": list(KERNELS),
    "conv_stride": list(STRIDES),
    "feat_extract_activation": "gelu",
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "feat_proj_layer_norm": True,
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
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = write_huggingface(student, getfixture("tmp_path") / "original")
    >>> read_settings(folder / CONFIG, folder / PREPROCESSOR)["embed_dim"]
    16
    """
    config = {**DEFAULTS, **read_json(config_path)}
    kind = config.get("model_type")
    if kind != "mert_model":
        raise CheckpointError(
            f"{config_path}: model_type is {kind!r}, not 'mert_model': a checkpoint "
            "of another model"
        )
    for key, value in FIXED.items():
        if config.get(key, value) != value:
            raise CheckpointError(
                f"{config_path}: {key} is {config[key]}, MERT's is {value}"
            )
    try:
        settings = {ours: config[theirs] for theirs, ours in KEYS.items()}
        channels = set(config["conv_dim"])
        first = config["do_stable_layer_norm"]
    except KeyError as error:
        raise CheckpointError(f"{config_path}: there is no {error}") from error
    if len(channels) != 1:
        raise CheckpointError(
            f"{config_path}: conv_dim is {config['conv_dim']}, MERT's convolutions "
            "are equally wide"
        )
    rate, normalize = _preprocessing(preprocessor_path)
    if config.get("sample_rate", rate) != rate:
        raise CheckpointError(
            f"{config_path}: sample_rate is {config['sample_rate']}, but "
            f"{preprocessor_path.name} has sampling_rate {rate}"
        )
    bins = config["feature_extractor_cqt_bins"]
    return settings | {
        "sample_rate": rate,
        "conv_channels": channels.pop(),
        "norm": norm_name(first, config["deepnorm"]),
        "attention_relax": config["attention_relax"],
        "feature_extractor_cqt": bins if config["feature_extractor_cqt"] else 0,
        "normalize_wavs": normalize,
    }


def write_huggingface(student, folder):
    """A student in the original's Hugging Face layout.

    The original's own code reads it (``trust_remote_code``), and so does
    ``MusicEncoder.from_original``.

    Arguments
    ---------
    student : mert_sb.student.MERT
        To be written.
    folder : str or pathlib.Path
        Made if absent.

    Returns
    -------
    pathlib.Path
        The folder.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = write_huggingface(student, getfixture("tmp_path") / "original")
    >>> sorted(path.name for path in folder.iterdir())
    ['config.json', 'model.safetensors', 'preprocessor_config.json']
    """
    settings = student.settings
    tensors = {
        their_name(name, "huggingface"): tensor.detach().cpu().contiguous()
        for name, tensor in student.state_dict().items()
    }
    with staged_folder(folder) as staging:
        save_file(tensors, staging / WEIGHTS[0], metadata={"format": "pt"})
        _write_json(staging / CONFIG, _config(settings))
        _write_json(staging / PREPROCESSOR, _preprocessor(settings))
    return folder


def _preprocessing(path):
    """Rate in Hz, and whether clips are normalised."""
    preprocessor = read_json(path)
    if "sampling_rate" not in preprocessor:
        raise CheckpointError(f"{path}: there is no 'sampling_rate'")
    # transformers' default of do_normalize.
    return preprocessor["sampling_rate"], preprocessor.get("do_normalize", True)


def _config(settings):
    """``config.json``, with what transformers wants beside the architecture."""
    bins = settings["feature_extractor_cqt"]
    return {
        "model_type": "mert_model",
        "architectures": ["MERTModel"],
        **{theirs: settings[ours] for theirs, ours in KEYS.items()},
        **FIXED,
        "conv_dim": [settings["conv_channels"]] * len(KERNELS),
        "num_feat_extract_layers": len(KERNELS),
        "sample_rate": settings["sample_rate"],
        "do_stable_layer_norm": settings["norm"] == "pre",
        "deepnorm": settings["norm"] == "deepnorm",
        "attention_relax": settings["attention_relax"],
        "feature_extractor_cqt": bool(bins),
        "feature_extractor_cqt_bins": (
            bins or DEFAULTS["feature_extractor_cqt_bins"]
        ),
        "feat_extract_dropout": 0.0,
        "final_dropout": settings["dropout"],
        "initializer_range": 0.02,
        # Above zero, or transformers makes no place for the mask embedding.
        "apply_spec_augment": True,
        "mask_time_prob": 0.05,
        "mask_time_length": 10,
        "mask_feature_prob": 0.0,
        "mask_feature_length": 10,
        "vocab_size": 32,
    }


def _preprocessor(settings):
    """``preprocessor_config.json``."""
    return {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "feature_size": 1,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": True,
        "sampling_rate": settings["sample_rate"],
        "do_normalize": settings["normalize_wavs"],
    }


def _write_json(path, contents):
    text = json.dumps(contents, indent=2) + "\n"
    path.write_text(text, encoding="utf-8")
