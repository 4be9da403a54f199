"""Reading a task's inference folder: its settings, and its modules filled.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.fetching import FetchConfig

from mert_sb.downstream.probe import ProbeHead, StateMix
from mert_sb.downstream.upstreams import mel_upstream
from mert_sb.inference.cache import pinned
from mert_sb.inference.checkpoint import build_student
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.hub import fetch_file
from mert_sb.inference.settings import COUNT, need
from mert_sb.inference.tasks import (
    MEL,
    MEL_FRAMES,
    MERT_STATES,
    PROBE,
    TASK,
    one_of,
    read_task,
)
from mert_sb.inference.tensors import CheckpointError, SafeTensors
from mert_sb.inference.upstream import student_states

BANDS = ("a whole number of 1 to 4096", lambda v: COUNT[1](v) and v <= 4096)


def read_source(source, fetch_config=None, read=read_task):
    """Read the settings of a task's folder.

    Arguments
    ---------
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.
    read : callable
        From the path of ``task.json`` to the settings, where a task has its own.

    Returns
    -------
    tuple of (Task, speechbrain.utils.fetching.FetchConfig)
        The settings, and how to fetch more files of the same version.

    Example
    -------
    >>> read_source("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: task.json of ./absent: ...
    """
    fetch_config = fetch_config or FetchConfig()
    path = fetch_file(source, TASK, fetch_config)
    return read(path), pinned(path, fetch_config)


def build_modules(task, source, fetch_config=None):
    """Build and fill what a task predicts with.

    Arguments
    ---------
    task : Task
        From ``read_task``.
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Returns
    -------
    dict of str to torch.nn.Module
        ``upstream``, ``mix`` and ``head`` on the CPU; no number in them is random.

    Raises
    ------
    CheckpointError
        If a tensor is missing, unknown or of another shape than the settings ask
        for, or a setting is impossible.
    FileNotFoundError
        If a file is missing.

    Example
    -------
    >>> build_modules(None, "./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: probe.safetensors of ./absent: ...
    """

    def probe(upstream):
        mix = StateMix(upstream.n_states, task.layer)
        n_outputs = len(task.labels)
        return mix, ProbeHead(
            upstream.dim, n_outputs, hidden_dim=task.hidden_dim
        )

    return filled_modules(task, source, fetch_config, probe)


def filled_modules(task, source, fetch_config, probe, *, frames=False):
    """Build what a folder's files fill, and fill it.

    Arguments
    ---------
    task : Task or another with ``upstream`` and ``sample_rate``
        The folder's settings.
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig or None
        For the Hub.
    probe : callable
        From the upstream to mix and head.
    frames : bool
        Whether the task looks at frames.

    Returns
    -------
    dict of str to torch.nn.Module
        ``upstream``, ``mix`` and ``head`` on the CPU; no number in them is random.

    Raises
    ------
    CheckpointError
        If a tensor is missing, unknown or of another shape than the settings ask
        for, or a setting is impossible.
    FileNotFoundError
        If a file is missing.

    Example
    -------
    >>> filled_modules(None, "./absent", None, None)
    Traceback (most recent call last):
        ...
    FileNotFoundError: probe.safetensors of ./absent: ...
    """
    path = fetch_file(source, PROBE, fetch_config)
    upstream = saved_upstream(task, source, fetch_config, frames=frames)
    tensors = SafeTensors(path)
    try:
        with torch.device("meta"):
            mix, head = probe(upstream)
            modules = torch.nn.ModuleDict({"mix": mix, "head": head})
        modules.load_state_dict(tensors, strict=True, assign=True)
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{path} does not fit {TASK} or the upstream: {error}"
        ) from error
    return {"upstream": upstream, **modules}


def saved_upstream(task, source, fetch_config=None, *, frames=False):
    """The upstream of a task's folder, filled.

    Arguments
    ---------
    task : Task or another with ``upstream`` and ``sample_rate``
        The folder's settings.
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.
    frames : bool
        Whether the task looks at frames.

    Returns
    -------
    torch.nn.Module
        Of ``mert_sb.downstream.upstreams``, on the CPU.

    Raises
    ------
    CheckpointError
        If a setting is impossible, or the student is for another sample rate.

    Example
    -------
    >>> from mert_sb.inference.tasks import Task
    >>> task = Task(*[None] * 3, 24_000, *[None] * 4, {"kind": "mel"}, {})
    >>> saved_upstream(task, "./a")
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: task.json of ./a: upstream.kind is 'mel', not ...
    """
    where, settings = f"{TASK} of {source}", dict(task.upstream)
    mel = MEL_FRAMES if frames else MEL
    kinds = one_of(MERT_STATES, mel)
    kind = need(settings, "kind", kinds, where, "upstream.")
    del settings["kind"]
    known = {"n_mels", "n_mfcc"} if kind == mel else set()
    if unknown := settings.keys() - known:
        raise CheckpointError(
            f"{where}: {kind} has no {', '.join(sorted(unknown))}"
        )
    for key in settings:
        need(settings, key, BANDS, where, "upstream.")
    if kind == MERT_STATES:
        student = build_student(read_checkpoint(source, fetch_config))
        upstream = student_states(student, frames=frames)
    else:
        upstream = mel_upstream(
            frames=frames, sample_rate=task.sample_rate, **settings
        )
    if upstream.sample_rate != task.sample_rate:
        raise CheckpointError(
            f"{where}: sample_rate is {task.sample_rate}, the student's is "
            f"{upstream.sample_rate}"
        )
    return upstream
