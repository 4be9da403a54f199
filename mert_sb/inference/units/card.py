"""The model card of an inference folder of units.

Authors
 * The mert_sb developers 2026
"""

import yaml

from mert_sb import frames
from mert_sb.inference.card import UNSAID

TEMPLATE = """\
---
{header}---

# {name}

Discrete units of music: states of a MERT, which is in this folder, quantised by k-means,
and tokens over the units by SentencePiece (acoustic BPE). Made with mert_sb, a
SpeechBrain plug-in.

```python
from mert_sb.inference.units import UnitEncoder

encoder = UnitEncoder.from_folder("this/folder")
units, tokens, starts, ends = encoder.encode_file("song.mp3")
encoder.decode(tokens)  # {decoded}
encoder.reconstruct(units)  # the centroids' states, (frames, {width})
```

On the command line: `mert-sb units this/folder song.mp3 --output tokens`.

| | |
|---|---|
| student | {layers} layers of width {width} |
| states | number {layer} (0 is the input of the first layer) |
| sample rate | {sample_rate} Hz, mono |
| units | {codebook_size}, {frame_rate:g} a second |
| strings | {strings} |
| tokens | {vocab_size}, of which 0 is never used |
| long files | {windows} |

## Data

{data}

## Measured

{results}

## Licence

{licence}
"""


def units_card(settings, student, *, name="Units", data=None, licence=None):
    """The text of ``README.md``.

    Arguments
    ---------
    settings : mert_sb.inference.units.UnitSettings
        The folder's.
    student : dict
        The student's settings.
    name : str
        Title.
    data : str, optional
        What the units were fitted on.
    licence : str, optional
        Of student, units and tokens, a Hub identifier.

    Returns
    -------
    str
        Markdown with the Hub's YAML header. What is not given is said to be
        unknown, never left out.

    Example
    -------
    >>> from mert_sb.inference.units.settings import UnitSettings
    >>> results = {"valid": {"perplexity": 410.0}}
    >>> settings = UnitSettings(
    ...     7, 500, 5000, True, 24_000, 3.0, {}, results, 30.0
    ... )
    >>> student = {"num_layers": 12, "embed_dim": 768, "subsample": 1}
    >>> card = units_card(settings, student)
    >>> "| valid | perplexity | 410 |" in card
    True
    """
    header = {
        "library_name": "speechbrain",
        "pipeline_tag": "feature-extraction",
        "tags": ["audio", "music", "mert_sb", "speechbrain", "discrete-units"],
    }
    if licence:
        header["license"] = licence
    collapsed = settings.collapse
    return TEMPLATE.format(
        header=yaml.safe_dump(header, sort_keys=False),
        name=name,
        decoded="the units, repeated ones once"
        if collapsed
        else "the units again",
        layers=student["num_layers"],
        width=student["embed_dim"],
        frame_rate=frames.frame_rate(
            settings.sample_rate, student["subsample"]
        ),
        strings="a repeated unit counts once" if collapsed else "of all units",
        windows=_windows(settings),
        data=data or UNSAID,
        licence=licence or f"{UNSAID} The terms of student and data apply.",
        **{
            key: getattr(settings, key)
            for key in ("layer", "sample_rate", "codebook_size", "vocab_size")
        },
        results=_table(settings.results),
    )


def _windows(settings):
    """How long files are encoded, in words."""
    if settings.chunk_seconds is None:
        return "in one pass"
    return (
        f"in windows of {settings.chunk_seconds:g} s that share "
        f"{settings.overlap_seconds:g} s"
    )


def _table(results):
    """Numbers as a Markdown table."""
    rows = [
        f"| {split} | {name} | {float(value):.4g} |"
        for split, measured in results.items()
        for name, value in measured.items()
    ]
    if not rows:
        return UNSAID
    return "\n".join(["| split | | value |", "|---|---|---|", *rows])
