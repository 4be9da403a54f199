"""From a trained Brain of a clip-level task to its inference folder.

Authors
 * The mert_sb developers 2026
"""

import json
from pathlib import Path

import torch
from speechbrain.utils.distributed import if_main_process

from mert_sb.audio.rows import read_rows
from mert_sb.downstream.cache import fingerprint
from mert_sb.downstream.open import read_upstream
from mert_sb.downstream.probe import ProbeHead, StateMix
from mert_sb.downstream.tracks import STRATEGIES
from mert_sb.downstream.upstreams import PooledStates
from mert_sb.inference.merging import plain_upstream
from mert_sb.inference.task_card import task_card
from mert_sb.inference.tasks import MEL, MERT_STATES, Task, write_task
from mert_sb.store import Shelf

# Names of classes: importing them takes the libraries of the metrics.
FAMILY_NAMES = {
    "SingleLabel": "single_label",
    "Key": "key",
    "MultiLabel": "multi_label",
    "Regression": "regression",
}


def export_task(brain, labels, recipe, *, licence=None):
    """Write ``<output_folder>/inference`` of the checkpoint that was tested.

    On the main process; with ``--debug``, where nothing is trained, not at all.

    Arguments
    ---------
    brain : mert_sb.downstream.clip.ClipBrain
        After evaluation.
    labels : sequence of str
        Names of the outputs, in their order.
    recipe : pathlib.Path
        The recipe's folder, which names the data and which ``upstream`` is relative
        to.
    licence : str, optional
        Of the weights, a Hub identifier, for the model card.

    Returns
    -------
    pathlib.Path or None
        The folder, where one was written.

    Raises
    ------
    ValueError
        If mix, head or upstream are modules of other kinds than the package's, or
        the number of labels is not that of the outputs.

    Example
    -------
    See ``recipes/downstream/GTZAN/train.py``.

    >>> from types import SimpleNamespace
    >>> export_task(SimpleNamespace(debug=True), ["rock"], Path("GTZAN"))
    """
    if brain.debug or not if_main_process():
        return None
    modules = brain.checkpointer.recoverables
    mix, head = modules["mix"], modules["head"]
    layer, hidden_dim = probe_settings(mix, head, len(labels))
    upstream = _upstream(brain, Path(recipe))
    is_student = isinstance(upstream, PooledStates)
    kind = {"kind": MERT_STATES} if is_student else _mel(upstream)
    task = Task(
        family=_family(brain),
        labels=list(labels),
        layer=layer,
        sample_rate=upstream.sample_rate,
        aggregation=_aggregation(brain),
        states_dtype=_states_dtype(brain),
        upstream=kind,
        results={split: brain.results[split] for split in ("valid", "test")},
        hidden_dim=hidden_dim,
        **_cutting(brain),
        scale=_scale(brain),
    )
    folder = Path(brain.hparams.output_folder) / "inference"
    card = task_card(
        task,
        data=Path(recipe).resolve().name,
        encoder=upstream.encoder.settings if is_student else None,
        licence=licence,
    )
    probe = torch.nn.ModuleDict({"mix": mix, "head": head}).state_dict()
    student = upstream.encoder if is_student else None
    write_task(task, probe, student, folder, card)
    return folder


def _family(brain):
    """The family's name."""
    name = type(brain.hparams.family).__name__
    if name not in FAMILY_NAMES:
        raise ValueError(
            f"family: a {name} cannot be written as an inference folder; "
            f"{', '.join(FAMILY_NAMES)} can"
        )
    return FAMILY_NAMES[name]


def probe_settings(mix, head, n_labels):
    """What mix and head are built from.

    Arguments
    ---------
    mix : StateMix
        As trained.
    head : ProbeHead
        As trained.
    n_labels : int
        Outputs that the head must have.

    Returns
    -------
    tuple of (int or str, int or None)
        Layer and hidden width.

    Raises
    ------
    ValueError
        If they are modules of other kinds, or of other outputs.

    Example
    -------
    >>> probe_settings(StateMix(3, "mix"), ProbeHead(8, 2, hidden_dim=4), 2)
    ('mix', 4)
    """
    for module, kind in ((mix, StateMix), (head, ProbeHead)):
        if type(module) is not kind:
            raise ValueError(
                f"a {type(module).__name__} cannot be written as an inference "
                f"folder, a {kind.__name__} can"
            )
    if head[-1].out_features != n_labels:
        raise ValueError(
            f"labels: {n_labels} for {head[-1].out_features} outputs"
        )
    layer = mix.layer
    if layer is None:
        layer = "mix" if mix.first else "mix0"
    return layer, head[0].out_features if len(head) > 1 else None


def _upstream(brain, recipe):
    """The upstream of the states that the probe was trained on."""
    hparams = brain.hparams
    if "encoder" in brain.modules:
        learned = brain.checkpointer.recoverables
        return plain_upstream(learned.get("encoder", brain.modules["encoder"]))
    path = recipe / hparams.upstream
    upstream = read_upstream(path, hparams.upstream_overrides)["upstream"]
    # A source may have changed since its states were cached.
    Shelf(hparams.cache["folder"], fingerprint(upstream))
    return plain_upstream(upstream)


def _mel(upstream):
    """A baseline's settings."""
    given = {k: v for k, v in upstream.settings.items() if v is not None}
    return {"kind": MEL, **given}


def _aggregation(brain):
    """How a track's windows were put together for the test."""
    if _family(brain) != "key":
        return "logits"
    valid = brain.results["valid"]
    return max(STRATEGIES, key=lambda name: valid[f"key_score_{name}"])


def _states_dtype(brain):
    """Precision of the states that the probe was tested on."""
    cached = "encoder" not in brain.modules
    return brain.hparams.cache["dtype"] if cached else "float32"


def _cutting(brain):
    """How files were cut, as the clips show that were made."""
    rate, lengths = brain.hparams.sample_rate, set()
    for split in ("train", "valid", "test"):
        path = Path(brain.hparams.save_folder) / f"{split}.json"
        rows = read_rows(path).values()
        lengths.update(row["length"] for row in rows)
    shortest, longest = min(lengths) / rate, max(lengths) / rate
    prepare = brain.hparams.prepare
    tail = prepare.get("min_tail_seconds") or shortest
    return {
        "clip_seconds": longest,
        "min_tail_seconds": min(tail, longest),
        "max_seconds": prepare.get("max_seconds"),
    }


def _scale(brain):
    """What the targets were scaled by, if the preparation says it."""
    path = Path(brain.hparams.save_folder) / "scale.json"
    if not path.is_file():
        return None
    scale = json.loads(path.read_text(encoding="utf-8"))
    return {"mean": scale["mean"], "std": scale["std"]}
