"""Songs of the game Frets on Fire: stems, and the beats that its notes lie on.

A song is a folder with ``song.ogg``, ``guitar.ogg`` and ``notes.mid``, whose tempo events
are the song's own grid: note time 0 is audio time 0, or ``delay`` milliseconds later where
``song.ini`` has one. Debian packages four, CC BY-SA 3.0: ``fretsonfire-songs-muldjord``.

Authors
 * The mert_sb developers 2026
"""

import configparser
from pathlib import Path

import numpy as np
import pretty_midi
import soundfile

MIDI, SETTINGS = "notes.mid", "song.ini"


def find_songs(folder):
    """Folders of songs below a folder.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where to look.

    Returns
    -------
    list of pathlib.Path
        Sorted.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    songs = sorted(path.parent for path in Path(folder).rglob(MIDI))
    if not songs:
        raise FileNotFoundError(f"{folder}: no folder in it has a {MIDI}")
    return songs


def mix_stems(song, path):
    """Write the sum of a song's stems.

    Arguments
    ---------
    song : pathlib.Path
        Its folder.
    path : pathlib.Path
        Of the WAV file, mono.

    Returns
    -------
    float
        Seconds.
    """
    stems = [soundfile.read(stem) for stem in sorted(song.glob("*.ogg"))]
    rates = {rate for _, rate in stems}
    if len(rates) != 1:
        raise ValueError(f"{song}: stems have rates {rates}, one is wanted")
    (rate,) = rates
    mixed = np.zeros(max(len(wav) for wav, _ in stems))
    for wav, _ in stems:
        mixed[: len(wav)] += wav.reshape(len(wav), -1).mean(1)
    mixed /= max(1.0, abs(mixed).max())
    soundfile.write(path, mixed, rate)
    return len(mixed) / rate


def read_grid(song, seconds):
    """Beats of a song from its tempo and metre events.

    Arguments
    ---------
    song : pathlib.Path
        Its folder.
    seconds : float
        Beats from there on, or after the last note, are left out.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        Beats and downbeats in seconds. Without metre event a bar has four beats.
    """
    midi = pretty_midi.PrettyMIDI(str(song / MIDI))
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(song / SETTINGS, encoding="utf-8")
    delay = settings.getfloat("song", "delay", fallback=0.0) / 1_000
    beats, downbeats = (
        times[times < seconds]
        for times in (midi.get_beats() + delay, midi.get_downbeats() + delay)
    )
    return beats, downbeats
