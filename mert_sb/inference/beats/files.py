"""What comes out of a beat tracker: beats of a song, as text or to be heard.

S samples, N beats, K downbeats.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import numpy as np
import soundfile

from mert_sb.audio.reader import audio_info
from mert_sb.audio.windows import stream_blocks
from mert_sb.downstream.beats.targets import write_beats
from mert_sb.inference.staging import staged_file

CLICK_SECONDS = 0.03
# Hz of clicks.
BEAT, DOWNBEAT = 1_000.0, 2_000.0


class TrackedBeats(NamedTuple):
    """Beats of a song.

    Arguments
    ---------
    beats : numpy.ndarray
        ``(N,)`` seconds, ascending.
    downbeats : numpy.ndarray
        ``(K,)`` seconds, ascending.
    positions : numpy.ndarray
        ``(N,)`` places of the beats in their bars, 1 at downbeats; 0 if unknown.
    tempo : float
        Beats per minute; 0 if there are fewer than two.

    Example
    -------
    >>> TrackedBeats(np.arange(2.0), np.zeros(0), np.zeros(2, int), 60.0).tempo
    60.0
    """

    beats: np.ndarray
    downbeats: np.ndarray
    positions: np.ndarray
    tempo: float


def write_tracked(path, tracked):
    """Write a text file: a row a beat, its time in seconds, a tab, its place.

    Arguments
    ---------
    path : str or pathlib.Path
        Of the file; its folder is made if absent.
    tracked : TrackedBeats
        Of a song.

    Example
    -------
    >>> path = getfixture("tmp_path") / "song.beats"
    >>> positions = np.array([4, 1])
    >>> tracked = TrackedBeats(
    ...     np.array([0.5, 1.0]), np.ones(1), positions, 120.0
    ... )
    >>> write_tracked(path, tracked)
    >>> path.read_text()
    '0.500\\t4\\n1.000\\t1\\n'
    """
    with staged_file(path) as staging:
        write_beats(staging, tracked.beats, tracked.positions)


def write_clicks(path, song, tracked):
    """Write a song with clicks on its beats, higher ones on downbeats.

    Arguments
    ---------
    path : str or pathlib.Path
        Of the WAV file, mono, at the song's rate; its folder is made if absent.
    song : str or pathlib.Path
        An audio file of any length.
    tracked : TrackedBeats
        Its beats.

    Raises
    ------
    DamagedAudioError
        If the song cannot be decoded to its end.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", np.zeros(8_000), 8_000)
    >>> tracked = TrackedBeats(
    ...     np.array([0.5]), np.zeros(0), np.zeros(1, int), 0.0
    ... )
    >>> write_clicks(folder / "b.wav", folder / "a.wav", tracked)
    >>> wav, _ = soundfile.read(folder / "b.wav")
    >>> int(wav.nonzero()[0][0]), len(wav)
    (4001, 8000)
    """
    rate, done = audio_info(song).sample_rate, 0
    clicks = [
        (round(time * rate), click(DOWNBEAT if place == 1 else BEAT, rate))
        for time, place in zip(tracked.beats, tracked.positions, strict=True)
    ]
    with (
        staged_file(path) as staging,
        soundfile.SoundFile(staging, "w", rate, 1, format="WAV") as file,
    ):
        for block in stream_blocks(song, rate):
            wav = 0.5 * block.numpy()
            for start, sound in clicks:
                _add(wav, sound, start - done)
            file.write(wav.clip(-1, 1))
            done += len(wav)


def click(pitch, sample_rate):
    """A short tone that dies away.

    Arguments
    ---------
    pitch : float
        In Hz.
    sample_rate : int
        In Hz.

    Returns
    -------
    numpy.ndarray
        ``(S,)``.

    Example
    -------
    >>> len(click(1_000.0, 24_000))
    720
    """
    times = np.arange(round(CLICK_SECONDS * sample_rate)) / sample_rate
    return 0.5 * np.sin(2 * np.pi * pitch * times) * np.exp(-100 * times)


def _add(wav, sound, start):
    """Add what of a sound lies within a block, in place."""
    first, stop = max(start, 0), min(start + len(sound), len(wav))
    if first < stop:
        wav[first:stop] += sound[first - start : stop - start]
