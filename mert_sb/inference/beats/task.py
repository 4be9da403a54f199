"""The settings of a beat tracker's inference folder.

As the folder of any task (see ``mert_sb.inference.tasks``), but for what ``task.json``
has to say: how activations become beats instead of what outputs mean.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

from mert_sb.downstream.beats.decode import BarPointer, PeakPicking
from mert_sb.inference.settings import COUNT, MAPPING, NUMBER, SHARE, SIZE, need
from mert_sb.inference.tasks import SECONDS, one_of
from mert_sb.inference.tensors import CheckpointError, read_json

FAMILY = "beats"


def _is_bpm(value):
    return NUMBER[1](value) and 5 <= value <= 1000


def _is_range(value):
    """Whether it is two numbers of beats a minute, the slower first."""
    numbers = type(value) is list and all(map(_is_bpm, value))
    return numbers and len(value) == 2 and value[0] < value[1]


def _are_metres(value):
    counts = type(value) is list and all(COUNT[1](part) for part in value)
    return counts and len(value) <= 8 and all(part <= 32 for part in value)


LAMBDA = ("a number of 1 to 10000", lambda v: NUMBER[1](v) and 1 <= v <= 10_000)
BPM = ("a number of 5 to 1000", _is_bpm)
RANGE = ("two numbers of 5 to 1000, the lower first", _is_range)
METRES = ("a list of numbers of beats", _are_metres)
# Name -> decoder, and what its settings must be.
DECODERS = {
    "bar_pointer": (
        BarPointer,
        {
            "min_bpm": BPM,
            "max_bpm": BPM,
            "beats_per_bar": METRES,
            "downbeat_bpm": RANGE,
            "transition_lambda": LAMBDA,
            "observation_lambda": LAMBDA,
            "threshold": SHARE,
        },
    ),
    "peak_picking": (PeakPicking, {"threshold": SHARE, "window": SHARE}),
}
KINDS = {
    "family": one_of(FAMILY),
    "layer": (
        "an index, mix or mix0",
        lambda value: value in ("mix", "mix0") or SIZE[1](value),
    ),
    "sample_rate": COUNT,
    "clip_seconds": SECONDS,
    "decoder": MAPPING,
    "upstream": MAPPING,
    "results": MAPPING,
}
OPTIONAL = {"hidden_dim": COUNT}


class BeatTask(NamedTuple):
    """What ``task.json`` of beat tracking says.

    Arguments
    ---------
    layer : int or str
        As ``StateMix`` takes it.
    sample_rate : int
        In Hz.
    clip_seconds : float
        The longest clip of the recipe; longer files are cut into windows.
    decoder : dict
        ``kind``, a name in ``DECODERS``, and its settings.
    upstream : dict
        ``kind``, and the settings of one that has no weights.
    results : dict
        Metrics by split, for the reader.
    hidden_dim : int, optional
        Of the head; None: linear.
    family : str
        Always ``"beats"``.

    Example
    -------
    >>> decoder = {"kind": "peak_picking", "threshold": 0.5, "window": 0.07}
    >>> task = BeatTask(0, 24_000, 30.0, decoder, {"kind": "mert"}, {})
    >>> task.family
    'beats'
    """

    layer: int | str
    sample_rate: int
    clip_seconds: float
    decoder: dict
    upstream: dict
    results: dict
    hidden_dim: int | None = None
    family: str = FAMILY


def read_beat_task(path):
    """Read the settings, each of its kind.

    Arguments
    ---------
    path : pathlib.Path
        ``task.json``.

    Returns
    -------
    BeatTask
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
    >>> read_beat_task(path)
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: ...task.json: family is 'key', not one of beats
    """
    settings = read_json(path)
    for key, kind in KINDS.items():
        need(settings, key, kind, path)
    if unknown := settings.keys() - KINDS.keys() - OPTIONAL.keys():
        raise CheckpointError(
            f"{path}: nothing is known of {', '.join(sorted(unknown))}; it is of "
            "another version"
        )
    for key in settings.keys() & OPTIONAL.keys():
        need(settings, key, OPTIONAL[key], path)
    return BeatTask(**settings)


def describe_decoder(decoder):
    """A decoder as plain data.

    Arguments
    ---------
    decoder : BarPointer or PeakPicking
        From a recipe's YAML.

    Returns
    -------
    dict
        For ``BeatTask``.

    Raises
    ------
    ValueError
        If it is of another kind.

    Example
    -------
    >>> describe_decoder(PeakPicking())
    {'kind': 'peak_picking', 'threshold': 0.5, 'window': 0.07}
    """
    for name, (kind, _) in DECODERS.items():
        if type(decoder) is kind:
            settings = dict(vars(decoder))
            if "bpm" in settings:
                settings["min_bpm"], settings["max_bpm"] = settings.pop("bpm")
            return {"kind": name} | {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in settings.items()
            }
    raise ValueError(
        f"decoder: a {type(decoder).__name__} cannot be written as an inference "
        f"folder; {' and '.join(DECODERS)} can"
    )


def build_decoder(task, where):
    """The decoder that a folder names.

    Arguments
    ---------
    task : BeatTask
        From ``read_beat_task``.
    where : str
        The folder, for the error.

    Returns
    -------
    BarPointer or PeakPicking
        Ready to use.

    Raises
    ------
    CheckpointError
        If a setting is missing, unknown or of another kind.

    Example
    -------
    >>> decoder = {"kind": "peak_picking", "threshold": 2, "window": 0.07}
    >>> task = BeatTask(0, 24_000, 30.0, decoder, {"kind": "mert"}, {})
    >>> build_decoder(task, "a")
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: a: decoder.threshold is 2, not a number from 0 to 1
    """
    settings = dict(task.decoder)
    name = need(settings, "kind", one_of(*DECODERS), where, "decoder.")
    decoder, kinds = DECODERS[name]
    del settings["kind"]
    if unknown := settings.keys() - kinds.keys():
        raise CheckpointError(
            f"{where}: a {name} has no {', '.join(sorted(unknown))}"
        )
    for key, kind in kinds.items():
        need(settings, key, kind, where, "decoder.")
    try:
        return decoder(**settings)
    except ValueError as error:
        raise CheckpointError(f"{where}: {error}") from error
