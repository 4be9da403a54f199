"""The modules of a beat tracker's inference folder, filled.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.downstream.probe import ProbeHead, StateMix
from mert_sb.inference.task_modules import filled_modules

# Beat and downbeat.
N_OUTPUTS = 2


def build_beat_modules(task, source, fetch_config=None):
    """Build and fill what tracks beats.

    Arguments
    ---------
    task : BeatTask
        The folder's settings.
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        For the Hub.

    Returns
    -------
    dict of str to torch.nn.Module
        ``upstream``, ``mix`` and ``head``, see ``filled_modules``.

    Example
    -------
    >>> build_beat_modules(None, "./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: probe.safetensors of ./absent: ...
    """

    def probe(upstream):
        mix = StateMix(upstream.n_states, task.layer)
        head = ProbeHead(upstream.dim, N_OUTPUTS, hidden_dim=task.hidden_dim)
        return mix, head

    return filled_modules(task, source, fetch_config, probe, frames=True)
