"""Frame features: what a teacher looks at, one row a student frame.

A teacher that clusters, projects or regresses takes its features as a module from the
YAML. Any ``nn.Module`` is one that has

- ``sample_rate``, of the clips it takes, in Hz;
- ``dim``, F;
- ``identity``, a dict of plain values: all that its numbers depend on;
- a forward from ``(B, S)`` to ``(B, T, F)``, row t about student frame t and T by
  ``mert_sb.frames``.

A layer of a trained student can be one too; it is wrapped on the floor above, because
wings do not import one another. The features of this wing are ``LogMelFrames``,
``ChromaFrames``, ``MFCCFrames`` and ``CQTFrames``.

B batch, S samples, T student frames, F features.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb import frames

WANTED = ("sample_rate", "dim", "identity")


class FrameFeatures(nn.Module):
    """A base for features; it only keeps what every teacher asks for.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    dim : int
        F.
    settings : dict
        Plain values that the features depend on, the rate aside.

    Example
    -------
    >>> FrameFeatures(sample_rate=16_000, dim=8, settings={"layer": 6}).identity
    {'features': 'FrameFeatures', 'sample_rate': 16000, 'layer': 6}
    """

    def __init__(self, *, sample_rate, dim, settings):
        super().__init__()
        self.sample_rate = sample_rate
        self.dim = dim
        self.identity = {
            "features": type(self).__name__,
            "sample_rate": sample_rate,
            **settings,
        }


def check_features(features, sample_rate):
    """Refuse a module that is no features, or is for another rate.

    Arguments
    ---------
    features : nn.Module
        From the YAML.
    sample_rate : int
        The student's, in Hz.

    Returns
    -------
    nn.Module
        The features.

    Raises
    ------
    TypeError
        If it is no module or lacks an attribute.
    ValueError
        If its rate is another.

    Example
    -------
    >>> check_features(nn.Linear(2, 2), 24_000)
    Traceback (most recent call last):
        ...
    TypeError: features: Linear has no sample_rate, dim, identity; ...
    """
    name = type(features).__name__
    if not isinstance(features, nn.Module):
        raise TypeError(
            f"features: a module is needed (!new: in the YAML), not {name}"
        )
    missing = [key for key in WANTED if getattr(features, key, None) is None]
    if missing:
        raise TypeError(
            f"features: {name} has no {', '.join(missing)}; what features must "
            "have is said in mert_sb/teachers/features.py"
        )
    if features.sample_rate != sample_rate:
        raise ValueError(
            f"features: {name} is for {features.sample_rate} Hz, but sample_rate "
            f"is {sample_rate}"
        )
    return features


@torch.no_grad()
def run_features(features, wavs):
    """Features of clips in float32, one row a student frame or none at all.

    Arguments
    ---------
    features : nn.Module
        As above.
    wavs : torch.Tensor
        ``(B, S)``.

    Returns
    -------
    torch.Tensor
        ``(B, T, F)`` float32.

    Raises
    ------
    ValueError
        If the module gives another number of frames or features.

    Example
    -------
    >>> from mert_sb.teachers import LogMelFrames
    >>> run_features(LogMelFrames(24_000, n_mels=64), torch.rand(1, 400)).shape
    torch.Size([1, 1, 64])
    """
    with torch.autocast(wavs.device.type, enabled=False):
        rows = features(wavs.float()).float()
    wanted = (len(wavs), frames.n_frames(wavs.shape[-1]), features.dim)
    if tuple(rows.shape) != wanted:
        raise ValueError(
            f"features: {type(features).__name__} gives {tuple(rows.shape)} for "
            f"clips of {wavs.shape[-1]} samples; one row a student frame would be "
            f"{wanted}"
        )
    return rows
