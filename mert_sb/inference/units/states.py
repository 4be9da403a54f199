"""States of files: quantised, or a share of them drawn to fit a codebook to.

T frames, N drawn ones, D width.

Authors
 * The mert_sb developers 2026
"""

import torch


def stream_states(encoder, path, **windows):
    """States of a file, piece by piece, if all of them are finite.

    Arguments
    ---------
    encoder : mert_sb.inference.MusicEncoder
        The student.
    path : str or Path
        An audio file.
    **windows : dict
        As of ``encode_stream``; ``layers`` is an index.

    Yields
    ------
    torch.Tensor
        ``(T, D)`` float32 on the CPU, consecutive frames.

    Raises
    ------
    ValueError
        If some are NaN or infinite.

    Example
    -------
    >>> import soundfile
    >>> from mert_sb.inference import MusicEncoder
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> encoder = MusicEncoder({"student": student}, {"sample_rate": 24_000})
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> soundfile.write(path, [0.0] * 48_000, 24_000)
    >>> pieces = stream_states(encoder, path, layers=1)
    >>> [tuple(states.shape) for states in pieces]
    [(149, 16)]
    """
    for piece in encoder.encode_stream(path, **windows):
        if not piece.states.isfinite().all():
            raise ValueError(f"{path}: the student gives NaN or infinity")
        yield piece.states


def draw_states(encoder, path, *, share, generator, **windows):
    """States of a file's frames, of which each is drawn with one probability.

    Arguments
    ---------
    encoder : mert_sb.inference.MusicEncoder
        The student.
    path : str or Path
        An audio file.
    share : float
        The probability.
    generator : torch.Generator
        Of the draws.
    **windows : dict
        As of ``stream_states``.

    Returns
    -------
    torch.Tensor
        ``(N, D)`` float32 on the CPU.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> piece = SimpleNamespace(states=torch.rand(99, 4))
    >>> encoder = SimpleNamespace(encode_stream=lambda path: [piece, piece])
    >>> drawn = draw_states(
    ...     encoder, "a.wav", share=0.5, generator=torch.Generator()
    ... )
    >>> 50 < len(drawn) < 150
    True
    """
    drawn = []
    for states in stream_states(encoder, path, **windows):
        dice = torch.rand(len(states), generator=generator)
        drawn.append(states[dice < share])
    return torch.cat(drawn)


def quantize_file(encoder, codebook, path, *, explained=None, **windows):
    """Units of a file.

    Arguments
    ---------
    encoder : mert_sb.inference.MusicEncoder
        The student.
    codebook : mert_sb.inference.units.Codebook
        On the encoder's device.
    path : str or Path
        An audio file.
    explained : mert_sb.inference.units.measures.Explained, optional
        To count the states and their centroids.
    **windows : dict
        As of ``stream_states``.

    Returns
    -------
    torch.Tensor
        ``(T,)`` int64 on the CPU.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> from mert_sb.inference.units import Codebook
    >>> piece = SimpleNamespace(states=torch.ones(2, 4))
    >>> encoder = SimpleNamespace(
    ...     encode_stream=lambda path: [piece, piece], device="cpu"
    ... )
    >>> codebook = Codebook(torch.eye(4), torch.zeros(4), torch.ones(4))
    >>> quantize_file(encoder, codebook, "a.wav")
    tensor([0, 0, 0, 0])
    """
    units = []
    for states in stream_states(encoder, path, **windows):
        units.append(codebook(states.to(encoder.device)))
        if explained is not None:
            explained.add(states, codebook.states(units[-1]).cpu())
    return torch.cat(units).cpu()
