"""Checkpoints in the originals' layouts, made without the package's own tables.

Authors
 * The mert_sb developers 2026
"""

import json
import re

import torch
from safetensors.torch import save_file

from mert_sb.student import MERT

TINY = {
    "conv_channels": 16,
    "embed_dim": 32,
    "ffn_dim": 64,
    "num_heads": 4,
    "num_layers": 2,
    "position_kernel": 8,
    "position_groups": 4,
}
# Parts of our names and of theirs, replaced in this order.
FAIRSEQ_NAMES = (
    ("mask_embedding", "mask_emb"),
    ("feature_norm", "layer_norm"),
    ("frontend.layers", "feature_extractor.conv_layers"),
    (".conv.weight", ".0.weight"),
    (".conv.bias", ".0.bias"),
    ("projection", "post_extract_proj"),
    ("encoder.norm", "encoder.layer_norm"),
    ("encoder.position.conv", "encoder.pos_conv.0"),
    ("encoder.position.0", "encoder.pos_conv.0"),
    ("attention_norm", "self_attn_layer_norm"),
    (".attention.", ".self_attn."),
    ("ffn_norm", "final_layer_norm"),
    ("ffn.0", "fc1"),
    ("ffn.3", "fc2"),
)
HUGGINGFACE_NAMES = (
    ("mask_embedding", "masked_spec_embed"),
    ("feature_norm", "feature_projection.layer_norm"),
    ("projection.weight", "feature_projection.projection.weight"),
    ("projection.bias", "feature_projection.projection.bias"),
    ("frontend.layers", "feature_extractor.conv_layers"),
    ("encoder.norm", "encoder.layer_norm"),
    ("encoder.position.conv", "encoder.pos_conv_embed.conv"),
    ("attention_norm", "layer_norm"),
    ("ffn_norm", "final_layer_norm"),
    ("ffn.0", "feed_forward.intermediate_dense"),
    ("ffn.3", "feed_forward.output_dense"),
)
NEW_SPELLING = "parametrizations.weight.original"


def tiny_student(seed=0, **settings):
    """A tiny student whose every weight is its own."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = MERT(**(TINY | settings))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return model.eval()


def renamed(state, names, *, new_spelling=False):
    """A state dictionary under an original's names."""
    norm = "layer_norm"
    if names is FAIRSEQ_NAMES:
        # A layer norm lies between two transpositions.
        norm = "2.1" if "frontend.layers.1.norm.weight" in state else "2"
    tensors = {}
    for name, tensor in state.items():
        for ours, theirs in names:
            name = name.replace(ours, theirs)
        name = re.sub(r"(conv_layers\.\d+)\.norm", rf"\1.{norm}", name)
        if not new_spelling:
            name = name.replace(f"{NEW_SPELLING}0", "weight_g")
            name = name.replace(f"{NEW_SPELLING}1", "weight_v")
        tensors[name] = tensor.detach().clone()
    return tensors


def fairseq_config(settings):
    """``cfg`` of a fairseq checkpoint."""
    width, bins = settings["conv_channels"], settings["feature_extractor_cqt"]
    modes = {"group": "default", "layer": "layer_norm"}
    model = {
        "_name": "mert",
        "extractor_mode": modes[settings["conv_norm"]],
        "conv_feature_layers": (
            f"[({width},10,5)] + [({width},3,2)] * 4 + [({width},2,2)] * 2"
        ),
        "conv_bias": settings["conv_bias"],
        "encoder_embed_dim": settings["embed_dim"],
        "encoder_ffn_embed_dim": settings["ffn_dim"],
        "encoder_attention_heads": settings["num_heads"],
        "encoder_layers": settings["num_layers"],
        "layer_norm_first": settings["norm"] == "pre",
        "deepnorm": settings["norm"] == "deepnorm",
        "conv_pos": settings["position_kernel"],
        "conv_pos_groups": settings["position_groups"],
        "dropout": settings["dropout"],
        "attention_dropout": settings["attention_dropout"],
        "activation_dropout": settings["activation_dropout"],
        "dropout_input": settings["input_dropout"],
        "encoder_layerdrop": settings["layerdrop"],
        "feature_grad_mult": settings["feature_grad_mult"],
        "attention_relax": settings["attention_relax"],
        "feature_extractor_cqt": bool(bins),
        "feature_extractor_cqt_bins": bins or 84,
    }
    task = {
        "sample_rate": settings["sample_rate"],
        "normalize": settings["normalize_wavs"],
    }
    return {"model": model, "task": task}


