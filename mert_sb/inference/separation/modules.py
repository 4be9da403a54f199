"""Reading a separator's inference folder: its settings, and its modules filled.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.fetching import FetchConfig

from mert_sb.downstream.separation.head import StemHeads, StemMixes
from mert_sb.downstream.separation.wiener import Wiener
from mert_sb.inference.cache import pinned
from mert_sb.inference.hub import fetch_file
from mert_sb.inference.separation.task import read_separation_task
from mert_sb.inference.task_modules import saved_upstream
from mert_sb.inference.tasks import PROBE, TASK
from mert_sb.inference.tensors import CheckpointError, SafeTensors


def read_separation_source(source, fetch_config=None):
    """Read the settings of a separator's folder.

    Arguments
    ---------
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Returns
    -------
    tuple of (SeparationTask, speechbrain.utils.fetching.FetchConfig)
        The settings, and how to fetch more files of the same version.

    Example
    -------
    >>> read_separation_source("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: task.json of ./absent: ...
    """
    fetch_config = fetch_config or FetchConfig()
    path = fetch_file(source, TASK, fetch_config)
    return read_separation_task(path), pinned(path, fetch_config)


def build_wiener(task):
    """The filter that a folder names.

    Arguments
    ---------
    task : SeparationTask
        From ``read_separation_task``.

    Returns
    -------
    Wiener or None
        None for plain masks.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> task = SimpleNamespace(wiener={"iterations": 2, "mono": False})
    >>> build_wiener(task).settings["iterations"]
    2
    """
    return None if task.wiener is None else Wiener(**task.wiener)


def build_separation_modules(task, source, fetch_config=None):
    """Build and fill what makes masks.

    Arguments
    ---------
    task : SeparationTask
        From ``read_separation_task``.
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Returns
    -------
    dict of str to torch.nn.Module
        ``encoder``, ``mix`` and ``head`` on the CPU; no number in them is random.

    Raises
    ------
    CheckpointError
        If a tensor is missing, unknown or of another shape than the settings ask
        for, or a setting is impossible.
    FileNotFoundError
        If a file is missing.

    Example
    -------
    >>> build_separation_modules(None, "./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: probe.safetensors of ./absent: ...
    """
    path = fetch_file(source, PROBE, fetch_config)
    encoder = saved_upstream(task, source, fetch_config, frames=True)
    tensors = SafeTensors(path)
    try:
        with torch.device("meta"):
            mix = StemMixes(
                encoder.n_states, stems=task.stems, layer=task.layer
            )
            head = StemHeads(
                encoder.dim,
                len(task.stems),
                n_fft=task.n_fft,
                hidden_dim=task.hidden_dim,
                n_layers=task.n_layers,
                bidirectional=task.bidirectional,
            )
            probe = torch.nn.ModuleDict({"mix": mix, "head": head})
        probe.load_state_dict(tensors, strict=True, assign=True)
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{path} does not fit {TASK} or the upstream: {error}"
        ) from error
    return {"encoder": encoder, **probe}
