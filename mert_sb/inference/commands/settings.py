"""``encode.json``: what the features of a folder were made with.

Outputs of one folder must have been made alike, or whoever reads them compares what
cannot be compared. So the settings are written first, and a later run must have the
same ones.

Authors
 * The mert_sb developers 2026
"""

import json
import sys

from mert_sb import frames
from mert_sb.downstream.base import checksum
from mert_sb.inference.settings import FREE
from mert_sb.inference.tensors import read_json
from mert_sb.writing import whole

SETTINGS_FILE = "encode.json"
# The package is always imported before a part of it.
VERSION = sys.modules["mert_sb"].__version__
# What may differ between runs into one folder.
NOTES = {"mert_sb", "frame_times"}


def describe(student, options):
    """The settings of a run.

    Arguments
    ---------
    student : mert_sb.student.MERT
        That encodes.
    options : dict
        Options of the command that features depend on, as plain data.

    Returns
    -------
    dict
        Plain data: the options, the model's settings, a checksum of its weights
        (the same in whatever layout they are stored), the frames' clock, and the
        version.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> settings = describe(student, {"pool": "none"})
    >>> settings["pool"], settings["hop_length"], settings["first_centre"]
    ('none', 320, 199.5)
    """
    model = {k: v for k, v in student.settings.items() if k not in FREE}
    subsample = student.settings["subsample"]
    settings = {
        "mert_sb": VERSION,
        **options,
        "sample_rate": student.settings["sample_rate"],
        "hop_length": frames.hop_length(subsample),
        "first_centre": frames.centre(0, subsample),
        "frame_times": "seconds of frame t: "
        "(first_centre + hop_length * t) / sample_rate",
        "model": model,
        "weights": checksum(student.state_dict()),
    }
    return json.loads(json.dumps(settings))


def read_settings(folder):
    """The settings of the features in a folder.

    Arguments
    ---------
    folder : pathlib.Path
        Output folder.

    Returns
    -------
    dict or None
        None if there are none.

    Raises
    ------
    CheckpointError
        If the file is damaged.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> write_settings(folder, {"pool": "mean"})
    >>> read_settings(folder)
    {'pool': 'mean'}
    """
    path = folder / SETTINGS_FILE
    return read_json(path) if path.exists() else None


def write_settings(folder, settings):
    """Write the settings, whole or not at all.

    Arguments
    ---------
    folder : pathlib.Path
        Output folder.
    settings : dict
        From ``describe``.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> write_settings(folder, {})
    >>> [path.name for path in folder.iterdir()]
    ['encode.json']
    """
    with whole(folder / SETTINGS_FILE) as aside:
        text = json.dumps(settings, indent=2) + "\n"
        aside.write_text(text, encoding="utf-8")


def differences(former, settings):
    """Settings that differ.

    Arguments
    ---------
    former : dict
        Those of the folder.
    settings : dict
        Those of this run.

    Returns
    -------
    list of str
        The keys with both values; empty if the features are alike.

    Example
    -------
    >>> differences(
    ...     {"pool": "mean", "model": {}}, {"pool": "none", "model": {}}
    ... )
    ["pool ('mean' there, 'none' now)"]
    """
    found = []
    for key in sorted((former.keys() | settings.keys()) - NOTES):
        there, now = former.get(key), settings.get(key)
        if isinstance(there, dict) and isinstance(now, dict):
            inner = differences(there, now)
            found += [f"{key}.{difference}" for difference in inner]
        elif there != now:
            found.append(f"{key} ({there!r} there, {now!r} now)")
    return found
