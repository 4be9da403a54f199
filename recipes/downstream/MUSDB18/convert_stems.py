"""MUSDB18's MP4 files to folders of WAV files, as MUSDB18-HQ has them.

> python convert_stems.py /path/to/musdb18 /path/to/musdb18_wav

Takes ``pip install 'mert_sb[separation]'`` and ffmpeg. Songs that are there already are
left as they are. The MP4 files are AAC of 16 kHz bandwidth: scores are not quite those of
MUSDB18-HQ.

Authors
 * The mert_sb developers 2026
"""

import argparse
import importlib
import sys
from pathlib import Path

import numpy as np
import soundfile

from mert_sb.inference.staging import staged_folder
from mert_sb.progress import Progress

# In the order of the file's streams.
STREAMS = ("mixture", "drums", "bass", "other", "vocals")
ENDING = ".stem.mp4"


def library():
    """``stempeg``, or an error that says how to get it."""
    try:
        return importlib.import_module("stempeg")
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            "MP4 files take stempeg and ffmpeg: pip install "
            f"'mert_sb[separation]', and ffmpeg from your system ({error})"
        ) from error


def convert_folder(source, target):
    """Convert all songs of ``train`` and ``test``.

    Arguments
    ---------
    source : str or Path
        Holds ``train/<song>.stem.mp4`` and ``test/<song>.stem.mp4``.
    target : str or Path
        Gets ``train/<song>/<stem>.wav`` and ``test/<song>/<stem>.wav``.

    Returns
    -------
    list of Path
        The songs' folders.

    Raises
    ------
    FileNotFoundError
        If there are no songs.
    ImportError
        If stempeg or ffmpeg is not installed.
    ValueError
        If a file has not the five streams.
    """
    stempeg = library()
    paths = [
        path
        for folder in ("train", "test")
        for path in sorted(Path(source, folder).glob(f"*{ENDING}"))
    ]
    if not paths:
        raise FileNotFoundError(f"{source}: no train/*{ENDING}, test/*{ENDING}")
    folders = []
    with Progress("convert-stems", len(paths), "song") as progress:
        for path in paths:
            name = path.name.removesuffix(ENDING)
            folders.append(Path(target) / path.parent.name / name)
            convert_song(stempeg, path, folders[-1])
            progress.update()
    return folders


def convert_song(stempeg, path, folder):
    """Write the streams of a song, all or none of them."""
    if all((folder / f"{name}.wav").is_file() for name in STREAMS):
        return
    indices = stempeg.Info(str(path)).audio_stream_idx()
    if len(indices) != len(STREAMS):
        raise ValueError(
            f"{path}: {len(indices)} streams of audio, not {len(STREAMS)}: no song "
            "of MUSDB18, or a damaged one"
        )
    with staged_folder(folder) as staging:
        for name, index in zip(STREAMS, indices, strict=True):
            # One at a time: a song of all in float64 takes a gigabyte.
            audio, rate = stempeg.read_stems(
                str(path), stem_id=index, dtype=np.float32
            )
            if audio.size == 0:
                raise ValueError(f"{path}: ffmpeg gives nothing of {name}")
            soundfile.write(staging / f"{name}.wav", audio, rate, "FLOAT")


def main(arguments):
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "source", help="folder with train/ and test/ of MP4 files"
    )
    parser.add_argument("target", help="where folders of WAV files go")
    given = parser.parse_args(arguments)
    folders = convert_folder(given.source, given.target)
    sys.stdout.write(f"{len(folders)} songs in {given.target}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
