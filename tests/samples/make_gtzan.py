"""GTZAN in miniature: the layout of the common copy, a tone's pitch for each genre.

Clicks are on the beats, louder ones on downbeats; the annotations say where.

Authors
 * The mert_sb developers 2026
"""

import json
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


def make_gtzan(folder, seconds=3.0, parent="genres", suffix=".wav", jams=False):
    """Write 41 excerpts, and one that is no audio; annotations of them.

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
    jams : bool
        Annotations in ``jams`` as GTZAN-Rhythm has them, instead of ``beats``.
    """
    rng = np.random.default_rng(0)
    root = Path(folder) / parent
    for index, (genre, numbers) in enumerate(IDS.items()):
        (root / genre).mkdir(parents=True)
        for number in numbers:
            wav = excerpt(rng, 110 * 2 ** (index / 2), seconds)
            path = root / genre / f"{genre}.{number:05d}{suffix}"
            beats = add_clicks(wav, np.random.default_rng(number))
            annotate(Path(folder), f"{genre}.{number:05d}", beats, jams)
            soundfile.write(path, wav, SAMPLE_RATE)
    wav = excerpt(rng, 110.0, seconds)
    soundfile.write(root / f"{LEFT_OUT}{suffix}", wav, SAMPLE_RATE)
    (root / f"{DAMAGED}{suffix}").write_text("not audio\n")
    annotate(Path(folder), "jazz.00054", [(0.1, 1)], jams)


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


def add_clicks(wav, rng):
    """Put clicks of noise into an excerpt, four beats a bar.

    Arguments
    ---------
    wav : numpy.ndarray
        ``(S,)``, changed in place.
    rng : numpy.random.Generator
        Source of tempo, first beat and noise.

    Returns
    -------
    list of tuple of (float, int)
        Seconds of each beat, and its place in the bar.
    """
    period, place = 60 / rng.uniform(100, 180), rng.integers(4)
    times = np.arange(rng.uniform(0.05, 0.3), len(wav) / SAMPLE_RATE, period)
    beats = [(time, (place + k) % 4 + 1) for k, time in enumerate(times)]
    for time, place in beats:
        start = round(time * SAMPLE_RATE)
        room = wav[start : start + SAMPLE_RATE // 50]
        room += rng.normal(0.0, 0.6 if place == 1 else 0.2, len(room))
    return beats


def annotate(folder, track, beats, jams):
    """Write an annotation.

    Arguments
    ---------
    folder : pathlib.Path
        Gets ``beats/gtzan_<genre>_<number>.beats`` or ``jams/<track>.wav.jams``.
    track : str
        As ``rock.00000``.
    beats : list of tuple of (float, int)
        Seconds, and place in the bar.
    jams : bool
        Which of the two.
    """
    if not jams:
        (folder / "beats").mkdir(exist_ok=True)
        path = folder / "beats" / f"gtzan_{track.replace('.', '_')}.beats"
        rows = [f"{time:.3f}\t{place}\n" for time, place in beats]
        path.write_text("".join(rows))
        return
    (folder / "jams").mkdir(exist_ok=True)
    firsts = [time for time, place in beats if place == 1]
    parts = {"beat": [time for time, _ in beats], "downbeat": firsts}
    annotations = [
        {
            "namespace": "beat",
            "sandbox": {"annotation_type": kind},
            "data": [
                {"time": t, "duration": 0.0, "value": None, "confidence": None}
                for t in times
            ],
        }
        for kind, times in parts.items()
    ]
    text = json.dumps({"annotations": annotations, "file_metadata": {}})
    (folder / "jams" / f"{track}.wav.jams").write_text(text)
