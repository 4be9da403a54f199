"""Where to begin decoding so that a crop is exact, whatever libsndfile's seek does.

Two traps, both seen with libsndfile 1.2.2:

* An MP3 frame is made of bytes of earlier frames too. After a seek those are missing
  and the first samples are wrong; so decoding begins some frames earlier.
* A seek that lands on the last page of an Ogg Vorbis file comes out at the wrong
  place (libsndfile issue 885): that page says where the music ends, not where its
  last packet does. So decoding begins on the page before.

Authors
 * The mert_sb developers 2026
"""

import os
import re
import struct

# An MP3 frame reaches back at most 511 bytes (MPEG-1) or 255 bytes (MPEG-2, rates
# to 24 kHz). The smallest stereo frames carry 58 bytes for 1152 samples (32 kb/s at
# 48 kHz) and 3 bytes for 576 (8 kb/s at 24 kHz): 9 and 85 frames. Three frames more
# are for their overlap, the filter bank and the seek itself.
MPEG1_PREROLL = 16_384
MPEG2_PREROLL = 65_536
HIGHEST_MPEG2_RATE = 24_000

# Limits of the format: 255 packets on a page, 4096 samples a packet; 65,307 bytes
# a page, of which the last and one with a position before it are looked for.
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
    """
    if is_mpeg(file):
        old = file.samplerate > HIGHEST_MPEG2_RATE
        return max(start - (MPEG1_PREROLL if old else MPEG2_PREROLL), 0)
    near_end = file.frames - start < MOST_SAMPLES_ON_A_PAGE
    if file.subtype == "VORBIS" and near_end:
        return min(start, max(file.frames - _last_page_samples(path), 0))
    return start


def _last_page_samples(path):
    with open(path, "rb") as file:
        file.seek(max(os.path.getsize(path) - OGG_TAIL_BYTES, 0))
        tail = file.read()
    # A page's position follows its mark, version and flags; -1 means none.
    offsets = [page.start() for page in re.finditer(rb"OggS\0", tail[:-13])]
    positions = [struct.unpack_from("<q", tail, at + 6)[0] for at in offsets]
    positions = [position for position in positions if position >= 0]
    if len(positions) < 2:
        return MOST_SAMPLES_ON_A_PAGE
    return positions[-1] - positions[-2]
