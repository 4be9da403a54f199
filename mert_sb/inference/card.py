"""The model card: what a reader on the Hub must know before using the weights.

Authors
 * The mert_sb developers 2026
"""

import yaml

from mert_sb import frames

TEMPLATE = """\
---
{header}---

# {name}

A music encoder in the manner of MERT ([arXiv 2306.00107](https://arxiv.org/abs/2306.00107)),
trained with mert_sb, a SpeechBrain plug-in.

```python
from mert_sb.inference import MusicEncoder

encoder = MusicEncoder.from_hparams("{source}")
states, times = encoder.encode_file("song.mp3")  # (layers + 1, frames, width), seconds
```

| | |
|---|---|
| parameters | {size:.1f} million |
| layers, width | {num_layers}, {embed_dim} |
| sample rate | {sample_rate} Hz, mono |
| frames | {frame_rate:g} a second |
| wavs normalised | {normalized} |

## Data

{data}

## Teachers

{teachers}

## Metrics

{metrics}

## Licence

{licence}
"""
UNSAID = "Not said by whoever trained it."


def model_card(
    settings,
    state,
    *,
    name="Music encoder",
    source="this/folder",
    data=None,
    teachers=None,
    licence=None,
    metrics=None,
):
    """The text of ``README.md``.

    Arguments
    ---------
    settings : dict
        The student's.
    state : dict of str to torch.Tensor
        Its weights, to count them.
    name : str
        Title.
    source : str
        Folder or Hub id in the example.
    data : str, optional
        What it was trained on, and how much.
    teachers : iterable of str, optional
        What it learned to predict.
    licence : str, optional
        Of the weights, a Hub identifier such as ``cc-by-nc-4.0``.
    metrics : dict of str to float, optional
        Held-out numbers.

    Returns
    -------
    str
        Markdown with the Hub's YAML header. What is not given is said to be
        unknown, never left out.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> settings, state = student.settings, student.state_dict()
    >>> card = model_card(
    ...     settings, state, licence="cc0-1.0", metrics={"loss": 1.5}
    ... )
    >>> "license: cc0-1.0" in card, "| loss | 1.5 |" in card
    (True, True)
    """
    header = {
        "library_name": "speechbrain",
        "pipeline_tag": "feature-extraction",
        "tags": ["audio", "music", "mert", "mert_sb", "speechbrain"],
    }
    if licence:
        header["license"] = licence
    size = sum(tensor.numel() for tensor in state.values())
    if isinstance(teachers, str):
        teachers = [teachers]
    return TEMPLATE.format(
        header=yaml.safe_dump(header, sort_keys=False),
        name=name,
        source=source,
        size=size / 1e6,
        frame_rate=frames.frame_rate(
            settings["sample_rate"], settings["subsample"]
        ),
        normalized="yes, by the encoder"
        if settings["normalize_wavs"]
        else "no",
        data=data or UNSAID,
        teachers=", ".join(teachers or ()) or UNSAID,
        metrics=_table(metrics) if metrics else UNSAID,
        licence=licence or UNSAID,
        **{
            key: settings[key]
            for key in ("num_layers", "embed_dim", "sample_rate")
        },
    )


def _table(metrics):
    """Numbers as a Markdown table."""
    rows = [
        f"| {str(name).replace('|', '/')} | {float(value):.4g} |"
        for name, value in metrics.items()
    ]
    return "\n".join(["| held out | value |", "|---|---|", *rows])
