"""Where to begin decoding, so that crops are exact whatever the seek does.

Two traps, both seen with libsndfile 1.2.2:

* An MP3 frame is made of bytes of earlier frames too. After a seek those are
  missing and the first samples are wrong; so decoding begins some frames
  earlier.
* A seek that lands on the last page of an Ogg Vorbis file comes out at the
  wrong place (libsndfile issue 885): that page says where the music ends, not
  where its last packet does. So decoding begins on the page before.

Authors
 * The mert_sb developers 2026
"""

import os
import re
import struct

# An MP3 frame reaches back at most 511 bytes (MPEG-1) or 255 bytes (MPEG-2,
# rates to 24 kHz). The smallest stereo frames carry 58 bytes for 1152 samples
# (32 kb/s at 48 kHz) and 3 bytes for 576 (8 kb/s at 24 kHz): 9 and 85 frames.
# Three frames more are for their overlap, the filter bank and the seek itself.
MPEG1_PREROLL = 16_384
MPEG2_PREROLL = 65_536
HIGHEST_MPEG2_RATE = 24_000

# Limits of the format: 255 packets on a page, 4096 samples a packet, 65,307
# bytes a page. A few pages, as some encoders write empty ones after the end.
MOST_SAMPLES_ON_A_PAGE = 255 * 4096
OGG_TAIL_BYTES = 4 * 65_307


def is_mpeg(file):
    """Whether this is an MP3, whose header only estimates its length.

    Arguments
    ---------
    file : soundfile.SoundFile
        An open file.

    Returns
    -------
    bool
        True for all layers of MPEG audio.

    Example
    -------
    >>> import io
    >>> import soundfile
    >>> memory = io.BytesIO()
    >>> soundfile.write(memory, [0.0] * 8_000, 8_000, format="WAV")
    >>> _ = memory.seek(0)
    >>> is_mpeg(soundfile.SoundFile(memory))
    False
    """
    return file.subtype.startswith("MPEG")


def start_of_decoding(path, file, start):
    """First sample to decode so that all from ``start`` are right.

    Arguments
    ---------
    path : str or Path
        Path of the file.
    file : soundfile.SoundFile
        The open file.
    start : int
        First sample wanted, at the file's rate.

    Returns
    -------
    int
        A sample at or before ``start``.

    Example
    -------
    >>> import soundfile
    >>> path = str(getfixture("tmp_path") / "a.mp3")
    >>> soundfile.write(path, [0.0] * 48_000, 24_000, format="MP3")
    >>> with soundfile.SoundFile(path) as file:
    ...     start_of_decoding(path, file, 40_000)
    0
    """
    if is_mpeg(file):
        is_mpeg2 = file.samplerate <= HIGHEST_MPEG2_RATE
        return max(start - (MPEG2_PREROLL if is_mpeg2 else MPEG1_PREROLL), 0)
    near_end = file.frames - start < MOST_SAMPLES_ON_A_PAGE
    if file.subtype == "VORBIS" and near_end:
        return min(start, max(file.frames - _last_page_samples(path), 0))
    return start


def _last_page_samples(path):
    with open(path, "rb") as file:
        file.seek(max(os.path.getsize(path) - OGG_TAIL_BYTES, 0))
        tail = file.read()
    # After a page's mark and version: flags, of which 4 ends the stream (some
    # encoders add more pages), and the position.
    marks = [page.start() for page in re.finditer(rb"OggS\0", tail[:-13])]
    pages = [struct.unpack_from("<Bq", tail, mark + 5) for mark in marks]
    ends = [index for index, (flags, _) in enumerate(pages) if flags & 4]
    last = ends[0] if ends else len(pages) - 1
    if last < 1:
        return MOST_SAMPLES_ON_A_PAGE
    return pages[-1][1] - pages[last - 1][1]
