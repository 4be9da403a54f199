"""MTG-Jamendo in miniature: 24 short tracks with the tags of all four tasks.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import numpy as np
import soundfile

from recipes.downstream.MTG.mtg_prepare import SPELLINGS

N_GROUPS = 4
SAMPLE_RATE = 22_050
FIRST_TRACKS = {"train": 1000, "validation": 2000, "test": 3000}
FILE_NAMES = {
    "instrument": "instrument",
    "mood": "moodtheme",
    "genre": "genre",
    "top50": "top50tags",
}
HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n"


def make_mtg(folder, seconds=4.5, suffix=".low.mp3"):
    """Write audio and split files.

    Splits have eight tracks, from 1000, 2000 and 3000 on. Track n sounds like the
    group n modulo 4, and has every fourth tag of each task.

    Arguments
    ---------
    folder : str or pathlib.Path
        Gets folders ``00`` to ``07`` and ``data/splits/split-0``.
    seconds : float
        Length of each file.
    suffix : str
        ``".low.mp3"`` or ``".mp3"``.
    """
    rng = np.random.default_rng(0)
    folder = Path(folder)
    split_folder = folder / "data" / "splits" / "split-0"
    split_folder.mkdir(parents=True)
    for split, first in FIRST_TRACKS.items():
        tracks = range(first, first + 2 * N_GROUPS)
        for track in tracks:
            write_drone(rng, folder, track, suffix, seconds)
        for task, name in FILE_NAMES.items():
            rows = [row(track, task, seconds) for track in tracks]
            path = split_folder / f"autotagging_{name}-{split}.tsv"
            path.write_bytes("".join([HEADER, *rows]).encode())


def row(track, task, seconds):
    """A line of a split file; an artist has two tracks of a split, on an album each."""
    cells = [
        f"track_{track:07d}",
        f"artist_{track // 2:06d}",
        f"album_{track:06d}",
        f"{track % 100:02d}/{track}.mp3",
        str(seconds),
        *sorted(SPELLINGS[task])[track % N_GROUPS :: N_GROUPS],
    ]
    return "\t".join(cells) + "\r\n"


def write_drone(rng, folder, track, suffix, seconds):
    """A tone with overtones, higher from group to group, with some noise.

    Arguments
    ---------
    rng : numpy.random.Generator
        Source of loudness, tuning and noise.
    folder : pathlib.Path
        Where the folders with audio are.
    track : int
        Number of the track.
    suffix : str
        End of the file's name.
    seconds : float
        Length.
    """
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 110 * 2 ** (track % N_GROUPS + rng.uniform(-0.1, 0.1))
    wav = rng.normal(0, 0.01, len(time))
    for overtone in (1, 2, 3):
        wav += rng.uniform(0.1, 0.2) * np.sin(
            2 * np.pi * overtone * pitch * time
        )
    path = folder / f"{track % 100:02d}" / f"{track}{suffix}"
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, wav, SAMPLE_RATE, format="MP3")
