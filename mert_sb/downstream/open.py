"""From an upstream's YAML to the modules and data sets that a probe trains on.

Authors
 * The mert_sb developers 2026
"""

import json
from pathlib import Path

import torch
from speechbrain.utils.distributed import run_on_main

from mert_sb.downstream.base import Setup
from mert_sb.downstream.cache import cache_states, fingerprint
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
    path = folder / hparams["upstream"]
    settings = read_upstream(path, hparams["upstream_overrides"])
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
    identity = fingerprint(upstream)
    setup = Setup(
        upstream=identity,
        layer=hparams["layer"],
        lr=hparams["lr"],
        head=repr(modules["head"]),
        cached=settings["cached"],
    )
    hparams["checkpointer"].add_recoverable("setup", setup)
    options = hparams["cache"]
    # Each upstream has its place; whoever exports looks there too.
    name = f"{path.stem}-{identity['weights'][:8]}"
    options["folder"] = str(Path(options["folder"]) / name)
    options["device"] = options["device"] or _device()
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


def read_upstream(path, overrides):
    """Build what an upstream's YAML names.

    Arguments
    ---------
    path : pathlib.Path
        The YAML.
    overrides : dict
        Of its keys.

    Returns
    -------
    dict
        With ``upstream`` and ``cached``.

    Example
    -------
    >>> path = getfixture("tmp_path") / "mel.yaml"
    >>> name = "mert_sb.downstream.upstreams.MelStatistics"
    >>> _ = path.write_text(f"upstream: !new:{name}\\n  n_mels: 32")
    >>> read_upstream(path, {"upstream": {"n_mels": 40}})["upstream"].dim
    80
    """
    return load_hparams(path, json.dumps(overrides))


def _device():
    """Where a frozen upstream encodes."""
    return "cuda" if torch.cuda.is_available() else "cpu"
