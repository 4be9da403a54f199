"""Notes to the bytes of a Standard MIDI File (format 0, one instrument).

The clock ticks once a sample at 24 kHz: 12,000 ticks a quarter note at the 120
quarter notes a minute that hold where a file names no tempo.

Authors
 * The mert_sb developers 2026
"""

import struct

TICKS_PER_QUARTER = 12_000
TICKS_PER_SECOND = 2 * TICKS_PER_QUARTER
DRUM_CHANNEL = 9  # channel 10, counted from 0, is the drum kit
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
VOLUME = 7
END_OF_TRACK = b"\xff\x2f\x00"


def midi_bytes(notes, *, program, drums, duration):
    """Encode what one instrument plays.

    Arguments
    ---------
    notes : iterable
        Of ``pieces.Note``, in seconds.
    program : int
        General MIDI program, from 0.
    drums : bool
        Whether pitches are drums of the kit.
    duration : float
        Length in seconds; the file ends there, also after the last note.

    Returns
    -------
    bytes
        A complete file.

    Example
    -------
    >>> midi_bytes([], program=0, drums=False, duration=1.0)[:4]
    b'MThd'
    """
    channel = DRUM_CHANNEL if drums else 0
    events = [
        (0, 0, bytes((PROGRAM | channel, program))),
        (0, 0, bytes((CONTROL | channel, VOLUME, 127))),
    ]
    for note in notes:
        key = note.pitch
        on = bytes((NOTE_ON | channel, key, note.velocity))
        off = bytes((NOTE_OFF | channel, key, 0))
        events.append((_tick(note.start), 2, on))
        events.append((_tick(note.end), 1, off))
    events.append((_tick(duration), 3, END_OF_TRACK))
    track, now = bytearray(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track += _variable_length(tick - now) + message
        now = tick
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS_PER_QUARTER)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + bytes(track)


def _tick(seconds):
    return round(seconds * TICKS_PER_SECOND)


def _variable_length(value):
    """Seven bits a byte, most significant first, all but the last marked."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))
