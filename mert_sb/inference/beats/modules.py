"""Reading a beat tracker's inference folder: its settings, and its modules filled.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.fetching import FetchConfig

from mert_sb.downstream.probe import ProbeHead, StateMix
from mert_sb.inference.beats.task import read_beat_task
from mert_sb.inference.cache import pinned
from mert_sb.inference.hub import fetch_file
from mert_sb.inference.task_modules import saved_upstream
from mert_sb.inference.tasks import PROBE, TASK
from mert_sb.inference.tensors import CheckpointError, SafeTensors

# Beat and downbeat.
N_OUTPUTS = 2


def read_beat_source(source, fetch_config=None):
    """Read the settings of a beat tracker's folder.

    Arguments
    ---------
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Returns
    -------
    tuple of (BeatTask, speechbrain.utils.fetching.FetchConfig)
        The settings, and how to fetch more files of the same version.

    Example
    -------
    >>> read_beat_source("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: task.json of ./absent: ...
    """
    fetch_config = fetch_config or FetchConfig()
    path = fetch_file(source, TASK, fetch_config)
    return read_beat_task(path), pinned(path, fetch_config)


def build_beat_modules(task, source, fetch_config=None):
    """Build and fill what tracks beats.

    Arguments
    ---------
    task : BeatTask
        From ``read_beat_source``.
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
    >>> build_beat_modules(None, "./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: probe.safetensors of ./absent: ...
    """
    path = fetch_file(source, PROBE, fetch_config)
    upstream = saved_upstream(task, source, fetch_config, frames=True)
    tensors = SafeTensors(path)
    try:
        with torch.device("meta"):
            mix = StateMix(upstream.n_states, task.layer)
            head = ProbeHead(
                upstream.dim, N_OUTPUTS, hidden_dim=task.hidden_dim
            )
            probe = torch.nn.ModuleDict({"mix": mix, "head": head})
        probe.load_state_dict(tensors, strict=True, assign=True)
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{path} does not fit {TASK} or the upstream: {error}"
        ) from error
    return {"upstream": upstream, **probe}
