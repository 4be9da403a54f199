"""The original's Hugging Face layout, written.

Authors
 * The mert_sb developers 2026
"""

import json

from mert_sb.inference.checkpoint import student_state
from mert_sb.inference.huggingface import (
    CONFIG,
    DEFAULTS,
    FIXED,
    KEYS,
    PREPROCESSOR,
    WEIGHTS,
)
from mert_sb.inference.names import their_name
from mert_sb.inference.originals import refuse_beyond_original
from mert_sb.inference.settings import cqt_bins
from mert_sb.inference.staging import staged_folder
from mert_sb.inference.tensors import save_weights
from mert_sb.student.frontend import KERNELS


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
    settings, state = student_state(student)
    refuse_beyond_original(settings, "Hugging Face", folder)
    cqt_bins(
        settings["feature_extractor_cqt"] > 0,
        settings["feature_extractor_cqt"],
        settings["sample_rate"],
        folder,
    )
    tensors = {
        their_name(name, "huggingface"): tensor
        for name, tensor in state.items()
    }
    with staged_folder(folder, foreign="hyperparams.yaml") as staging:
        save_weights(tensors, staging / WEIGHTS[0], {"format": "pt"})
        _write_json(staging / CONFIG, _config(settings))
        _write_json(staging / PREPROCESSOR, _preprocessor(settings))
    return folder


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
