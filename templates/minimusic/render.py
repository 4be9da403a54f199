"""The player: pieces to 24 kHz mono audio, the same samples every time.

Every part is rendered apart by ``midirenderer`` with the sound font TimGM6mb,
which ships inside ``pretty_midi``, and the parts are added here: the renderer
has 64 voices a file, of which one note of strings takes six, and clips at 16
bits. Below those limits it is linear, so stems add up to the mixture.

Authors
 * The mert_sb developers 2026
"""

import importlib.util
import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from midi import midi_bytes
from pieces import SAMPLE_RATE, STEMS

SYNTH_RATE = 48_000  # fixed in midirenderer
FULL_SCALE = 32_767


@lru_cache(maxsize=1)
def sound_font():
    """The bytes of TimGM6mb.

    Returns
    -------
    bytes
        A SoundFont 2 file, 6 MB.

    Raises
    ------
    ImportError
        If an optional package is missing.

    Example
    -------
    >>> sound_font()[:4]
    b'RIFF'
    """
    for name in ("midirenderer", "pretty_midi"):
        if importlib.util.find_spec(name) is None:
            raise ImportError(
                f"minimusic renders with {name}, which is not installed; "
                "run: pip install 'mert_sb[demo]'"
            )
    package = importlib.util.find_spec("pretty_midi")
    folder = Path(package.submodule_search_locations[0])
    return (folder / "TimGM6mb.sf2").read_bytes()


def render_part(part, n_samples, font=None):
    """Render one part at the synthesizer's level.

    Arguments
    ---------
    part : pieces.Part
        What to play.
    n_samples : int
        Length of the piece at 24 kHz.
    font : bytes, optional
        Another SoundFont 2 file.

    Returns
    -------
    numpy.ndarray
        ``(2 * n_samples,)`` float32 at 48 kHz, both channels averaged.
    """
    import midirenderer

    midi = midi_bytes(
        part.notes,
        program=part.program,
        drums=part.stem == "drums",
        duration=n_samples / SAMPLE_RATE,
    )
    wav = midirenderer.render_wave_from(font or sound_font(), midi)
    stereo, _ = soundfile.read(io.BytesIO(wav), dtype="float32")
    audio = np.zeros(2 * n_samples, np.float32)
    left, right = stereo[: len(audio)].T
    audio[: len(left)] = (left + right) / 2
    return audio


def render(piece, *, with_stems=False, font=None):
    """Render a piece.

    Arguments
    ---------
    piece : pieces.Piece
        What to play.
    with_stems : bool
        Whether to return stems; the mixture does not depend on it.
    font : bytes, optional
        Another SoundFont 2 file.

    Returns
    -------
    dict
        ``mixture`` and, if asked for, the names in ``STEMS`` to audio,
        ``(n_samples,)`` int16 at 24 kHz. The mixture peaks at
        ``piece.peak_db``; stems add up to it but for rounding, and are silent
        where nobody plays.
    """
    stems = {name: np.zeros(2 * piece.n_samples, np.float32) for name in STEMS}
    for part in piece.parts:
        audio = render_part(part, piece.n_samples, font)
        gain = 10 ** (part.gain_db / 20) / _loudness(audio)
        stems[part.stem] += np.float32(gain) * audio
    mixture = _to_24_khz(sum(stems.values()))
    peak = np.abs(mixture).max()
    scale = 10 ** (piece.peak_db / 20) / peak
    # A stem may be louder than the mixture where another cancels it.
    loudest = max(np.abs(stem).max() for stem in stems.values())
    scale = FULL_SCALE * min(scale, 0.98 / loudest)
    waves = {"mixture": mixture}
    if with_stems:
        waves |= {name: _to_24_khz(stem) for name, stem in stems.items()}
    return {
        name: np.rint(wave * scale).astype(np.int16)
        for name, wave in waves.items()
    }


def _loudness(audio):
    """Root mean square over the tenths of a second where a part is heard."""
    block = SYNTH_RATE // 10
    power = np.square(audio[: len(audio) // block * block], dtype=np.float64)
    power = power.reshape(-1, block).mean(axis=1)
    heard = power[power > 0.01 * power.max()]
    return float(np.sqrt(heard.mean())) if len(heard) else 1.0


def _to_24_khz(wave):
    resampled = torchaudio.functional.resample(
        torch.from_numpy(wave), SYNTH_RATE, SAMPLE_RATE, lowpass_filter_width=32
    )
    return resampled.numpy()
