"""Fitted files: tensors, and beside them what they were fitted on and how.

A fitted file is a safetensors file whose metadata hold, under the name of its kind, the
settings of the fit and its report as JSON. It is written whole or not at all and never
refitted: a second fit with the same settings keeps it, one with others is refused.

B batch, S samples, N frames, F features.

Authors
 * The mert_sb developers 2026
"""

import json
import logging
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mert_sb.progress import Progress
from mert_sb.seeds import item_generator
from mert_sb.teachers.base import file_checksum
from mert_sb.teachers.features import run_features
from mert_sb.texts import parse_json
from mert_sb.writing import whole

logger = logging.getLogger(__name__)


def read_fitted(path, kind, checksum=None):
    """Tensors of a fitted file and what is noted beside them.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.
    kind : str
        What it must be, such as ``"kmeans"``.
    checksum : str, optional
        First digits of its SHA-256.

    Returns
    -------
    tuple of (dict of str to torch.Tensor, dict)
        Tensors; ``settings`` and ``report``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its checksum is another, or it is damaged, of another kind, or does not
        say how it was fitted.

    Example
    -------
    >>> path = getfixture("tmpdir") / "a.safetensors"
    >>> write_fitted(path, "kmeans", {"a": torch.ones(1)}, {}, {"frames": 3})
    >>> read_fitted(path, "kmeans")[1]
    {'settings': {}, 'report': {'frames': 3}}
    """
    found = file_checksum(path)
    if found is None:
        raise FileNotFoundError(
            f"{kind}: there is no file {path}; fit it first, or set the path to one"
        )
    if checksum is not None and not found.startswith(checksum):
        raise ValueError(
            f"{kind}: {path} has SHA-256 {found[:8]}..., not {checksum}...; it was "
            "fitted anew, and its numbers mean something else"
        )
    try:
        with safe_open(path, framework="pt") as file:
            about = (file.metadata() or {}).get(kind)
            fitted = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{kind}: {path} is damaged: {error}") from error
    if about is None:
        raise ValueError(f"{kind}: {path} is no fitted file of this kind")
    about = parse_json(about, path)
    parts = [
        about.get(part) if isinstance(about, dict) else None
        for part in ("settings", "report")
    ]
    if not all(isinstance(part, dict) for part in parts):
        raise ValueError(
            f"{kind}: {path} does not say how it was fitted, being of an earlier "
            "version; delete it to fit anew"
        )
    return fitted, about


def write_fitted(path, kind, tensors, settings, report):
    """Write a fitted file, whole or not at all.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.
    kind : str
        What it is.
    tensors : dict of str to torch.Tensor
        Its content.
    settings : dict
        Of the fit, plain values.
    report : dict
        Of the fit, plain values.

    Raises
    ------
    OSError
        If it cannot be written, on a full disk for example.

    Example
    -------
    >>> path = getfixture("tmpdir") / "b.safetensors"
    >>> write_fitted(path, "kmeans", {"a": torch.ones(1)}, {}, {})
    """
    about = json.dumps({"settings": settings, "report": report})
    tensors = {name: t.cpu().contiguous() for name, t in tensors.items()}
    with whole(path) as aside:
        save_file(tensors, aside, metadata={kind: about})
    _tell(path, kind, report)


def _tell(path, kind, report):
    """Log a fit, a line a codebook."""
    logger.info("%s: %s, fitted to %s frames", kind, path, report.get("frames"))
    pairs = zip(
        report.get("unexplained", ()), report.get("perplexity", ()), strict=True
    )
    for index, (left, number) in enumerate(pairs):
        logger.info(
            "%s: codebook %d leaves %.3f of the variance, perplexity %.0f",
            kind,
            index,
            left,
            number,
        )


