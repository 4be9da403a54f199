"""The orchestra: the General MIDI instruments that the composer may choose.

Only programs that sound within 20 cents of their pitch in TimGM6mb are listed
(accordions, bells and effects do not), each with the range it plays in.

Authors
 * The mert_sb developers 2026
"""

FAMILIES = (
    "Piano",
    "Chromatic Percussion",
    "Organ",
    "Guitar",
    "Bass",
    "Strings",
    "Ensemble",
    "Brass",
    "Reed",
    "Pipe",
    "Synth Lead",
    "Synth Pad",
    "Synth Effects",
    "Ethnic",
    "Percussive",
    "Sound Effects",
)

# Program: General MIDI name, lowest and highest pitch of a melody.
INSTRUMENTS = {
    0: ("Acoustic Grand Piano", 60, 86),
    1: ("Bright Acoustic Piano", 60, 86),
    2: ("Electric Grand Piano", 60, 84),
    4: ("Electric Piano 1", 58, 82),
    5: ("Electric Piano 2", 58, 82),
    6: ("Harpsichord", 60, 84),
    7: ("Clavinet", 55, 77),
    8: ("Celesta", 65, 89),
    11: ("Vibraphone", 58, 82),
    12: ("Marimba", 57, 81),
    16: ("Drawbar Organ", 57, 81),
    18: ("Rock Organ", 57, 81),
    19: ("Church Organ", 57, 81),
    24: ("Acoustic Guitar (nylon)", 55, 77),
    25: ("Acoustic Guitar (steel)", 55, 77),
    26: ("Electric Guitar (jazz)", 55, 77),
    27: ("Electric Guitar (clean)", 55, 79),
    28: ("Electric Guitar (muted)", 52, 72),
    29: ("Overdriven Guitar", 55, 81),
    30: ("Distortion Guitar", 55, 81),
    32: ("Acoustic Bass", 28, 48),
    33: ("Electric Bass (finger)", 28, 48),
    34: ("Electric Bass (pick)", 28, 48),
    35: ("Fretless Bass", 28, 48),
    36: ("Slap Bass 1", 28, 48),
    38: ("Synth Bass 1", 28, 48),
    39: ("Synth Bass 2", 28, 48),
    40: ("Violin", 60, 86),
    41: ("Viola", 55, 77),
    42: ("Cello", 45, 69),
    43: ("Contrabass", 28, 48),
    46: ("Orchestral Harp", 60, 86),
    48: ("String Ensemble 1", 58, 82),
    51: ("Synth Strings 2", 58, 82),
    52: ("Choir Aahs", 57, 77),
    53: ("Voice Oohs", 57, 79),
    54: ("Synth Choir", 57, 79),
    56: ("Trumpet", 58, 80),
    57: ("Trombone", 46, 67),
    59: ("Muted Trumpet", 58, 80),
    62: ("Synth Brass 1", 55, 77),
    64: ("Soprano Sax", 58, 82),
    66: ("Tenor Sax", 50, 72),
    68: ("Oboe", 60, 84),
    69: ("English Horn", 55, 77),
    70: ("Bassoon", 43, 65),
    71: ("Clarinet", 57, 81),
    73: ("Flute", 62, 88),
    74: ("Recorder", 65, 88),
    75: ("Pan Flute", 62, 86),
    79: ("Ocarina", 62, 84),
    80: ("Lead 1 (square)", 60, 81),
    81: ("Lead 2 (sawtooth)", 60, 81),
    88: ("Pad 1 (new age)", 57, 79),
    89: ("Pad 2 (warm)", 57, 79),
    91: ("Pad 4 (choir)", 57, 79),
    105: ("Banjo", 57, 79),
    108: ("Kalimba", 60, 81),
    110: ("Fiddle", 60, 84),
}

DRUM_KIT = ("Standard Drum Kit", "Drums")

DRUMS = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "tom": 45,
    "crash": 49,
    "ride": 51,
    "tambourine": 54,
    "shaker": 70,
}


def describe(program):
    """General MIDI name and family of a program.

    Arguments
    ---------
    program : int
        A key of ``INSTRUMENTS``.

    Returns
    -------
    tuple
        Name and family, both str.

    Example
    -------
    >>> describe(73)
    ('Flute', 'Pipe')
    """
    return INSTRUMENTS[program][0], FAMILIES[program // 8]
