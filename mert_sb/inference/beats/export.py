"""From a trained ``BeatBrain`` to its inference folder.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import torch
import yaml
from speechbrain.utils.distributed import if_main_process

from mert_sb.audio.rows import read_rows
from mert_sb.downstream.upstreams import FrameStates
from mert_sb.inference.beats.task import BeatTask, describe_decoder
from mert_sb.inference.card import UNSAID
from mert_sb.inference.merging import plain_upstream
from mert_sb.inference.task_export import probe_settings
from mert_sb.inference.tasks import MEL_FRAMES, MERT_STATES, write_task

CARD = """\
---
{header}---

# {data}: beats and downbeats

A probe on frames of {upstream}, trained with mert_sb, a SpeechBrain plug-in.

```python
from mert_sb.inference import BeatTracker

tracker = BeatTracker.from_folder("this/folder")
tracker.track_file("song.mp3")  # beats, downbeats, positions, tempo
```

On the command line: `mert-sb beats this/folder song.mp3`.

| | |
|---|---|
| states | {states} |
| sample rate | {sample_rate} Hz, mono |
| decoder | {decoder} |
| windows | files longer than {clip_seconds:g} s are cut, overlapping |

## Data

{data}, prepared and split by `recipes/downstream/{data}` of mert_sb, whose README has its
source and terms.

## Metrics

| split | metric | value |
|---|---|---|
{metrics}

## Licence

{licence}
"""


def export_beats(brain, recipe, *, licence=None):
    """Write ``<output_folder>/inference`` of the checkpoint that was tested.

    On the main process; with ``--debug``, where nothing is trained, not at all.

    Arguments
    ---------
    brain : mert_sb.downstream.beats.brain.BeatBrain
        After evaluation.
    recipe : pathlib.Path
        The recipe's folder, which names the data.
    licence : str, optional
        Of the weights, a Hub identifier, for the model card.

    Returns
    -------
    pathlib.Path or None
        The folder, where one was written.

    Raises
    ------
    ValueError
        If mix, head, upstream or decoder are of other kinds than the package's.

    Example
    -------
    See ``recipes/downstream/GTZAN/train_beats.py``.

    >>> from types import SimpleNamespace
    >>> export_beats(SimpleNamespace(debug=True), Path("GTZAN"))
    """
    if brain.debug or not if_main_process():
        return None
    # As they were before several processes wrapped them; a frozen encoder is in no
    # checkpoint, and is never wrapped.
    trained = brain.checkpointer.recoverables
    mix, head = trained["mix"], trained["head"]
    upstream = plain_upstream(
        trained["encoder"] if "encoder" in trained else brain.modules.encoder
    )
    student = upstream.encoder if isinstance(upstream, FrameStates) else None
    layer, hidden_dim = probe_settings(mix, head, head[-1].out_features)
    task = BeatTask(
        layer=layer,
        sample_rate=upstream.sample_rate,
        clip_seconds=_longest(brain) / upstream.sample_rate,
        decoder=describe_decoder(brain.hparams.family.decoder),
        upstream=_describe(upstream, student),
        results={split: brain.results[split] for split in ("valid", "test")},
        hidden_dim=hidden_dim,
    )
    folder = Path(brain.hparams.output_folder) / "inference"
    probe = torch.nn.ModuleDict({"mix": mix, "head": head}).state_dict()
    card = _card(task, Path(recipe).resolve().name, student, licence)
    write_task(task, probe, student, folder, card)
    return folder


def _longest(brain):
    """Samples of the longest clip that the recipe looks at as a whole."""
    lengths = []
    for split in ("valid", "test"):
        path = Path(brain.hparams.save_folder) / f"{split}.json"
        rows = read_rows(path).values()
        lengths += [row["length"] for row in rows]
    return max(lengths)


def _describe(upstream, student):
    """An upstream's settings; a student's are with its weights."""
    if student is not None:
        return {"kind": MERT_STATES}
    given = {k: v for k, v in upstream.settings.items() if v is not None}
    return {"kind": MEL_FRAMES, **given}


def _card(task, data, student, licence):
    """The text of ``README.md``; what is not given is said to be unknown."""
    header = {
        "library_name": "speechbrain",
        "tags": ["audio", "music", "beat-tracking", "mert_sb", "speechbrain"],
    }
    if licence:
        header["license"] = licence
    upstream = "MFCC" if "n_mfcc" in task.upstream else "log-mel bands"
    if student is not None:
        layers, dim = (student.settings[k] for k in ("num_layers", "embed_dim"))
        upstream = (
            f"a MERT of {layers} layers of width {dim}, which is in this folder"
        )
    rows = [
        f"| {split} | {name} | {float(value):.4g} |"
        for split, metrics in task.results.items()
        for name, value in metrics.items()
    ]
    mixed = task.layer in ("mix", "mix0")
    return CARD.format(
        header=yaml.safe_dump(header, sort_keys=False),
        data=data,
        upstream=upstream,
        states="learned mix" if mixed else f"number {task.layer}",
        sample_rate=task.sample_rate,
        decoder=", ".join(f"{k} {v}" for k, v in task.decoder.items()),
        clip_seconds=task.clip_seconds,
        metrics="\n".join(rows),
        licence=licence or f"{UNSAID} The terms of encoder and data apply.",
    )
