"""Audio files: exact crops of them, and manifests of the usable ones.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.audio.reader import (
    AudioInfo,
    DamagedAudioError,
    audio_info,
    draw_crop_start,
    read_audio,
    read_crop,
    resampled_length,
    window_starts,
)

__all__ = [
    "AudioInfo",
    "DamagedAudioError",
    "audio_info",
    "draw_crop_start",
    "read_audio",
    "read_crop",
    "resampled_length",
    "window_starts",
]
