"""GTZAN in miniature: the layout of the common copy, a tone's pitch for each genre.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import numpy as np
import soundfile

# Ids of the fault-filtered split: two for training, one for validation, one test.
IDS = {
    "blues": (29, 30, 0, 12),
    "classical": (30, 31, 0, 11),
    "country": (19, 20, 0, 30),
    "disco": (5, 15, 0, 1),
    "hiphop": (2, 3, 81, 0),
    "jazz": (0, 1, 2, 73),
    "metal": (2, 3, 0, 12),
    "pop": (2, 3, 10, 0),
    "reggae": (0, 1, 61, 34),
    "rock": (0, 1, 38, 10),
}
SAMPLE_RATE = 22_050
# An excerpt that the split leaves out, as a copy has a hundred of each genre.
LEFT_OUT = "country/country.00052"
DAMAGED = "jazz/jazz.00054"


def make_gtzan(folder, seconds=3.0, parent="genres", suffix=".wav"):
    """Write 41 excerpts, and one that is no audio.

    Arguments
    ---------
    folder : str or pathlib.Path
        Gets ``<parent>/<genre>/<genre>.<number><suffix>``.
    seconds : float
        About the length of each; like the real ones, they differ a little.
    parent : str
        ``"genres"`` or ``"genres_original"``.
    suffix : str
        ``".wav"`` or ``".au"``.
    """
    rng = np.random.default_rng(0)
    root = Path(folder) / parent
    for index, (genre, numbers) in enumerate(IDS.items()):
        (root / genre).mkdir(parents=True)
        for number in numbers:
            wav = excerpt(rng, 110 * 2 ** (index / 2), seconds)
            path = root / genre / f"{genre}.{number:05d}{suffix}"
            soundfile.write(path, wav, SAMPLE_RATE)
    wav = excerpt(rng, 110.0, seconds)
    soundfile.write(root / f"{LEFT_OUT}{suffix}", wav, SAMPLE_RATE)
    (root / f"{DAMAGED}{suffix}").write_text("not audio\n")


def excerpt(rng, pitch, seconds):
    """A tone with three overtones, slightly out of tune, in noise.

    Arguments
    ---------
    rng : numpy.random.Generator
        Source of detuning, length and noise.
    pitch : float
        In Hz.
    seconds : float
        About the length.

    Returns
    -------
    numpy.ndarray
        ``(S,)``.
    """
    n_samples = round(seconds * rng.uniform(1.0, 1.02) * SAMPLE_RATE)
    phase = 2 * np.pi * pitch * rng.uniform(0.97, 1.03) / SAMPLE_RATE
    steps = phase * np.arange(n_samples)
    tone = sum(np.sin(k * steps) / k for k in range(1, 5))
    return 0.2 * tone + rng.normal(0.0, 0.02, n_samples)
