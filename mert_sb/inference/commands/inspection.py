"""``mert-sb inspect``: what a checkpoint is. Nothing in it is run.

Authors
 * The mert_sb developers 2026
"""

import json
import sys
from collections import Counter

import torch
from safetensors import safe_open

from mert_sb import frames
from mert_sb.inference.checkpoint import build_student
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.inference.convert import locate, read_files
from mert_sb.inference.tensors import CheckpointError, SafeTensors, read_pickle
from mert_sb.student import MERT

HELP = "say what a checkpoint is"
DESCRIPTION = """\
What a checkpoint is, and whether it is whole: every tensor there, of the right shape.
Nothing in it is run. The exit code is 2 if it cannot be used.
"""
EPILOG = """\
examples:
  mert-sb inspect m-a-p/MERT-v1-95M
  mert-sb inspect checkpoint.pt --json
"""
# safetensors' names of types to torch's.
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
}


def add_arguments(parser):
    """Add the command's arguments.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        The command's.

    Example
    -------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["a.pt", "--json"]).json
    True
    """
    add_source(parser, "model")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments):
    """Describe a checkpoint on stdout.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code: 2 if it cannot be built.
    """
    found = inspect_checkpoint(arguments.model, fetch_config(arguments))
    text = json.dumps(found, indent=2) if arguments.json else as_text(found)
    sys.stdout.write(f"{text}\n")
    return 0 if found["usable"] else 2


def inspect_checkpoint(source, fetch_config=None):
    """Describe a checkpoint.

    Arguments
    ---------
    source : str or pathlib.Path
        As for ``locate``.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        As for ``locate``.

    Returns
    -------
    dict
        Plain data. ``usable`` says whether it builds, ``fault`` why not.

    Raises
    ------
    CheckpointError
        If it cannot be read at all.
    FileNotFoundError
        If it does not exist.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> found = inspect_checkpoint(folder)
    >>> found["layout"], found["layers"], found["usable"]
    ('mert_sb', 1, True)
    """
    files = locate(source, fetch_config)
    # Before, not after: two copies of the weights need not be in memory.
    dtypes = stored_dtypes(files.paths[-1])
    checkpoint = read_files(files)
    fault = None
    try:
        build_student(checkpoint)
    except CheckpointError as error:
        fault = str(error)
    return {
        "source": str(source),
        "layout": files.layout,
        "files": {str(path): path.stat().st_size for path in files.paths},
        **_architecture(checkpoint),
        "dtypes": dtypes,
        "pretraining_heads": {
            name: list(tensor.shape)
            for name, tensor in checkpoint.heads.items()
        },
        "usable": fault is None,
        "fault": fault,
    }


def stored_dtypes(path):
    """Types of a file's tensors, as stored.

    Arguments
    ---------
    path : pathlib.Path
        A ``.safetensors`` file or a pickle of torch's.

    Returns
    -------
    dict of str to int
        How many tensors have each type.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.pt"
    >>> torch.save({"model": {"bias": torch.zeros(2)}}, path)
    >>> stored_dtypes(path)
    {'float32': 1}
    """
    if path.suffix == ".safetensors":
        keys = list(SafeTensors(path))
        with safe_open(path, "pt") as file:
            names = [file.get_slice(key).get_dtype() for key in keys]
        return dict(Counter(DTYPES.get(name, name) for name in names))
    contents = read_pickle(path)
    tensors = contents.get("model")
    if not isinstance(tensors, dict):
        tensors = contents
    return dict(
        Counter(
            str(tensor.dtype).removeprefix("torch.")
            for tensor in tensors.values()
            if isinstance(tensor, torch.Tensor)
        )
    )


def as_text(found):
    """A description for people.

    Arguments
    ---------
    found : dict
        From ``inspect_checkpoint``.

    Returns
    -------
    str
        A line for each property.

    Example
    -------
    >>> found = {"layers": 12, "dtypes": {"float32": 211}, "fault": None}
    >>> as_text(found).splitlines()
    ['layers              12', 'dtypes              float32: 211']
    """
    lines = []
    for key, value in found.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k}: {v}" for k, v in value.items()) or "none"
        if value is not None:
            lines.append(f"{key.replace('_', ' '):<20}{value}")
    return "\n".join(lines)


def _architecture(checkpoint):
    """What the settings and the tensors say of the student."""
    settings = MERT.__init__.__kwdefaults__ | checkpoint.settings
    n_parameters = sum(tensor.numel() for tensor in checkpoint.state.values())
    return {
        "sample_rate": settings["sample_rate"],
        "frames_a_second": frames.frame_rate(
            settings["sample_rate"], settings["subsample"]
        ),
        "layers": settings["num_layers"],
        "width": settings["embed_dim"],
        "attention_heads": settings["num_heads"],
        "inner_width": settings["ffn_dim"],
        "million_parameters": n_parameters / 1e6,
        "norm": settings["norm"],
        "front_end_width": settings["conv_channels"],
        "front_end_norm": settings["conv_norm"],
        "front_end_bias": settings["conv_bias"],
        "normalizes_wavs": settings["normalize_wavs"],
        "cqt_input_bins": settings["feature_extractor_cqt"],
    }
