"""The modules of a separator's inference folder, filled.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.downstream.separation.head import StemHeads, StemMixes
from mert_sb.downstream.separation.wiener import Wiener
from mert_sb.inference.task_modules import filled_modules


def build_wiener(task):
    """The filter that a folder names.

    Arguments
    ---------
    task : SeparationTask
        The folder's settings.

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
        The folder's settings.
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Returns
    -------
    dict of str to torch.nn.Module
        ``encoder``, ``mix`` and ``head``, see ``filled_modules``.

    Example
    -------
    >>> build_separation_modules(None, "./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: probe.safetensors of ./absent: ...
    """

    def probe(upstream):
        mix = StemMixes(upstream.n_states, stems=task.stems, layer=task.layer)
        head = StemHeads(
            upstream.dim,
            len(task.stems),
            n_fft=task.n_fft,
            hidden_dim=task.hidden_dim,
            n_layers=task.n_layers,
            bidirectional=task.bidirectional,
        )
        return mix, head

    modules = filled_modules(task, source, fetch_config, probe, frames=True)
    # The name that the Brain and its masks know it by.
    modules["encoder"] = modules.pop("upstream")
    return modules
