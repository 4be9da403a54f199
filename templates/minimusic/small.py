"""Flags of a run: those that make it small, and which of two flags of a name holds.

Authors
 * The mert_sb developers 2026
"""

import json
from pathlib import Path

import yaml
from ruamel.yaml import YAML

from mert_sb.overrides import BASE, read_yaml

# Music4ALL's YAMLs at the sizes of AudioFolder's cpu.yaml: those of a student, of clips
# and of batches. What is compared (norms, teachers, weights, mixture) stays theirs.
SMALL = {
    "crop_frames": 150,
    "prepare": {
        "min_seconds": 3.5,
        "segment_seconds": 10.0,
        "valid_share": 0.1,
        "n_workers": 2,
    },
    "batch_size": 8,
    "grad_accumulation_factor": 1,
    "log_interval": 50,
    "train_dataloader_opts": {"num_workers": 1},
    "valid_dataloader_opts": {"num_workers": 1},
    "embed_dim": 256,
    "student": {
        "conv_channels": 64,
        "ffn_dim": 1024,
        "num_heads": 4,
        "num_layers": 4,
        "position_kernel": 64,
    },
    "n_logmel": 200,
    "n_chroma": 100,
    "n_mfcc": 100,
    "n_units": 100,
    "fits": {
        "logmel": {"max_frames": 100_000},
        "chroma": {"max_frames": 100_000},
        "mfcc": {"max_frames": 100_000},
        "units": {"max_frames": 100_000},
    },
}


def small_flags(path):
    """Sizes of ``SMALL`` that a YAML, or one that it stands on, has.

    Arguments
    ---------
    path : str or pathlib.Path
        The YAML.

    Returns
    -------
    dict of str to str
        As ``read_flags`` gives them.

    Raises
    ------
    ValueError
        If it sets ``crop_frames`` in an experiment that it stands on: then the
        length of clips is what is compared.
    """
    tree, _ = read_yaml(path)
    if "crop_frames" in _changed(path):
        raise ValueError(
            f"--small: {Path(path).name} is there for its crop_frames, batch_size "
            f"and prepare, of which --small would make those of cpu.yaml; leave "
            "--small out, and say the student's sizes and the others for all runs "
            "as flags (--student, --embed_dim, --n_...), see SMALL in small.py"
        )
    return {
        key: json.dumps(value) for key, value in _fitting(SMALL, tree).items()
    }


def _changed(path):
    """Keys that the text of a YAML sets in an experiment that has a base itself."""
    text = Path(path).read_text(encoding="utf-8")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for _ in range(2):
        keys = {key.value: value for key, value in node.value}
        node = keys.get(BASE)
        if not isinstance(node, yaml.MappingNode):
            return set()
    return {key.value for key, _ in node.value}


def _fitting(table, tree):
    """Entries of a table whose keys are in a tree."""
    known = _flat(tree)
    found = {}
    for key, value in table.items():
        if key in known and not isinstance(value, dict):
            found[key] = value
        elif known.get(key) and (inner := _fitting(value, known[key])):
            found[key] = inner
    return found


def _flat(tree):
    """A tree with the keys of what it stands on."""
    base = tree.get(BASE) or {}
    return {**(_flat(base) if base else {}), **tree}


def read_flags(arguments):
    """Flags of a command line by name.

    Arguments
    ---------
    arguments : list of str
        ``--key value``, ``--key=value`` or, of a switch, ``--key``.

    Returns
    -------
    dict of str to str
        The value as it stands; None of a switch.

    Raises
    ------
    ValueError
        If a value has no flag.

    Example
    -------
    >>> read_flags(["--lr", "0.1", "--seed=7", "--noprogressbar"])
    {'lr': '0.1', 'seed': '7', 'noprogressbar': None}
    """
    found, name = {}, None
    for part in arguments:
        if part.startswith("--"):
            name, equals, value = part[2:].partition("=")
            found[name] = value if equals else None
            name = None if equals else name
        elif name is None:
            raise ValueError(f"{part!r} is the value of no flag")
        else:
            found[name], name = part, None
    return found


def merge(*tables):
    """Flags of several tables; the last of a name holds, and in mappings each key.

    Arguments
    ---------
    *tables : dict of str to str
        As ``read_flags`` gives them.

    Returns
    -------
    list of str
        A command line.

    Example
    -------
    >>> merge({"a": "{x: 1, y: 2}", "b": "3"}, {"a": "{y: 4}", "b": None})
    ['--a', '{"x": 1, "y": 4}', '--b']
    """
    flags = {}
    for table in tables:
        for key, text in table.items():
            flags[key] = _joined(flags.get(key), text)
    line = []
    for key, text in flags.items():
        line += [f"--{key}"] if text is None else [f"--{key}", text]
    return line


def _joined(old, new):
    """The later text, or both where both are mappings."""
    loaded = [YAML(typ="safe").load(text or "") for text in (old, new)]
    if all(isinstance(value, dict) for value in loaded):
        return json.dumps(_over(*loaded))
    return new


def _over(old, new):
    """A mapping changed by another, nested ones too."""
    inner = {
        key: _over(old[key], value)
        for key, value in new.items()
        if isinstance(value, dict) and isinstance(old.get(key), dict)
    }
    return {**old, **new, **inner}
