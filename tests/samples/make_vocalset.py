"""VocalSet in miniature: its layout and names, with generated singers.

Authors
 * The mert_sb developers 2026
"""

import hashlib
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 16_000

# Test, validation and training singers of the technique task.
GROUPS = (
    ("f2", "f8", "m3", "m5", "m10"),
    ("f3", "f5", "f7", "m2", "m4", "m6"),
    ("f1", "f4", "f6", "f9", "m1", "m7", "m8", "m9", "m11"),
)
TECHNIQUES = tuple(
    "belt breathy inhaled lip_trill spoken straight trill trillo vibrato "
    "vocal_fry".split()
)
OTHERS = tuple(
    "fast_forte fast_piano forte messa pp slow_forte slow_piano".split()
)

# Files that the benchmark deletes, and a folder of no technique.
LEFT_OUT = (
    "female2/scales/vibrato/f2_scales_vibrato_a(1).wav",
    "male10/excerpts/vibrato/caro_vibrato.wav",
    "male10/excerpts/vibrato/dona_vibrato.wav",
    "male10/excerpts/vibrato/row_vibrato.wav",
    "female2/arpeggios/vibrado/slow_vibrato_arps.wav",
    "female2/arpeggios/vibrado/f2_arpeggios_vibrato_a.wav",
)

FROM_MACOS = (
    "FULL/.DS_Store",
    "FULL/female1/scales/belt/._f1_scales_belt_a.wav",
    "__MACOSX/FULL/female1/scales/belt/._f1_scales_belt_a.wav",
)


def make_vocalset(folder):
    """Write ``FULL`` and what macOS leaves in the archive.

    A low tone tells the singer, a high one the technique. Each technique is
    sung in each group of singers; each singer has a recording in each split of
    the singer task.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where to.
    """
    full = Path(folder) / "FULL"
    number = 0
    for group in GROUPS:
        for place, singer in enumerate(group):
            chosen = (
                (TECHNIQUES[2 * place % 10], range(12)),
                (TECHNIQUES[(2 * place + 1) % 10], range(12, 20)),
                (OTHERS[place % 7], range(20, 25)),
            )
            for technique, hashes in chosen:
                name = find_name(singer, technique, hashes)
                seconds = 3.2 if number % 2 else 4.5
                write_recording(full / name, number // 3, technique, seconds)
                number += 1
    for name in LEFT_OUT:
        write_recording(full / name, 0, "vibrato", 3.2)
    for name in FROM_MACOS:
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0")


def find_name(singer, technique, hashes):
    """A name that the recipe's rule puts into one split of the singer task.

    Arguments
    ---------
    singer, technique : str
        Who, and how.
    hashes : range
        Where the hash of the path, modulo 25, is to lie.

    Returns
    -------
    str
        Path below ``FULL``.
    """
    folder = ("female" if singer[0] == "f" else "male") + singer[1:]
    contexts = ("arpeggios", "scales", "long_tones", "excerpts")
    for context, key, vowel in product(contexts, "cf", "aeiou"):
        name = f"{singer}_{context}_{technique}_{key}_{vowel}"
        path = f"{folder}/{context}/{technique}/{name}"
        if int(hashlib.sha256(path.encode()).hexdigest(), 16) % 25 in hashes:
            return f"{path}.wav"
    raise ValueError(f"no name for {technique} by {singer} in {hashes}")


def write_recording(path, voice, technique, seconds):
    """Write two tones.

    Arguments
    ---------
    path : pathlib.Path
        Where to.
    voice : int
        Number of the singer, sets the lower tone.
    technique : str
        Sets the higher tone.
    seconds : float
        Length.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number = (TECHNIQUES + OTHERS).index(technique)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wav = 0.2 * np.sin(2 * np.pi * 100 * 2 ** (voice / 6) * time)
    wav += 0.2 * np.sin(2 * np.pi * 1500 * 2 ** (number / 8) * time)
    soundfile.write(path, wav, SAMPLE_RATE)
