"""NSynth in miniature: its layout and fields, with generated notes.

Authors
 * The mert_sb developers 2026
"""

import json
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 16_000
FAMILIES = tuple(
    "bass brass flute guitar keyboard mallet organ reed string synth_lead "
    "vocal".split()
)

# Instruments of a family in each split; none is in two.
INSTRUMENTS = {"train": (0, 1), "valid": (2,), "test": (3,)}
PITCHES = (48, 60, 72)


def make_nsynth(folder, seconds=2.0):
    """Write ``nsynth-train``, ``nsynth-valid`` and ``nsynth-test``.

    The loudest harmonic tells the family. As in the dataset, synth_lead is in
    train alone.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where to.
    seconds : float
        Length of a note; 4 in the dataset.
    """
    rng = np.random.default_rng(0)
    for split, instruments in INSTRUMENTS.items():
        place = Path(folder) / f"nsynth-{split}"
        (place / "audio").mkdir(parents=True)
        entries = {}
        for number, family in enumerate(FAMILIES):
            if family == "synth_lead" and split != "train":
                continue
            for instrument in instruments:
                for pitch in PITCHES:
                    note = entry(family, instrument, pitch, len(entries))
                    entries[note["note_str"]] = note
                    path = place / "audio" / f"{note['note_str']}.wav"
                    wav = tone(number, pitch, seconds, rng)
                    soundfile.write(path, wav, SAMPLE_RATE)
        (place / "examples.json").write_text(json.dumps(entries, indent=4))


def entry(family, instrument, pitch, index):
    """One entry of ``examples.json``.

    Arguments
    ---------
    family : str
        One of ``FAMILIES``.
    instrument, pitch, index : int
        Numbers of the instrument, the MIDI note and the entry.

    Returns
    -------
    dict
        All fields of the dataset.
    """
    name = f"{family}_synthetic_{instrument:03d}"
    return {
        "qualities": [0] * 10,
        "pitch": pitch,
        "note": index,
        "instrument_source_str": "synthetic",
        "velocity": 100,
        "instrument_str": name,
        "instrument": instrument,
        "sample_rate": SAMPLE_RATE,
        "qualities_str": [],
        "instrument_source": 2,
        "note_str": f"{name}-{pitch:03d}-100",
        "instrument_family": FAMILIES.index(family),
        "instrument_family_str": family,
    }


def tone(family, pitch, seconds, rng):
    """A note whose loudest harmonic is the family's.

    Arguments
    ---------
    family, pitch : int
        Number of the family, MIDI note.
    seconds : float
        Length.
    rng : numpy.random.Generator
        Source of phases.

    Returns
    -------
    numpy.ndarray
        ``(S,)``.
    """
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch_hz = 440 * 2 ** ((pitch - 69) / 12)
    wav = np.zeros(len(time))
    for harmonic in range(1, 13):
        level = 0.4 if harmonic == family + 1 else 0.1 / harmonic
        phase = rng.uniform(0, 2 * np.pi)
        if harmonic * pitch_hz < SAMPLE_RATE / 2:
            angle = 2 * np.pi * harmonic * pitch_hz * time + phase
            wav += level * np.sin(angle)
    return wav * np.exp(-time)
