"""The folders of minimusic in miniature, without its composer and renderer.

Authors
 * The mert_sb developers 2026
"""

import json
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 24_000
TONICS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
STYLES = "ambient ballad bossa chorale folk funk jazz rock techno waltz".split()
FAMILIES = (
    "Piano",
    "Chromatic Percussion",
    "Organ",
    "Guitar",
    "Bass",
    "Strings",
    "Ensemble",
    "Brass",
    "Reed",
    "Pipe",
    "Synth Lead",
    "Synth Pad",
    "Synth Effects",
    "Ethnic",
)


def make_minimusic(folder, seconds=0.5):
    """Write ``pieces`` and ``notes``.

    Three pieces a key, one for each split; three programs a family, who play two
    notes each, so that each split has all pitches.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where to.
    seconds : float
        Length of each file.
    """
    pieces, notes = Path(folder) / "pieces", Path(folder) / "notes"
    rows = {}
    for index in range(72):
        tonic, mode = index % 12, ("major", "minor")[index // 12 % 2]
        third = 3 if mode == "minor" else 4
        name = f"mini_{index:02d}"
        style = STYLES[index % 10]
        rows[name] = {"key": f"{TONICS[tonic]} {mode}", "style": style}
        chord = [60 + tonic + step for step in (0, third, 7)]
        # Pieces of a key are in other inversions.
        chord[index // 24] += 12
        write_tones(pieces / "audio" / f"{name}.flac", chord, seconds)
    (pieces / "labels.json").write_text(json.dumps(rows))
    rows = {}
    for number, family in enumerate(FAMILIES):
        for program in range(8 * number, 8 * number + 3):
            for pitch in (48 + 2 * number % 24, 49 + 2 * number % 24):
                name = f"{program:03d}-{pitch:03d}"
                rows[name] = {
                    "family": family,
                    "program": program,
                    "pitch": pitch,
                }
                tones = [pitch, pitch + number]
                write_tones(notes / "audio" / f"{name}.flac", tones, seconds)
    (notes / "notes.json").write_text(json.dumps(rows))


def write_tones(path, pitches, seconds):
    """Write a file of pure tones.

    Arguments
    ---------
    path : pathlib.Path
        The file; its folder is made.
    pitches : list of int
        MIDI numbers.
    seconds : float
        Length.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wav = np.zeros(len(time))
    for pitch in pitches:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        wav += 0.2 * np.sin(2 * np.pi * hertz * time)
    soundfile.write(path, wav, SAMPLE_RATE)
