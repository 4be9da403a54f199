"""From an upstream's YAML to the modules and data sets that a probe trains on.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import json
from pathlib import Path

import torch
from speechbrain.utils.distributed import run_on_main

from mert_sb.downstream.base import Setup
from mert_sb.downstream.cache import cache_states, fingerprint
from mert_sb.downstream.cached import CachedClips
from mert_sb.downstream.frozen import Frozen
from mert_sb.downstream.upstreams import FrozenUpstream
from mert_sb.hparams import load_hparams
from mert_sb.store import Shelf

# A checkpoint goes on with these as they were.
OF_A_RUN = ("layer", "lr", "encoder_lr", "layer_decay", "seed")


def open_upstream(hparams, datasets, folder, labels=None):
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
    labels : sequence of str, optional
        Names of the outputs, for ``results.json``.

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
    path, settings = _settings(hparams, folder, frames=False)
    upstream = settings["upstream"]
    hparams["labels"] = None if labels is None else list(labels)
    head = hparams["head"](upstream.dim, hparams["family"].n_outputs)
    modules = {"mix": hparams["mix"](upstream.n_states), "head": head}
    if not settings["cached"]:
        modules["encoder"] = upstream
    identity = _register(hparams, modules, settings)
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


def open_frames(hparams, folder, of_a_run=()):
    """Build upstream, mix and head of a task that looks at frames.

    Nothing is cached: a frozen upstream is run in each step.

    Arguments
    ---------
    hparams : dict
        As of ``open_upstream``, but for ``cache``.
    folder : pathlib.Path
        The recipe's, which ``upstream`` is relative to.
    of_a_run : sequence of str
        Keys of the task's own that a checkpoint goes on with as they were.

    Raises
    ------
    ValueError
        If the upstream is for another sample rate.

    Example
    -------
    See ``recipes/downstream/GTZAN/train_beats.py``.
    """
    _, settings = _settings(hparams, folder, frames=True)
    upstream = settings["upstream"]
    if settings["cached"]:
        upstream = FrozenUpstream(upstream)
    modules = {
        "encoder": upstream,
        "mix": hparams["mix"](upstream.n_states),
        "head": hparams["head"](upstream.dim, hparams["family"].n_outputs),
    }
    _register(hparams, modules, settings, of_a_run)


def _settings(hparams, folder, **own):
    """Path and objects of the upstream's YAML."""
    path = folder / hparams["upstream"]
    if not path.is_file():
        raise FileNotFoundError(
            f"upstream: {path} is not there; name a YAML by its full path, or "
            f"relative to {folder}"
        )
    settings = read_upstream(path, hparams["upstream_overrides"] | own)
    rate = settings["upstream"].sample_rate
    if rate != hparams["sample_rate"]:
        raise ValueError(
            f"sample_rate: {hparams['sample_rate']}, but the upstream of {path} is "
            f"for {rate}; give --sample_rate {rate}"
        )
    return path, settings


def _data(save_folder):
    """A checksum of the manifests, which name no folder."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(save_folder).glob("*.json")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _register(hparams, modules, settings, of_a_run=()):
    """Put modules where they are trained and saved; what the upstream is."""
    hparams["modules"].update(modules)
    for name, module in modules.items():
        # What never changes is filled again at each start.
        if not isinstance(module, Frozen):
            hparams["checkpointer"].add_recoverable(name, module)
    identity = fingerprint(settings["upstream"])
    setup = Setup(
        upstream=identity,
        data=_data(hparams["save_folder"]),
        family=repr(hparams["family"]),
        head=repr(modules["head"]),
        cached=settings["cached"],
        **{key: hparams[key] for key in (*OF_A_RUN, *of_a_run)},
    )
    hparams["checkpointer"].add_recoverable("setup", setup)
    return identity


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
