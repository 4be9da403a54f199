"""From an upstream's YAML to the modules and data sets that a probe trains on.

Authors
 * The mert_sb developers 2026
"""

import json

import torch
from speechbrain.utils.distributed import run_on_main

from mert_sb.downstream.cache import cache_states
from mert_sb.downstream.cached import CachedClips
from mert_sb.hparams import load_hparams
from mert_sb.store import Shelf


def open_upstream(hparams, datasets, folder):
    """Build upstream, mix and head; encode, where the upstream is frozen.

    Arguments
    ---------
    hparams : dict
        With ``upstream`` (a YAML), ``upstream_overrides``, ``sample_rate``,
        ``cache``, ``mix``, ``head``, ``family``, ``modules`` (filled here) and
        ``checkpointer``.
    datasets : dict of str to DynamicItemDataset
        Of audio.
    folder : pathlib.Path
        The recipe's, which ``upstream`` is relative to.

    Returns
    -------
    dict of str to Dataset
        The same, or their cached states.

    Raises
    ------
    ValueError
        If the upstream is for another sample rate.

    Example
    -------
    See ``recipes/downstream/GTZAN/train.py``.
    """
    overrides = json.dumps(hparams["upstream_overrides"])
    path = folder / hparams["upstream"]
    settings = load_hparams(path, overrides)
    upstream = settings["upstream"]
    if upstream.sample_rate != hparams["sample_rate"]:
        raise ValueError(
            f"sample_rate: {hparams['sample_rate']}, but the upstream of {path} is "
            f"for {upstream.sample_rate}; give --sample_rate {upstream.sample_rate}"
        )
    modules = {
        "mix": hparams["mix"](upstream.n_states),
        "head": hparams["head"](upstream.dim, hparams["family"].n_outputs),
    }
    if not settings["cached"]:
        modules["encoder"] = upstream
    hparams["modules"].update(modules)
    for name, module in modules.items():
        hparams["checkpointer"].add_recoverable(name, module)
    options = {"device": _device(), **hparams["cache"]}
    if not settings["cached"]:
        return datasets
    run_on_main(
        cache_states, args=[upstream, datasets.values()], kwargs=options
    )
    shelf = Shelf(options["folder"])
    return {
        split: CachedClips(dataset, shelf)
        for split, dataset in datasets.items()
    }


def _device():
    """Where a frozen upstream encodes."""
    return "cuda" if torch.cuda.is_available() else "cpu"
