"""From a trained ``SeparationBrain`` to its inference folder.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import torch
import yaml
from speechbrain.utils.distributed import if_main_process

from mert_sb.downstream.separation.head import StemHeads, StemMixes
from mert_sb.downstream.upstreams import FrameStates
from mert_sb.inference.card import UNSAID
from mert_sb.inference.merging import plain_upstream
from mert_sb.inference.separation.task import SeparationTask
from mert_sb.inference.tasks import MEL_FRAMES, MERT_STATES, write_task

CARD = """\
---
{header}---

# {data}: separation into {stems}

Masks of a spectrogram, made of frames of {upstream}.
Trained with mert_sb, a SpeechBrain plug-in.

```python
from mert_sb.inference import Separator

separator = Separator.from_folder("this/folder")
separator.separate_file("song.mp3", "stems")  # a WAV file a stem
```

On the command line: `mert-sb separate this/folder song.mp3`.

| | |
|---|---|
| stems | {stems} |
| states | {states} |
| masks | {sample_rate} Hz, {n_fft} samples a window; applied at the file's own rate |
| windows | {window_seconds} s, of which neighbours share {overlap_seconds} s |
| filter | {wiener} |

## Data

{data}, prepared and split by `recipes/downstream/{recipe}` of mert_sb, {terms}.

## Metrics

SDR in dB, over whole songs at {sample_rate} Hz; `mixture_sdr` is that of the mixture taken
for the stem.

| split | metric | value |
|---|---|---|
{metrics}

## Licence

{licence}
"""


def export_separation(brain, recipe, *, data=None, licence=None):
    """Write ``<output_folder>/inference`` of the checkpoint that was tested.

    On the main process; with ``--debug``, where nothing is trained, not at all.

    Arguments
    ---------
    brain : mert_sb.downstream.separation.brain.SeparationBrain
        After evaluation.
    recipe : pathlib.Path
        The recipe's folder, which names the data.
    data : str, optional
        Name of a collection that is not the recipe's own.
    licence : str, optional
        Of the weights, a Hub identifier, for the model card.

    Returns
    -------
    pathlib.Path or None
        The folder, where one was written.

    Raises
    ------
    ValueError
        If mix, head or upstream are of other kinds than the package's.

    Example
    -------
    See ``recipes/downstream/MUSDB18/train.py``.

    >>> from types import SimpleNamespace
    >>> export_separation(SimpleNamespace(debug=True), Path("MUSDB18"))
    """
    if brain.debug or not if_main_process():
        return None
    # As they were before several processes wrapped them; a frozen encoder is in no
    # checkpoint, and is never wrapped.
    trained = brain.checkpointer.recoverables
    mix, head = trained["mix"], trained["head"]
    for module, kind in ((mix, StemMixes), (head, StemHeads)):
        if type(module) is not kind:
            raise ValueError(
                f"a {type(module).__name__} cannot be written as an inference "
                f"folder, a {kind.__name__} can"
            )
    upstream = plain_upstream(
        trained["encoder"] if "encoder" in trained else brain.modules.encoder
    )
    student = upstream.encoder if isinstance(upstream, FrameStates) else None
    task = _task(brain, mix, head, upstream)
    folder = Path(brain.hparams.output_folder) / "inference"
    probe = torch.nn.ModuleDict({"mix": mix, "head": head}).state_dict()
    card = _card(task, Path(recipe).resolve().name, data, student, licence)
    write_task(task, probe, student, folder, card)
    return folder


def _task(brain, mix, head, upstream):
    """What ``task.json`` is to say."""
    lstm, layer = head[0].lstm, mix[0].layer
    if layer is None:
        layer = "mix" if mix[0].first else "mix0"
    kind = {"kind": MERT_STATES}
    if not isinstance(upstream, FrameStates):
        given = {k: v for k, v in upstream.settings.items() if v is not None}
        kind = {"kind": MEL_FRAMES, **given}
    hparams = brain.hparams
    wiener = hparams.wiener
    return SeparationTask(
        stems=hparams.family.stems,
        layer=layer,
        sample_rate=upstream.sample_rate,
        n_fft=hparams.n_fft,
        hidden_dim=lstm.input_size,
        n_layers=lstm.num_layers,
        bidirectional=lstm.bidirectional,
        window_seconds=hparams.window_seconds,
        overlap_seconds=hparams.overlap_seconds,
        upstream=kind,
        results={split: brain.results[split] for split in ("valid", "test")},
        wiener=None if wiener is None else wiener.settings,
    )


def _card(task, recipe, data, student, licence):
    """The text of ``README.md``; what is not given is said to be unknown."""
    header = {
        "library_name": "speechbrain",
        "pipeline_tag": "audio-to-audio",
        "tags": ["audio", "music", "source-separation", "mert_sb"],
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
        f"| {split} | {name} | {_number(value)} |"
        for split, metrics in task.results.items()
        for name, value in metrics.items()
    ]
    mixed = task.layer in ("mix", "mix0")
    wiener = "none"
    if task.wiener is not None:
        wiener = f"Wiener, {task.wiener['iterations']} iterations"
    return CARD.format(
        header=yaml.safe_dump(header, sort_keys=False),
        data=data or recipe,
        recipe=recipe,
        terms="whose README has its source and terms"
        if data is None
        else "which is made for other songs: its terms are for its owner to say",
        stems=", ".join(task.stems),
        upstream=upstream,
        states="a learned mix a stem" if mixed else f"number {task.layer}",
        metrics="\n".join(rows),
        licence=licence or f"{UNSAID} The terms of encoder and data apply.",
        wiener=wiener,
        **{
            key: getattr(task, key)
            for key in (
                "sample_rate",
                "n_fft",
                "window_seconds",
                "overlap_seconds",
            )
        },
    )


def _number(value):
    """A metric in words: of stems that are silent in all songs there is none."""
    return "silent" if value is None else f"{float(value):.4g}"
