"""The settings of a separator's inference folder.

As the folder of any task (see ``mert_sb.inference.tasks``), but for what ``task.json``
has to say: the stems, the spectrogram, the heads' sizes, windows and filter.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

from mert_sb.downstream.separation.family import STEM_NAME
from mert_sb.inference.settings import COUNT, MAPPING, SIZE, SWITCH, need
from mert_sb.inference.tasks import one_of
from mert_sb.inference.tensors import CheckpointError, read_json

FAMILY = "separation"


def _are_stems(value):
    """Whether it is a list of different names that can be names of files."""
    names = type(value) is list and all(type(name) is str for name in value)
    return (
        names
        and 0 < len(value) == len(set(value)) <= 64
        and all(map(STEM_NAME.fullmatch, value))
    )


def _whole(least, most):
    """A kind of setting: a whole number of a range."""
    return (
        f"a whole number of {least} to {most}",
        lambda value: type(value) is int and least <= value <= most,
    )


KINDS = {
    "family": one_of(FAMILY),
    "stems": ("a list of different names of files", _are_stems),
    "layer": (
        "an index, mix or mix0",
        lambda value: value in ("mix", "mix0") or SIZE[1](value),
    ),
    "sample_rate": COUNT,
    "n_fft": (
        "a power of two of 1024 to 65536",
        lambda value: value in [2**power for power in range(10, 17)],
    ),
    "hidden_dim": COUNT,
    "n_layers": _whole(1, 64),
    "bidirectional": SWITCH,
    "window_seconds": _whole(1, 3600),
    "overlap_seconds": _whole(0, 3599),
    "upstream": MAPPING,
    "results": MAPPING,
}
OPTIONAL = {"wiener": MAPPING}
WIENER = {
    "iterations": _whole(1, 100),
    "block_frames": _whole(1, 10**6),
    "mono": SWITCH,
}


class SeparationTask(NamedTuple):
    """What ``task.json`` of a separator says.

    Arguments
    ---------
    stems : list of str
        Names, in the heads' order.
    layer : int or str
        As ``StateMix`` takes it.
    sample_rate : int
        The upstream's, in Hz.
    n_fft : int
        Samples of the spectrogram's window at that rate.
    hidden_dim : int
        Of the heads.
    n_layers : int
        Of their LSTMs.
    bidirectional : bool
        Whether these go both ways.
    window_seconds : int
        Audio is separated in windows of this length.
    overlap_seconds : int
        What neighbouring windows share.
    upstream : dict
        ``kind``, and the settings of one that has no weights.
    results : dict
        Metrics by split, for the reader.
    wiener : dict, optional
        As of ``Wiener``; None: plain masks.
    family : str
        Always ``"separation"``.

    Example
    -------
    >>> upstream = {"kind": "mert"}
    >>> task = SeparationTask(
    ...     *(["guitar", "rest"], "mix", 24_000, 2048, 512, 3, True, 30, 3),
    ...     *(upstream, {}),
    ... )
    >>> task.family
    'separation'
    """

    stems: list
    layer: int | str
    sample_rate: int
    n_fft: int
    hidden_dim: int
    n_layers: int
    bidirectional: bool
    window_seconds: int
    overlap_seconds: int
    upstream: dict
    results: dict
    wiener: dict | None = None
    family: str = FAMILY


def read_separation_task(path):
    """Read the settings, each of its kind.

    Arguments
    ---------
    path : pathlib.Path
        ``task.json``.

    Returns
    -------
    SeparationTask
        The settings.

    Raises
    ------
    CheckpointError
        If the file is damaged, of another task, or a key is missing, unknown or of
        another kind.

    Example
    -------
    >>> path = getfixture("tmp_path") / "task.json"
    >>> _ = path.write_text('{"family": "key"}')
    >>> read_separation_task(path)
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: ...task.json: family is 'key', not one of separation
    """
    settings = read_json(path)
    for key, kind in KINDS.items():
        need(settings, key, kind, path)
    for key in settings.keys() & OPTIONAL.keys():
        need(settings, key, OPTIONAL[key], path)
    _refuse_unknown(settings, KINDS.keys() | OPTIONAL.keys(), path)
    task = SeparationTask(**settings)
    if task.overlap_seconds >= task.window_seconds:
        raise CheckpointError(
            f"{path}: overlap_seconds is {task.overlap_seconds}, not below "
            f"window_seconds, {task.window_seconds}"
        )
    if task.wiener is not None:
        for key, kind in WIENER.items():
            need(task.wiener, key, kind, path, "wiener.")
        _refuse_unknown(task.wiener, WIENER.keys(), f"{path}: wiener")
    return task


def _refuse_unknown(settings, known, where):
    """Refuse keys of another version."""
    if unknown := settings.keys() - known:
        raise CheckpointError(
            f"{where}: nothing is known of {', '.join(sorted(unknown))}; it is of "
            "another version"
        )
