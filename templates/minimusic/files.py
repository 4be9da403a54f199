"""The shelf: FLAC files that are complete or absent.

Each file carries the digest of the piece it was made from, so that one left by
another seed or another version of the composer is made anew.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import json
import os

import soundfile

from pieces import SAMPLE_RATE

RENDERING = 1  # raise it when the same piece gives other samples


def fingerprint(piece, font=None):
    """What a file of the piece must carry to be the file of this piece.

    Arguments
    ---------
    piece : pieces.Piece
        The piece.
    font : str, optional
        Checksum of another SoundFont 2 file than TimGM6mb.

    Returns
    -------
    str
        Digest of its labels and of the way it is rendered.
    """
    made = [RENDERING, piece.labels()]
    if font is not None:
        made.append(font)
    text = json.dumps(made, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def write_flac(path, audio, mark, *, scratch):
    """Write 16-bit FLAC so that a half-written file never bears the name.

    Arguments
    ---------
    path : pathlib.Path
        The file; its folder is made.
    audio : numpy.ndarray
        ``(n_samples,)`` int16 at 24 kHz.
    mark : str
        Kept in the file's comment.
    scratch : pathlib.Path
        Folder on the same disk for the file in the making.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = scratch / f"{path.parent.name}-{path.name}"
    with soundfile.SoundFile(
        unfinished, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC"
    ) as file:
        file.comment = mark
        file.write(audio)
    os.replace(unfinished, path)


def is_complete(path, n_samples, mark):
    """Whether a file holds what ``write_flac`` would write there.

    Arguments
    ---------
    path : pathlib.Path
        The file.
    n_samples : int
        Its expected length.
    mark : str
        Its expected comment.

    Returns
    -------
    bool
        From the header alone, no audio is read.
    """
    if not path.is_file():
        return False
    with soundfile.SoundFile(path) as file:
        return file.frames == n_samples and file.comment == mark
