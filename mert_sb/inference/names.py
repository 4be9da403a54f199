"""The originals' names for our tensors: one table, read in both directions.

Both spellings of the positional convolution's weight norm are read: one not recognised
once left that convolution silently random. Written is the older one, as in the
published files.

Authors
 * The mert_sb developers 2026
"""

import re

# Ours, Hugging Face's, fairseq's; {} is a layer's number.
MODULES = (
    ("mask_embedding", "masked_spec_embed", "mask_emb"),
    (
        "frontend.layers.{}.conv",
        "feature_extractor.conv_layers.{}.conv",
        "feature_extractor.conv_layers.{}.0",
    ),
    (
        "frontend.layers.{}.norm",
        "feature_extractor.conv_layers.{}.layer_norm",
        "feature_extractor.conv_layers.{}.2",
    ),
    # fairseq wraps a layer norm in two transpositions.
    (
        "frontend.layers.{}.norm",
        "feature_extractor.conv_layers.{}.layer_norm",
        "feature_extractor.conv_layers.{}.2.1",
    ),
    ("feature_norm", "feature_projection.layer_norm", "layer_norm"),
    ("projection", "feature_projection.projection", "post_extract_proj"),
    (
        "encoder.position.conv",
        "encoder.pos_conv_embed.conv",
        "encoder.pos_conv.0",
    ),
    ("encoder.norm", "encoder.layer_norm", "encoder.layer_norm"),
    *(
        (
            f"encoder.layers.{{}}.attention.{projection}",
            f"encoder.layers.{{}}.attention.{projection}",
            f"encoder.layers.{{}}.self_attn.{projection}",
        )
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj")
    ),
    (
        "encoder.layers.{}.attention_norm",
        "encoder.layers.{}.layer_norm",
        "encoder.layers.{}.self_attn_layer_norm",
    ),
    (
        "encoder.layers.{}.ffn.0",
        "encoder.layers.{}.feed_forward.intermediate_dense",
        "encoder.layers.{}.fc1",
    ),
    (
        "encoder.layers.{}.ffn.3",
        "encoder.layers.{}.feed_forward.output_dense",
        "encoder.layers.{}.fc2",
    ),
    (
        "encoder.layers.{}.ffn_norm",
        "encoder.layers.{}.final_layer_norm",
        "encoder.layers.{}.final_layer_norm",
    ),
)
COLUMNS = {"huggingface": 1, "fairseq": 2}

# Tensors of a file that no student has: the CQT's kernels are computed, not learned,
# and heads belong to pretraining.
DROPPED = {
    "huggingface": (r"feature_extractor_cqt\..+",),
    "fairseq": (
        r"feature_extractor_cqt\..+",
        r"encoder_(cqt|mel)_model\.spec_layer\..+",
    ),
}
HEADS = {
    "huggingface": (),
    "fairseq": (
        r"final_proj\.(weight|bias)",
        r"label_embs_concat",
        r"encoder_(cqt|mel)_model\.fc\.(weight|bias)",
        # Of options that the published models leave alone.
        r"final_projs\.\d+\.(weight|bias)",
        r"logit_temp_list",
        r"target_glu\.0\.(weight|bias)",
    ),
}

_LEAF = re.compile(
    r"(?P<module>.+?)(?P<leaf>\.(?:parametrizations\.weight\.original[01]"
    r"|weight_[gv]|weight|bias))?",
    re.DOTALL,
)
_OLD_SPELLING = {
    ".parametrizations.weight.original0": ".weight_g",
    ".parametrizations.weight.original1": ".weight_v",
}
_NEW_SPELLING = {old: new for new, old in _OLD_SPELLING.items()}


def our_name(name, layout):
    """Our name of an original's tensor.

    Arguments
    ---------
    name : str
        As in the checkpoint.
    layout : str
        ``"huggingface"`` or ``"fairseq"``.

    Returns
    -------
    str or None
        As in ``MERT.state_dict()``; None for a name that is not MERT's.

    Example
    -------
    >>> our_name("encoder.layers.3.fc1.weight", "fairseq")
    'encoder.layers.3.ffn.0.weight'
    >>> our_name("encoder.pos_conv.0.weight_g", "fairseq")
    'encoder.position.conv.parametrizations.weight.original0'
    """
    return _translated(name, COLUMNS[layout], 0, _NEW_SPELLING)


def their_name(name, layout, conv_norm="group"):
    """An original's name of one of our tensors.

    Arguments
    ---------
    name : str
        As in ``MERT.state_dict()``.
    layout : str
        ``"huggingface"`` or ``"fairseq"``.
    conv_norm : str
        The front end's norm, ``"group"`` or ``"layer"``; fairseq's names differ.

    Returns
    -------
    str or None
        As in the original's checkpoints; None for a name that is not MERT's.

    Example
    -------
    >>> their_name("frontend.layers.0.norm.bias", "fairseq")
    'feature_extractor.conv_layers.0.2.bias'
    >>> their_name("frontend.layers.0.norm.bias", "fairseq", "layer")
    'feature_extractor.conv_layers.0.2.1.bias'
    """
    theirs = _translated(name, 0, COLUMNS[layout], _OLD_SPELLING)
    if theirs and layout == "fairseq" and conv_norm == "layer":
        return re.sub(r"(conv_layers\.\d+\.2)\.", r"\1.1.", theirs)
    return theirs


def is_one_of(name, patterns):
    """Whether some pattern fits a whole name.

    Arguments
    ---------
    name : str
        A tensor's.
    patterns : iterable of str
        Regular expressions, from ``DROPPED`` or ``HEADS``.

    Returns
    -------
    bool
        True where one fits.

    Example
    -------
    >>> is_one_of("final_proj.bias", HEADS["fairseq"])
    True
    """
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def _translated(name, source, target, spelling):
    """A name's counterpart in another column, or None."""
    match = _LEAF.fullmatch(name)
    if match is None:
        return None
    module, leaf = match["module"], match["leaf"] or ""
    number = re.search(r"layers\.(\d+)\.", module)
    if number:
        start, stop = number.span(1)
        module = f"{module[:start]}{{}}{module[stop:]}"
    for row in MODULES:
        if row[source] == module and _may_have(row[0], leaf):
            counterpart = row[target]
            if number:
                counterpart = counterpart.format(number[1])
            return counterpart + spelling.get(leaf, leaf)
    return None


def _may_have(module, leaf):
    """Whether one of our modules has a tensor of that kind."""
    if module == "mask_embedding":
        return leaf == ""
    if module == "encoder.position.conv":
        return leaf == ".bias" or leaf in {*_OLD_SPELLING, *_NEW_SPELLING}
    return leaf in (".weight", ".bias")
