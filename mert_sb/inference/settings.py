"""Settings out of files: each of its kind, or an error that names file and key.

A configuration is data from elsewhere. A text where a switch should be would count as
true, and give other features without a word.

Authors
 * The mert_sb developers 2026
"""

import math
import reprlib

from mert_sb.inference.tensors import CheckpointError
from mert_sb.student.norms import NORMS
from mert_sb.student.options import CHOICES

# Settings that change nothing about what the weights mean.
FREE = {
    "dropout",
    "attention_dropout",
    "activation_dropout",
    "input_dropout",
    "layerdrop",
    "feature_grad_mult",
    "attention_relax",
    "checkpoint_layers",
}


# A value in an error: what refers to itself in a file can be endless.
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxlist = _SHORT.maxdict = _SHORT.maxtuple = _SHORT.maxset = 20
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 200


def short(value):
    """A value of a file for an error, at most a few lines of it.

    Arguments
    ---------
    value : object
        Whatever the file holds.

    Returns
    -------
    str
        As ``repr``, large ones cut.

    Example
    -------
    >>> short("false"), len(short("a" * 10_000))
    ("'false'", 200)
    """
    return _SHORT.repr(value)


def _is_count(value, least=1, most=2**31 - 1):
    return type(value) is int and least <= value <= most


def up_to(most, least=1):
    """A kind of setting: a whole number that memory allows to build with.

    Arguments
    ---------
    most, least : int
        The largest and the smallest.

    Returns
    -------
    tuple of (str, callable)
        For ``need``.

    Example
    -------
    >>> up_to(64)[0]
    'a whole number of 1 to 64'
    """
    return (
        f"a whole number of {least} to {most}",
        lambda value: _is_count(value, least, most),
    )


def _is_number(value):
    return type(value) in (int, float) and math.isfinite(value)


def _one_of(names):
    return f"one of {', '.join(names)}", lambda value: value in tuple(names)


SWITCH = ("true or false", lambda value: type(value) is bool)
COUNT = ("a whole number above 0", _is_count)
SIZE = ("a whole number from 0", lambda value: _is_count(value, 0))
NUMBER = ("a number", _is_number)
SHARE = ("a number from 0 to 1", lambda v: _is_number(v) and 0 <= v <= 1)
FACTOR = ("a number from 0", lambda value: _is_number(value) and value >= 0)
TEXT = ("a text", lambda value: type(value) is str)
CQT_BINS = up_to(4096)
COUNTS = (
    "a list of whole numbers above 0",
    lambda v: type(v) is list and len(v) > 0 and all(map(_is_count, v)),
)
MAPPING = ("a dictionary", lambda value: isinstance(value, dict))

# What each keyword argument of MERT must be.
KINDS = {
    "sample_rate": COUNT,
    "conv_channels": COUNT,
    "conv_norm": _one_of(("group", "layer")),
    "conv_bias": SWITCH,
    "frontend": _one_of(CHOICES["frontend"]),
    "n_mels": up_to(1024),
    "n_fft": up_to(16_384),
    "mel_stack": COUNT,
    "mel_channels": SIZE,
    "mel_mean": NUMBER,
    "mel_std": NUMBER,
    "subsample": COUNT,
    "projection_norm": SWITCH,
    "embed_dim": COUNT,
    "ffn_dim": COUNT,
    "num_heads": COUNT,
    "num_layers": up_to(1024, 0),
    "norm": _one_of(NORMS),
    "layer_type": _one_of(CHOICES["layer_type"]),
    "depthwise_kernel": COUNT,
    "attention_window": COUNT,
    "global_frames": SIZE,
    "position_kernel": COUNT,
    "position_groups": COUNT,
    "dropout": SHARE,
    "attention_dropout": SHARE,
    "activation_dropout": SHARE,
    "input_dropout": SHARE,
    "layerdrop": SHARE,
    "feature_grad_mult": FACTOR,
    "attention_relax": NUMBER,
    "feature_extractor_cqt": up_to(4096, 0),
    "normalize_wavs": SWITCH,
    "checkpoint_layers": SWITCH,
}


