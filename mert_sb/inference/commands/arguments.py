"""Values of options, read from the command line.

Authors
 * The mert_sb developers 2026
"""

import argparse
import math

import torch

from mert_sb.inference.chunks import frame_counts


def layers(text):
    """A choice of layers.

    Arguments
    ---------
    text : str
        ``all``, ``mean``, an index, or several with commas.

    Returns
    -------
    None, str, int or list of int
        As ``encode_file`` takes it.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is something else.

    Example
    -------
    >>> layers("all"), layers("mean"), layers("6"), layers("6,-1")
    (None, 'mean', 6, [6, -1])
    """
    if text in ("all", "mean"):
        return None if text == "all" else text
    try:
        indices = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of all, mean, an index such as 6, several as 6,7"
        ) from error
    return indices if "," in text else indices[0]


def known_layers(chosen, num_layers):
    """A choice of layers, its indices checked and none negative.

    Arguments
    ---------
    chosen : None, str, int or list of int
        From ``layers``.
    num_layers : int
        L of the model.

    Returns
    -------
    None, str, int or list of int
        The same choice.

    Raises
    ------
    ValueError
        If there is no such layer.

    Example
    -------
    >>> known_layers([0, -1], num_layers=12)
    [0, 12]
    """
    if chosen is None or chosen == "mean":
        return chosen
    indices = [chosen] if isinstance(chosen, int) else chosen
    for index in indices:
        if not -num_layers - 1 <= index <= num_layers:
            raise ValueError(
                f"--layers: there is no {index}: the model has states 0 (the "
                f"input of its first layer) to {num_layers}"
            )
    known = [index % (num_layers + 1) for index in indices]
    return known[0] if isinstance(chosen, int) else known


def number(least):
    """A reader of whole numbers.

    Arguments
    ---------
    least : int
        The smallest allowed.

    Returns
    -------
    callable
        For argparse's ``type``.

    Example
    -------
    >>> number(1)("3")
    3
    """

    def whole(text):
        value = int(text) if text.lstrip("+-").isdecimal() else None
        if value is None or value < least:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least}"
            )
        return value

    return whole


def seconds(text):
    """A length of time.

    Arguments
    ---------
    text : str
        A number, or ``none``.

    Returns
    -------
    float or None
        In seconds.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is something else.

    Example
    -------
    >>> seconds("30"), seconds("none")
    (30.0, None)
    """
    if text == "none":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def check_chunks(chunk_seconds, overlap_seconds, sample_rate, subsample=1):
    """Refuse lengths of windows that no file could be cut into.

    Arguments
    ---------
    chunk_seconds : float or None
        Length of a window; None: files in one pass.
    overlap_seconds : float or None
        What neighbouring windows share.
    sample_rate : int
        The model's, in Hz.
    subsample : int
        The model's.

    Raises
    ------
    ValueError
        If a window has no frame, or would not move on.

    Example
    -------
    >>> check_chunks(5.0, 5.0, 24_000)
    Traceback (most recent call last):
        ...
    ValueError: --overlap-seconds: 5.0 is not between 0 and chunk-seconds, 5.0
    """
    try:
        # "none" is for chunks; for the overlap it says nothing.
        overlap = math.nan if overlap_seconds is None else overlap_seconds
        frame_counts(sample_rate, chunk_seconds, overlap, subsample)
    except ValueError as error:
        named = str(error).replace("_seconds", "-seconds")
        raise ValueError(f"--{named}") from error


def device(text):
    """A device that is there.

    Arguments
    ---------
    text : str
        As torch names it.

    Returns
    -------
    str
        With an index, where it is a GPU of CUDA.

    Raises
    ------
    argparse.ArgumentTypeError
        If torch does not know it or see it.

    Example
    -------
    >>> device("cpu")
    'cpu'
    """
    try:
        chosen = torch.device(text)
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no device") from error
    if chosen.type != "cuda":
        return text
    index = chosen.index or 0
    if index >= torch.cuda.device_count():
        raise argparse.ArgumentTypeError(
            f"{text!r}: torch sees {torch.cuda.device_count()} GPUs; give cpu"
        )
    # SpeechBrain warns where there is no index.
    return f"cuda:{index}"
