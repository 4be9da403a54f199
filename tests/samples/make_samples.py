"""Seconds-long music in real layouts, for running recipes in small.

Authors
 * The mert_sb developers 2026
"""

import importlib
from pathlib import Path

import numpy as np
import soundfile

# Name, sample rate, channels: formats and rates as users have them.
FILES = (
    ("a.wav", 44_100, 2),
    ("b.flac", 24_000, 1),
    ("c.ogg", 48_000, 2),
    ("deep/d.mp3", 44_100, 1),
    ("deep/é 音.flac", 16_000, 1),
    ("deep/e.wav", 22_050, 1),
)
# Each by a maker of its own.
DATASETS = (
    "gtzan",
    "giantsteps",
    "mtt",
    "mtg",
    "emo",
    "nsynth",
    "vocalset",
    "minimusic",
    "musdb18",
)


def tones(rng, sample_rate, channels, seconds):
    """A chord of decaying notes, one every quarter of a second.

    Arguments
    ---------
    rng : numpy.random.Generator
        Source of the notes.
    sample_rate : int
        In Hz.
    channels : int
        Columns of the result.
    seconds : float
        Length.

    Returns
    -------
    numpy.ndarray
        ``(S, channels)`` float32.
    """
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    wav = np.zeros((len(time), channels), dtype=np.float32)
    for onset in np.arange(0, seconds, 0.25):
        pitch = 110 * 2 ** (rng.integers(36) / 12)
        first = np.searchsorted(time, onset)
        age = time[first:] - onset
        note = np.sin(2 * np.pi * pitch * age) * np.exp(-4 * age)
        wav[first:] += 0.2 * note[:, None] * rng.uniform(0.5, 1, channels)
    return wav


def make_audio(folder, rng=None, seconds=9.0):
    """Write a folder of music with a damaged file in it.

    Arguments
    ---------
    folder : str or pathlib.Path
        Gets ``FILES`` and ``damaged.mp3``.
    rng : numpy.random.Generator, optional
        Source of the notes.
    seconds : float
        Length of each file.
    """
    folder = Path(folder)
    if rng is None:
        rng = np.random.default_rng(0)
    for name, sample_rate, channels in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        wav = tones(rng, sample_rate, channels, seconds)
        soundfile.write(path, wav, sample_rate)
    (folder / "damaged.mp3").write_text("not audio\n")


def make_samples(folder, seconds=9.0):
    """Write the samples.

    Arguments
    ---------
    folder : str or pathlib.Path
        Gets ``audio`` (any folder of music), ``music4all``, ``classes`` (a folder
        for each class), ``student`` (an encoder's folder) and ``DATASETS``.
    seconds : float
        Length of each file.
    """
    folder = Path(folder)
    rng = np.random.default_rng(0)
    make_audio(folder / "audio", rng, seconds)
    audios = folder / "music4all" / "audios"
    audios.mkdir(parents=True)
    rows = ["id\tartist\tsong\talbum_name\n"]
    for index in range(6):
        key = f"{index:016x}"
        wav = tones(rng, 44_100, 1, seconds)
        soundfile.write(audios / f"{key}.mp3", wav, 44_100, format="MP3")
        rows.append(f"{key}\tA\tSong {index}\tB\n")
    rows.append("ffffffffffffffff\tA\tLost\tB\n")
    table = folder / "music4all" / "id_information.csv"
    table.write_text("".join(rows), encoding="utf-8")
    for name in ("a", "b"):
        (folder / "classes" / name).mkdir(parents=True)
        for index in range(4):
            path = folder / "classes" / name / f"{index}.wav"
            soundfile.write(path, tones(rng, 24_000, 1, 2.0), 24_000)
    write_student(folder / "student")
    for name in DATASETS:
        module = importlib.import_module(f"tests.samples.make_{name}")
        getattr(module, f"make_{name}")(folder / name)


def write_student(folder):
    """Write a tiny student, its weights at random.

    Arguments
    ---------
    folder : str or pathlib.Path
        The encoder's folder.
    """
    from mert_sb.inference import export_student
    from mert_sb.student import MERT

    student = MERT(
        conv_channels=16,
        embed_dim=32,
        ffn_dim=64,
        num_heads=2,
        num_layers=2,
        position_kernel=8,
        position_groups=4,
        normalize_wavs=True,
    )
    export_student(student, folder)