def kept_report(path, kind, settings, ranks):
    """The report of a file that is there already.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.
    kind : str
        What it must be.
    settings : dict
        Of the fit that was asked for.
    ranks : Ranks
        The processes; rank 0 looks.

    Returns
    -------
    dict or None
        Its report with ``kept`` True; None if there is no file.

    Raises
    ------
    ValueError
        If it was fitted with other settings.

    Example
    -------
    >>> from mert_sb.teachers.ranks import Ranks
    >>> kept_report("absent", "kmeans", {}, Ranks(False)) is None
    True
    """
    about = None
    if ranks.rank == 0 and Path(path).exists():
        about = read_fitted(path, kind)[1]
    about = ranks.first(about)
    if about is None:
        return None
    faults = disagreements(about["settings"], settings)
    if faults:
        raise ValueError(
            f"{kind}: {path} is there already, but was fitted otherwise: "
            f"{'; '.join(faults)}; give another path, or delete it to fit anew"
        )
    logger.info("%s: %s is there already and is kept", kind, path)
    return {**about["report"], "kept": True}


def disagreements(found, wanted):
    """Where two dictionaries of plain values differ.

    Arguments
    ---------
    found : dict
        From a file.
    wanted : dict
        From the YAML.

    Returns
    -------
    list of str
        One entry a key.

    Example
    -------
    >>> disagreements({"a": 1, "b": [2]}, {"a": 1, "b": (3,)})
    ['b is [2], not [3]']
    """
    wanted = json.loads(json.dumps(wanted))
    if not isinstance(found, dict):
        return [f"it is {found!r}, no table"]
    return [
        f"{key} is {found.get(key)}, not {wanted.get(key)}"
        for key in sorted({*found, *wanted})
        if found.get(key) != wanted.get(key)
    ]


def collect(clips, features, *, kind, share, max_frames, seed, device, ranks):
    """Frames of clips to fit on.

    Arguments
    ---------
    clips : iterable of torch.Tensor
        Batches ``(B, S)``.
    features : nn.Module
        Of the frames; moved to the device.
    kind : str
        What is fitted, for errors.
    share : float
        Of each batch's frames, drawn at random.
    max_frames : int or None
        Frames over all ranks, at which reading stops.
    seed : int
        Of the draw.
    device : str
        Where features are computed and frames are kept.
    ranks : Ranks
        The processes; each reads its own clips.

    Returns
    -------
    torch.Tensor
        ``(n, F)`` float32, this rank's.

    Raises
    ------
    ValueError
        If the share is none, or a feature is not finite.

    Example
    -------
    >>> from mert_sb.teachers import LogMelFrames
    >>> from mert_sb.teachers.ranks import Ranks
    >>> plan = {"kind": "kmeans", "share": 1.0, "max_frames": 9, "seed": 0}
    >>> features = LogMelFrames(24_000, n_mels=64)
    >>> clips = [torch.rand(2, 24_080)]
    >>> collect(clips, features, **plan, device="cpu", ranks=Ranks(False)).shape
    torch.Size([9, 64])
    """
    if not 0 < share <= 1:
        raise ValueError(f"{kind}: share is {share}, not above 0 and at most 1")
    features = features.to(device).eval()
    most = None if max_frames is None else -(-max_frames // ranks.world)
    parts, count = [torch.empty(0, features.dim, device=device)], 0
    with Progress(f"{kind}-frames", most, "frame") as progress:
        for number, wavs in enumerate(clips):
            rows = run_features(features, wavs.to(device)).flatten(0, 1)
            if share < 1:
                dice = item_generator(
                    seed, ranks.rank, str(number), f"{kind}_share"
                )
                drawn = torch.rand(len(rows), generator=dice) < share
                rows = rows[drawn.to(device)]
            if not rows.isfinite().all():
                raise ValueError(
                    f"{kind}: batch {number} of the clips has features that are not "
                    "finite; find the file and leave it out"
                )
            parts.append(rows)
            count += len(rows)
            seconds = wavs.numel() / features.sample_rate
            used = count if most is None else min(count, most)
            progress.update(used - progress.done, seconds=seconds)
            if most is not None and count >= most:
                break
    return torch.cat(parts)[:most]
