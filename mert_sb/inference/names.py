"""The originals' names for our tensors: two tables, applied strictly.

Both spellings of the positional convolution's weight norm are read: one not recognised
once left that convolution silently random.

Authors
 * The mert_sb developers 2026
"""

import re

_WEIGHT_NORM = {
    r"weight_g": r"parametrizations.weight.original0",
    r"weight_v": r"parametrizations.weight.original1",
}
_POSITION = r"encoder.position.conv."
_SAME = r"(weight|bias)"

# Original name -> ours; None: dropped on purpose.
HUGGINGFACE = {
    r"masked_spec_embed": r"mask_embedding",
    rf"feature_extractor\.conv_layers\.(\d+)\.conv\.{_SAME}": (
        r"frontend.layers.\1.conv.\2"
    ),
    rf"feature_extractor\.conv_layers\.(\d+)\.layer_norm\.{_SAME}": (
        r"frontend.layers.\1.norm.\2"
    ),
    rf"feature_projection\.layer_norm\.{_SAME}": r"feature_norm.\1",
    rf"feature_projection\.projection\.{_SAME}": r"projection.\1",
    r"encoder\.pos_conv_embed\.conv\.(.+)": _POSITION + r"\1",
    rf"encoder\.layer_norm\.{_SAME}": r"encoder.norm.\1",
    rf"(encoder\.layers\.\d+\.attention\.\w_proj|"
    rf"encoder\.layers\.\d+\.attention\.out_proj)\.{_SAME}": r"\1.\2",
    rf"encoder\.layers\.(\d+)\.layer_norm\.{_SAME}": (
        r"encoder.layers.\1.attention_norm.\2"
    ),
    rf"encoder\.layers\.(\d+)\.feed_forward\.intermediate_dense\.{_SAME}": (
        r"encoder.layers.\1.ffn.0.\2"
    ),
    rf"encoder\.layers\.(\d+)\.feed_forward\.output_dense\.{_SAME}": (
        r"encoder.layers.\1.ffn.3.\2"
    ),
    rf"encoder\.layers\.(\d+)\.final_layer_norm\.{_SAME}": (
        r"encoder.layers.\1.ffn_norm.\2"
    ),
    # The CQT's kernels are computed, not learned.
    r"feature_extractor_cqt\..+": None,
}

FAIRSEQ = {
    r"mask_emb": r"mask_embedding",
    rf"feature_extractor\.conv_layers\.(\d+)\.0\.{_SAME}": (
        r"frontend.layers.\1.conv.\2"
    ),
    rf"feature_extractor\.conv_layers\.(\d+)\.2(?:\.1)?\.{_SAME}": (
        r"frontend.layers.\1.norm.\2"
    ),
    rf"layer_norm\.{_SAME}": r"feature_norm.\1",
    rf"post_extract_proj\.{_SAME}": r"projection.\1",
    r"encoder\.pos_conv\.0\.(.+)": _POSITION + r"\1",
    rf"encoder\.layer_norm\.{_SAME}": r"encoder.norm.\1",
    rf"encoder\.layers\.(\d+)\.self_attn\.(\w+)\.{_SAME}": (
        r"encoder.layers.\1.attention.\2.\3"
    ),
    rf"encoder\.layers\.(\d+)\.self_attn_layer_norm\.{_SAME}": (
        r"encoder.layers.\1.attention_norm.\2"
    ),
    rf"encoder\.layers\.(\d+)\.fc1\.{_SAME}": r"encoder.layers.\1.ffn.0.\2",
    rf"encoder\.layers\.(\d+)\.fc2\.{_SAME}": r"encoder.layers.\1.ffn.3.\2",
    rf"encoder\.layers\.(\d+)\.final_layer_norm\.{_SAME}": (
        r"encoder.layers.\1.ffn_norm.\2"
    ),
    # What the heads take, see ``fairseq_heads``.
    r"final_proj\.(weight|bias)": None,
    r"label_embs_concat": None,
    r"encoder_cqt_model\..+": None,
}


def rename(tensors, table):
    """Our names for a checkpoint's tensors.

    Arguments
    ---------
    tensors : dict of str to torch.Tensor
        The original's state dictionary.
    table : dict of str to str or None
        ``HUGGINGFACE`` or ``FAIRSEQ``.

    Returns
    -------
    dict of str to torch.Tensor
        Named as ``MERT.state_dict()``.

    Raises
    ------
    KeyError
        If a tensor's name is in no row of the table.

    Example
    -------
    >>> import torch
    >>> list(rename({"mask_emb": torch.zeros(3)}, FAIRSEQ))
    ['mask_embedding']
    """
    renamed = {}
    for name, tensor in tensors.items():
        matches = (re.fullmatch(pattern, name) for pattern in table)
        match = next(filter(None, matches), None)
        if match is None:
            raise KeyError(f"tensor {name!r} is not one of MERT's")
        ours = table[match.re.pattern]
        if ours is None:
            continue
        ours = match.expand(ours)
        if ours.startswith(_POSITION):
            suffix = ours.removeprefix(_POSITION)
            ours = _POSITION + _WEIGHT_NORM.get(suffix, suffix)
        renamed[ours] = tensor.float()
    return renamed
