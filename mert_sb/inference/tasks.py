"""The inference folder of a task: what a trained probe needs to be used again.

``task.json``, the settings; ``probe.safetensors``, mix and head; for a student, its
``hyperparams.yaml`` and ``student.safetensors``, as ``export_student`` writes them; and
``README.md``, the model card. All of it is plain data, and no other place is named.

N states, D width, C outputs.

Authors
 * The mert_sb developers 2026
"""

import json
from typing import NamedTuple

import torch

from mert_sb.downstream.tracks import STRATEGIES
from mert_sb.inference.export import CARD, HPARAMS, STUDENT, export_student
from mert_sb.inference.settings import COUNT, MAPPING, NUMBER, SIZE, need
from mert_sb.inference.staging import staged_folder
from mert_sb.inference.tensors import CheckpointError, read_json, save_weights

TASK, PROBE = "task.json", "probe.safetensors"
FAMILIES = ("single_label", "key", "multi_label", "regression")
# Kinds of upstreams.
MERT_STATES, MEL, MEL_FRAMES = "mert", "mel_statistics", "mel_frames"


def one_of(*values):
    """A kind of setting: one of some texts.

    Arguments
    ---------
    *values : str
        The texts.

    Returns
    -------
    tuple of (str, callable)
        For ``need``.

    Example
    -------
    >>> one_of("a", "b")[0]
    'one of a, b'
    """
    return f"one of {', '.join(values)}", lambda value: value in values


def _are_texts(value):
    texts = type(value) is list and all(type(text) is str for text in value)
    return texts and 0 < len(value) == len(set(value))


def _are_numbers(value):
    return type(value) is list and all(NUMBER[1](number) for number in value)


SECONDS = ("a number above 0", lambda value: NUMBER[1](value) and value > 0)
NUMBERS = ("a list of numbers", _are_numbers)

# What each key of task.json must be; the second may be missing.
KINDS = {
    "family": one_of(*FAMILIES),
    "labels": ("a list of different texts", _are_texts),
    "layer": (
        "an index, mix or mix0",
        lambda value: value in ("mix", "mix0") or SIZE[1](value),
    ),
    "sample_rate": COUNT,
    "clip_seconds": SECONDS,
    "min_tail_seconds": SECONDS,
    "aggregation": one_of("logits", *STRATEGIES),
    "states_dtype": one_of("float16", "float32"),
    "upstream": MAPPING,
    "results": MAPPING,
}
OPTIONAL = {"hidden_dim": COUNT, "max_seconds": SECONDS, "scale": MAPPING}


class Task(NamedTuple):
    """What ``task.json`` says.

    Arguments
    ---------
    family : str
        One of ``FAMILIES``.
    labels : list of str
        Names of the C outputs.
    layer : int or str
        As ``StateMix`` takes it.
    sample_rate : int
        In Hz.
    clip_seconds : float
        Windows of a file, as training had them.
    min_tail_seconds : float
        The shortest that a file's last window may be.
    aggregation : str
        How outputs of a file's windows are put together: ``"logits"``, their mean,
        or one of ``tracks.STRATEGIES``.
    states_dtype : str
        Precision of the states that the probe was trained on.
    upstream : dict
        ``kind``, and the settings of one that has no weights.
    results : dict
        Metrics by split, for the reader.
    hidden_dim : int, optional
        Of the head; None: linear.
    max_seconds : float, optional
        Only this much of the beginning of a file counts.
    scale : dict, optional
        ``mean`` and ``std`` of the targets, to get back to ratings.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> read_task(folder / "task.json")
    Traceback (most recent call last):
        ...
    FileNotFoundError: ...
    """

    family: str
    labels: list
    layer: int | str
    sample_rate: int
    clip_seconds: float
    min_tail_seconds: float
    aggregation: str
    states_dtype: str
    upstream: dict
    results: dict
    hidden_dim: int | None = None
    max_seconds: float | None = None
    scale: dict | None = None


def write_task(task, probe, student, folder, card):
    """Write the inference folder.

    Arguments
    ---------
    task : Task
        The settings.
    probe : dict of str to torch.Tensor
        State of mix and head.
    student : mert_sb.student.MERT or None
        The encoder, where the upstream is one.
    folder : str or pathlib.Path
        Made if absent. If writing fails, what it held before stays.
    card : str
        The model card.

    Example
    -------
    >>> from mert_sb.downstream.probe import ProbeHead
    >>> head = ProbeHead(256, 2, hidden_dim=None)
    >>> probe = torch.nn.ModuleDict({"head": head}).state_dict()
    >>> task = Task(
    ...     *("single_label", ["rock", "pop"], 0, 24_000, 30.0, 1.0, "logits"),
    ...     *("float16", {"kind": MEL, "n_mels": 128}, {}),
    ... )
    >>> folder = getfixture("tmp_path") / "genre"
    >>> write_task(task, probe, None, folder, "# Genre")
    >>> read_task(folder / "task.json") == task
    True
    >>> sorted(path.name for path in folder.iterdir())
    ['README.md', 'probe.safetensors', 'task.json']
    """
    given = {k: v for k, v in task._asdict().items() if v is not None}
    text = json.dumps(given, indent=2, ensure_ascii=False) + "\n"
    tensors = {
        name: tensor.detach().to("cpu", torch.float32).contiguous()
        for name, tensor in probe.items()
    }
    with staged_folder(folder, foreign="config.json") as staging:
        if student is not None:
            export_student(student, staging)
        save_weights(tensors, staging / PROBE)
        (staging / TASK).write_text(text, encoding="utf-8")
        (staging / CARD).write_text(card, encoding="utf-8")
    if student is None:
        for name in (HPARAMS, STUDENT):
            # Of another upstream that was exported here before.
            (folder / name).unlink(missing_ok=True)


def read_task(path):
    """Read the settings, each of its kind.

    Arguments
    ---------
    path : pathlib.Path
        ``task.json``.

    Returns
    -------
    Task
        The settings.

    Raises
    ------
    CheckpointError
        If the file is damaged, or a key is missing, unknown or of another kind.

    Example
    -------
    >>> path = getfixture("tmp_path") / "task.json"
    >>> _ = path.write_text('{"family": "genre"}')
    >>> read_task(path)
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: ...task.json: family is 'genre', not one of ...
    """
    settings = read_json(path)
    need(settings, "family", KINDS["family"], path)
    if unknown := settings.keys() - KINDS.keys() - OPTIONAL.keys():
        raise CheckpointError(
            f"{path}: nothing is known of {', '.join(sorted(unknown))}; it is of "
            "another version, or no task's"
        )
    for key, kind in KINDS.items():
        need(settings, key, kind, path)
    for key in settings.keys() & OPTIONAL.keys():
        need(settings, key, OPTIONAL[key], path)
    task = Task(**settings)
    if task.min_tail_seconds > task.clip_seconds:
        raise CheckpointError(f"{path}: min_tail_seconds is above clip_seconds")
    _check_scale(task, path)
    return task


def _check_scale(task, path):
    """Refuse means and deviations that do not fit the outputs."""
    if task.scale is None:
        return
    for key in ("mean", "std"):
        numbers = need(task.scale, key, NUMBERS, path, "scale.")
        if len(numbers) != len(task.labels):
            raise CheckpointError(
                f"{path}: scale.{key} has {len(numbers)} numbers for "
                f"{len(task.labels)} labels"
            )
