"""The model card of a task's inference folder.

Authors
 * The mert_sb developers 2026
"""

import yaml

from mert_sb.inference.card import UNSAID

TEMPLATE = """\
---
{header}---

# {title}

A {probe} on {upstream}, trained with mert_sb, a SpeechBrain plug-in.

```python
from mert_sb.inference import {interface}

model = {interface}.from_folder("this/folder")
model.predict_file("song.mp3")  # {gives}
```

On the command line: `mert-sb predict this/folder song.mp3`.

| | |
|---|---|
| states | {states} |
| sample rate | {sample_rate} Hz, mono |
| windows | {windows} |
| a file's windows | {aggregation} |

## Outputs

{labels}

## Data

{data}, prepared and split by `recipes/downstream/{data}` of mert_sb, whose README has its
source and terms.

## Metrics

{metrics}

## Licence

{licence}
"""
# Family -> class to open it with, and what that gives.
INTERFACES = {
    "single_label": ("MusicClassifier", "label -> probability"),
    "key": ("KeyEstimator", "key -> probability"),
    "multi_label": ("MusicTagger", "tag -> probability"),
    "regression": ("EmotionRegressor", "name -> number"),
}
# How outputs of a file's windows are put together, in words.
WAYS = {
    "logits": "mean of their outputs",
    "vote": "vote of their highest classes",
    "max": "highest logit of any",
    "gmean": "mean of their log-probabilities",
    "mean": "mean of their probabilities",
}


def task_card(task, *, data, encoder=None, licence=None):
    """The text of ``README.md``.

    Arguments
    ---------
    task : mert_sb.inference.tasks.Task
        The settings.
    data : str
        Name of the data's recipe.
    encoder : dict, optional
        Settings of the student, where the upstream is one.
    licence : str, optional
        Of the weights, a Hub identifier.

    Returns
    -------
    str
        Markdown with the Hub's YAML header. What is not given is said to be
        unknown, never left out.

    Example
    -------
    >>> from mert_sb.inference.tasks import Task
    >>> task = Task(
    ...     *(
    ...         "single_label",
    ...         ["rock", "pop"],
    ...         "mix",
    ...         24_000,
    ...         30.0,
    ...         1.0,
    ...         "logits",
    ...     ),
    ...     *("float16", {"kind": "mert"}, {"test": {"accuracy": 0.5}}),
    ... )
    >>> card = task_card(task, data="GTZAN", licence="cc0-1.0")
    >>> "license: cc0-1.0" in card, "| test | accuracy | 0.5 |" in card
    (True, True)
    """
    interface, gives = INTERFACES[task.family]
    header = {
        "library_name": "speechbrain",
        "pipeline_tag": "audio-classification",
        "tags": ["audio", "music", "mert_sb", "speechbrain", task.family],
    }
    if licence:
        header["license"] = licence
    return TEMPLATE.format(
        header=yaml.safe_dump(header, sort_keys=False),
        title=f"{data}: {len(task.labels)} outputs, {task.family}",
        probe="linear probe" if task.hidden_dim is None else "probe",
        upstream=_upstream(task, encoder),
        interface=interface,
        gives=gives,
        states=f"{_states(task.layer)}; mean over time",
        sample_rate=task.sample_rate,
        windows=_windows(task),
        aggregation=WAYS[task.aggregation],
        labels=", ".join(task.labels),
        data=data,
        metrics=_table(task.results),
        licence=licence or f"{UNSAID} The terms of encoder and data apply.",
    )


def _upstream(task, encoder):
    """What the probe stands on, in words."""
    if encoder is None:
        bands = "MFCC" if "n_mfcc" in task.upstream else "log-mel"
        return f"{bands} statistics"
    layers, dim = encoder["num_layers"], encoder["embed_dim"]
    return f"a MERT of {layers} layers of width {dim}, which is in this folder"


def _states(layer):
    """Which states the probe looks at, in words."""
    if layer in ("mix", "mix0"):
        first = 1 if layer == "mix" else 0
        return f"learned mix of all from {first}"
    return f"number {layer}"


def _windows(task):
    """How files are cut, in words."""
    text = (
        f"{task.clip_seconds:g} s, a last one from {task.min_tail_seconds:g} s"
    )
    if task.max_seconds is not None:
        text += f"; of a file the first {task.max_seconds:g} s"
    return text


def _table(results):
    """Numbers as a Markdown table."""
    rows = [
        f"| {split} | {name} | {float(value):.4g} |"
        for split, metrics in results.items()
        for name, value in metrics.items()
    ]
    if not rows:
        return UNSAID
    return "\n".join(["| split | metric | value |", "|---|---|---|", *rows])