def fairseq_file(path, student, *, changes=None, new_spelling=False, **more):
    """A fairseq checkpoint with heads; ``changes`` go to its tensors."""
    tensors = renamed(
        student.state_dict(), FAIRSEQ_NAMES, new_spelling=new_spelling
    )
    tensors["final_proj.weight"] = torch.rand(8, 32)
    tensors["final_proj.bias"] = torch.rand(8)
    tensors["label_embs_concat"] = torch.rand(2 * 14, 4)
    tensors["encoder_cqt_model.fc.weight"] = torch.rand(84, 32)
    tensors["encoder_cqt_model.fc.bias"] = torch.rand(84)
    tensors["encoder_cqt_model.spec_layer.lenghts"] = torch.rand(84)
    checkpoint = {
        "args": None,
        "cfg": fairseq_config(student.settings),
        "model": tensors | (changes or {}),
    }
    torch.save(checkpoint | more, path)
    return path


def huggingface_config(settings):
    """``config.json`` and ``preprocessor_config.json``."""
    bins = settings["feature_extractor_cqt"]
    config = {
        "model_type": "mert_model",
        "sample_rate": settings["sample_rate"],
        "conv_dim": [settings["conv_channels"]] * 7,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "conv_bias": settings["conv_bias"],
        "feat_extract_norm": settings["conv_norm"],
        "hidden_size": settings["embed_dim"],
        "intermediate_size": settings["ffn_dim"],
        "num_attention_heads": settings["num_heads"],
        "num_hidden_layers": settings["num_layers"],
        "num_conv_pos_embeddings": settings["position_kernel"],
        "num_conv_pos_embedding_groups": settings["position_groups"],
        "do_stable_layer_norm": settings["norm"] == "pre",
        "deepnorm": settings["norm"] == "deepnorm",
        "hidden_dropout": settings["dropout"],
        "attention_dropout": settings["attention_dropout"],
        "activation_dropout": settings["activation_dropout"],
        "feat_proj_dropout": settings["input_dropout"],
        "layerdrop": settings["layerdrop"],
        "attention_relax": settings["attention_relax"],
        "feature_extractor_cqt": bool(bins),
        "feature_extractor_cqt_bins": bins or 336,
    }
    preprocessor = {
        "sampling_rate": settings["sample_rate"],
        "do_normalize": settings["normalize_wavs"],
    }
    return config, preprocessor


def huggingface_folder(
    folder,
    student,
    *,
    weights="pytorch_model.bin",
    config=None,
    preprocessor=None,
    changes=None,
    new_spelling=False,
):
    """A Hugging Face folder; the dictionaries given change what it holds.

    A value of None takes a key away.
    """
    folder.mkdir(exist_ok=True)
    plain, preparing = huggingface_config(student.settings)
    for name, contents, wanted in (
        ("config.json", plain, config),
        ("preprocessor_config.json", preparing, preprocessor),
    ):
        (folder / name).write_text(json.dumps(_changed(contents, wanted)))
    tensors = renamed(
        student.state_dict(), HUGGINGFACE_NAMES, new_spelling=new_spelling
    )
    tensors = _changed(tensors, changes)
    save = save_file if weights.endswith(".safetensors") else torch.save
    save(tensors, folder / weights)
    return folder


def _changed(contents, changes):
    merged = contents | (changes or {})
    return {key: value for key, value in merged.items() if value is not None}
