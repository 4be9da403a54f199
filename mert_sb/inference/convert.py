"""The originals' checkpoints as ours.

Hugging Face folders (``config.json``, ``pytorch_model.bin``) and fairseq ``.pt`` files.
Every tensor is renamed by a table, or listed as dropped on purpose, or an error.

Reading runs nothing that a pickle asks for: tensors and plain data are built, any other
class becomes an inert stand-in.

Authors
 * The mert_sb developers 2026
"""

import json
import pickle
from collections import OrderedDict
from pathlib import Path

import torch

from mert_sb.inference.names import FAIRSEQ, HUGGINGFACE, rename

# Rows of fairseq's dictionary before the first code: <s>, <pad>, </s>, <unk>.
SPECIAL_ROWS = 4


class _Foreign:
    """Stands for an object of a class that a pickle names: holds, never acts."""

    def __init__(self, *args, **kwargs):
        self.arguments = (args, kwargs)

    def __setstate__(self, state):
        self.state = state


class _Unpickler(pickle.Unpickler):
    """Builds tensors and plain data; other classes become ``_Foreign``."""

    ALLOWED = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
        ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    }

    def find_class(self, module, name):
        if (module, name) in self.ALLOWED:
            return self.ALLOWED[module, name]
        if module == "torch" and name.endswith("Storage"):
            return super().find_class(module, name)
        return type(name, (_Foreign,), {})


class _InertPickle:
    """What ``torch.load`` asks of a pickle module."""

    Unpickler = _Unpickler


def read_huggingface(folder):
    """A checkpoint in the original's Hugging Face layout.

    Arguments
    ---------
    folder : str or pathlib.Path
        With ``config.json``, ``preprocessor_config.json``, ``pytorch_model.bin``.

    Returns
    -------
    tuple of (dict, dict)
        ``MERT``'s keyword arguments, and its state dictionary.

    Example
    -------
    >>> read_huggingface("absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'absent/config.json'
    """
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    tensors = torch.load(
        folder / "pytorch_model.bin", map_location="cpu", weights_only=True
    )
    cqt_bins = config["feature_extractor_cqt_bins"]
    settings = {
        "sample_rate": config["sample_rate"],
        "conv_channels": config["conv_dim"][0],
        "conv_norm": config["feat_extract_norm"],
        "conv_bias": config["conv_bias"],
        "embed_dim": config["hidden_size"],
        "ffn_dim": config["intermediate_size"],
        "num_heads": config["num_attention_heads"],
        "num_layers": config["num_hidden_layers"],
        "norm": _norm(config["do_stable_layer_norm"], config["deepnorm"]),
        "position_kernel": config["num_conv_pos_embeddings"],
        "position_groups": config["num_conv_pos_embedding_groups"],
        "dropout": config["hidden_dropout"],
        "attention_dropout": config["attention_dropout"],
        "activation_dropout": config["activation_dropout"],
        "input_dropout": config["feat_proj_dropout"],
        "layerdrop": config["layerdrop"],
        "attention_relax": config["attention_relax"],
        "feature_extractor_cqt": (
            cqt_bins if config["feature_extractor_cqt"] else 0
        ),
        "normalize_wavs": preprocessor["do_normalize"],
    }
    return settings, rename(tensors, HUGGINGFACE)


def read_fairseq(path):
    """A checkpoint in the original's fairseq layout.

    Arguments
    ---------
    path : str or pathlib.Path
        The ``.pt`` file.

    Returns
    -------
    tuple of (dict, dict, dict)
        ``MERT``'s keyword arguments, its state dictionary, and the file's own
        tensors (for ``fairseq_heads``).

    Example
    -------
    >>> read_fairseq("absent.pt")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'absent.pt'
    """
    checkpoint = torch.load(
        path, map_location="cpu", weights_only=False, pickle_module=_InertPickle
    )
    config = checkpoint["cfg"]["model"]
    task = checkpoint["cfg"]["task"]
    first = checkpoint["model"]["feature_extractor.conv_layers.0.0.weight"]
    settings = {
        "sample_rate": task["sample_rate"],
        "conv_channels": len(first),
        "conv_norm": (
            "group" if config["extractor_mode"] == "default" else "layer"
        ),
        "conv_bias": config["conv_bias"],
        "embed_dim": config["encoder_embed_dim"],
        "ffn_dim": config["encoder_ffn_embed_dim"],
        "num_heads": config["encoder_attention_heads"],
        "num_layers": config["encoder_layers"],
        "norm": _norm(config["layer_norm_first"], config["deepnorm"]),
        "position_kernel": config["conv_pos"],
        "position_groups": config["conv_pos_groups"],
        "dropout": config["dropout"],
        "attention_dropout": config["attention_dropout"],
        "activation_dropout": config["activation_dropout"],
        "input_dropout": config["dropout_input"],
        "layerdrop": config["encoder_layerdrop"],
        "feature_grad_mult": config["feature_grad_mult"],
        "attention_relax": config["attention_relax"],
        "feature_extractor_cqt": (
            config["feature_extractor_cqt_bins"]
            if config["feature_extractor_cqt"]
            else 0
        ),
        "normalize_wavs": task["normalize"],
    }
    tensors = checkpoint["model"]
    return settings, rename(tensors, FAIRSEQ), tensors


def fairseq_heads(tensors, n_codebooks):
    """The heads' weights out of a fairseq checkpoint.

    Arguments
    ---------
    tensors : dict of str to torch.Tensor
        Third result of ``read_fairseq``.
    n_codebooks : int
        K.

    Returns
    -------
    tuple of (dict, dict)
        State dictionaries of a ``CodebookHead`` whose codebooks keep the
        dictionary's four special rows (code c is class c + 4, and they take part
        in the softmax), and of a ``RegressionHead``.

    Example
    -------
    >>> tensors = {
    ...     "final_proj.weight": torch.zeros(6, 5),
    ...     "final_proj.bias": torch.zeros(6),
    ...     "label_embs_concat": torch.zeros(20, 3),
    ...     "encoder_cqt_model.fc.weight": torch.zeros(7, 5),
    ...     "encoder_cqt_model.fc.bias": torch.zeros(7),
    ... }
    >>> codes, cqt = fairseq_heads(tensors, n_codebooks=2)
    >>> codes["codes"].shape, cqt["projection.weight"].shape
    (torch.Size([2, 10, 3]), torch.Size([7, 5]))
    """
    codes = {
        "projection.weight": tensors["final_proj.weight"],
        "projection.bias": tensors["final_proj.bias"],
        "codes": tensors["label_embs_concat"].unflatten(0, (n_codebooks, -1)),
    }
    cqt = {
        "projection.weight": tensors["encoder_cqt_model.fc.weight"],
        "projection.bias": tensors["encoder_cqt_model.fc.bias"],
    }
    return codes, cqt


def _norm(first, deepnorm):
    """Our name for the original's two switches."""
    if first:
        return "pre"
    return "deepnorm" if deepnorm else "post"
