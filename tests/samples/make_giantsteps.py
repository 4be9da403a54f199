"""The two GiantSteps key datasets in miniature: four short chords for each key.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import numpy as np
import soundfile

# Spelled as the training annotations do; the test annotations have flats.
SHARPS = "C C# D D# E F F# G G# A A# B".split()
FLATS = "C Db D Eb E F Gb G Ab A Bb B".split()
KEYS = [(mode, tonic) for mode in ("major", "minor") for tonic in range(12)]
SAMPLE_RATE = 22_050

# First track, artists: by their SHA-1, only Noël is of the validation set.
TRAIN = ((1000, "Clara"), (2000, "Wim, Vera"))
VALID = ((3000, "Noël"),)
TEST = 9000


def make_giantsteps(folder, seconds=2.5):
    """Write both clones.

    Track 1000 + n is in the n-th key, as are 2000 + n (both training), 3000 + n
    (validation) and 9000 + n (test); 5000 and 5001 are annotated only.

    Arguments
    ---------
    folder : str or pathlib.Path
        Gets ``giantsteps-key-dataset`` and ``giantsteps-mtg-key-dataset``.
    seconds : float
        Length of each file.
    """
    rng = np.random.default_rng(0)
    mtg = Path(folder) / "giantsteps-mtg-key-dataset"
    test = Path(folder) / "giantsteps-key-dataset"
    for path in (mtg / "annotations", mtg / "audio", test / "audio"):
        path.mkdir(parents=True)
    (test / "annotations" / "key").mkdir(parents=True)
    keys, artists = [], []
    for first, names in TRAIN + VALID:
        for index, (mode, tonic) in enumerate(KEYS):
            track = first + index
            write_chord(rng, mtg, track, mode, tonic, seconds)
            keys.append(f"{track}\t{SHARPS[tonic]} {mode}\t2\n")
            artists.append(f"{track}\t{names}{7 * chr(9)}C major\n")
    keys += ["5000\tC minor / F minor\t2\n", "5001\tC minor\t1\n"]
    artists += [f"{track}\tXenia{7 * chr(9)}\n" for track in (5000, 5001)]
    header = "ID\tARTIST\tSONG TITLE\tMIX\tLABEL\tBP GENRE\tBP BPM\tBP KEY\t\n"
    write_table(mtg, "annotations.txt", "ID\tMANUAL KEY\tC\n", keys)
    write_table(mtg, "beatport_metadata.txt", header, artists)
    for index, (mode, tonic) in enumerate(KEYS):
        write_chord(rng, test, TEST + index, mode, tonic, seconds)
        path = test / "annotations" / "key" / f"{TEST + index}.LOFI.key"
        path.write_text(f"{FLATS[tonic]} {mode}")


def write_table(clone, name, header, rows):
    """A TAB-separated file of annotations."""
    path = clone / "annotations" / name
    path.write_text(header + "".join(rows), encoding="utf-8")


def write_chord(rng, clone, track, mode, tonic, seconds):
    """The key's triad on its tonic, with some noise, as MP3.

    Arguments
    ---------
    rng : numpy.random.Generator
        Source of loudness and noise.
    clone : pathlib.Path
        Where ``audio`` is.
    track : int
        Number of the track.
    mode : str
        ``"major"`` or ``"minor"``.
    tonic : int
        Semitones above C.
    seconds : float
        Length.
    """
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    third = 4 if mode == "major" else 3
    wav = rng.normal(0, 0.005, len(time))
    for step in (0, 12, 12 + third, 19):
        pitch = 130.81 * 2 ** ((tonic + step) / 12)
        wav += rng.uniform(0.1, 0.2) * np.sin(2 * np.pi * pitch * time)
    path = clone / "audio" / f"{track}.LOFI.mp3"
    soundfile.write(path, wav, SAMPLE_RATE, format="MP3")
