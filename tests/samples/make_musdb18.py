"""MUSDB18-HQ in miniature: folders of WAV files, a register and a rhythm for each stem.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 44_100
# Two for training, two that are published for validation, two for testing.
SONGS = {
    "train": (
        "A Classic Education - NightOwl",
        "Music Delta - Rock",
        "Leaf - Summerghost",
        "ANiMAL - Rockshow",
    ),
    "test": ("Zeno - Signs", "PR - Oh No"),
}
# Lowest pitch in Hz, notes a second.
STEMS = {
    "vocals": (440.0, 2.0),
    "drums": (0.0, 4.0),
    "bass": (55.0, 1.0),
    "other": (1_760.0, 3.0),
}


def make_musdb18(folder, seconds=4.0):
    """Write six songs.

    Arguments
    ---------
    folder : str or pathlib.Path
        Gets ``train/<song>/<stem>.wav`` and ``test/<song>/<stem>.wav``.
    seconds : float
        About the length of each; like the real ones, they differ.
    """
    rng = np.random.default_rng(0)
    for split, songs in SONGS.items():
        for song in songs:
            length = seconds * rng.uniform(1.0, 1.1)
            stems = {
                name: stem(rng, pitch, tempo, length)
                for name, (pitch, tempo) in STEMS.items()
            }
            write_song(Path(folder) / split / song, stems)


def write_song(folder, stems, mixture="mixture", rate=SAMPLE_RATE):
    """Write stems and their sum.

    Arguments
    ---------
    folder : str or pathlib.Path
        The song's.
    stems : dict of str to numpy.ndarray
        ``(S, C)`` each.
    mixture : str or None
        Name of the sum; None: not to be written.
    rate : int
        In Hz.
    """
    folder = Path(folder)
    folder.mkdir(parents=True)
    for name, wav in stems.items():
        soundfile.write(folder / f"{name}.wav", wav, rate, "FLOAT")
    if mixture:
        total = sum(stems.values())
        soundfile.write(folder / f"{mixture}.wav", total, rate, "FLOAT")


def stem(rng, pitch, tempo, seconds):
    """Decaying notes of one register, or of noise, somewhere in the stereo field.

    Arguments
    ---------
    rng : numpy.random.Generator
        Source of notes and place.
    pitch : float
        The lowest, in Hz; 0: noise.
    tempo : float
        Notes a second.
    seconds : float
        Length.

    Returns
    -------
    numpy.ndarray
        ``(S, 2)`` float32.
    """
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wav = np.zeros(len(time))
    for onset in np.arange(0, seconds, 1 / tempo):
        age = np.clip(time - onset, 0, None)
        note = rng.normal(size=len(time))
        if pitch:
            note = np.sin(2 * np.pi * pitch * 2 ** rng.uniform(0, 1) * age)
        wav += (time >= onset) * note * np.exp(-6 * age)
    place = rng.uniform(0.2, 0.8)
    both = np.stack([wav * place, wav * (1 - place)], axis=1)
    return (0.2 * both).astype(np.float32)