def need(mapping, key, kind, path, prefix=""):
    """A value of a configuration, of the kind it must be.

    Arguments
    ---------
    mapping : dict
        From the file.
    key : str
        Its name there.
    kind : tuple of (str, callable)
        ``SWITCH``, ``COUNT`` and the like.
    path : str or pathlib.Path
        The file, for the error.
    prefix : str
        Where in the file the mapping is, for the error.

    Returns
    -------
    object
        The value.

    Raises
    ------
    CheckpointError
        If the key is missing or its value of another kind.

    Example
    -------
    >>> need({"do_normalize": "false"}, "do_normalize", SWITCH, "a.json")
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: a.json: do_normalize is 'false', not true or false
    """
    if key not in mapping:
        raise CheckpointError(f"{path}: there is no {prefix}{key}")
    value, (wanted, fits) = mapping[key], kind
    # A list is in no tuple of texts, and cannot be looked up in a set.
    if not (isinstance(value, (str, int, float, list, dict)) and fits(value)):
        raise CheckpointError(
            f"{path}: {prefix}{key} is {short(value)}, not {wanted}"
        )
    return value


def need_fixed(mapping, fixed, path, prefix=""):
    """Refuse a configuration that asks for what no student of ours can be.

    Arguments
    ---------
    mapping : dict
        From the file.
    fixed : dict
        Keys and the only value known; a key may be missing.
    path : str or pathlib.Path
        The file, for the error.
    prefix : str
        Where in the file the mapping is, for the error.

    Raises
    ------
    CheckpointError
        With the first key that differs.

    Example
    -------
    >>> need_fixed({"hidden_act": "gelu"}, {"hidden_act": "gelu"}, "a.json")
    """
    for key, value in fixed.items():
        found = mapping.get(key, value)
        if type(found) is not type(value) or found != value:
            raise CheckpointError(
                f"{path}: {prefix}{key} is {short(found)}; MERT's is {value!r}"
            )


def norm_name(first, deepnorm, path):
    """Our name for the original's two switches.

    Arguments
    ---------
    first : bool
        ``layer_norm_first``, Hugging Face's ``do_stable_layer_norm``.
    deepnorm : bool
        ``deepnorm``.
    path : str or pathlib.Path
        The file, for the error.

    Returns
    -------
    str
        ``MERT``'s ``norm``.

    Raises
    ------
    CheckpointError
        If both are true, which the original refuses too.

    Example
    -------
    >>> norm_name(True, False, "config.json")
    'pre'
    """
    if first and deepnorm:
        raise CheckpointError(
            f"{path}: deepnorm and norms before the layers exclude one another"
        )
    if first:
        return "pre"
    return "deepnorm" if deepnorm else "post"


def cqt_bins(switch, bins, sample_rate, path):
    """``MERT``'s ``feature_extractor_cqt`` of an original.

    Arguments
    ---------
    switch : bool
        The original's ``feature_extractor_cqt``.
    bins : int
        Its ``feature_extractor_cqt_bins``.
    sample_rate : int
        In Hz.
    path : str or pathlib.Path
        The file, for the error.

    Returns
    -------
    int
        Bins, 0 without CQT.

    Raises
    ------
    CheckpointError
        If a CQT is asked for at another rate than 16 kHz: the original's frames of
        ``sample_rate // 50`` samples then are not the convolutions'.

    Example
    -------
    >>> cqt_bins(True, 84, 16_000, "config.json")
    84
    """
    if switch and sample_rate != 16_000:
        raise CheckpointError(
            f"{path}: feature_extractor_cqt at {sample_rate} Hz; the original's CQT "
            "fits its convolutions at 16000 Hz only"
        )
    return bins if switch else 0
