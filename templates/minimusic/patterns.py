"""Rhythms: what drums, basses and accompaniments repeat in every bar.

A pattern is a bar as a string of equal steps: a symbol strikes, ``-`` holds it,
``.`` is silence. Drums: ``x`` plain, ``X`` accented, ``o`` soft. Bass: ``R``
root, ``T`` third, ``F`` fifth, ``O`` octave, ``A`` approach to the next root.
Chords: ``C`` all tones, ``D`` and ``U`` strummed down and up, digits one tone.

Authors
 * The mert_sb developers 2026
"""

# Style pattern: beats a bar: drum: steps.
DRUM_PATTERNS = {
    "ballad": {
        4: {
            "kick": "X......xx.......",
            "rim": "....x.......x...",
            "hat": "x.o.x.o.x.o.x.o.",
        },
        3: {"kick": "X.....", "rim": "..x.x.", "hat": "xoxoxo"},
    },
    "bossa": {
        4: {
            "kick": "X..xx..xX..xx..x",
            "rim": "x..x..x...x..x..",
            "shaker": "xoxoxoxoxoxoxoxo",
        },
    },
    "breakbeat": {
        4: {
            "kick": "X.x.......xx....",
            "snare": "....X..o.o..X..o",
            "hat": "x.x.x.x.x.x.x.x.",
        },
    },
    "driving": {
        4: {
            "kick": "X..x..x.X..x..x.",
            "snare": "....X.......X...",
            "ride": "x.x.x.x.x.x.x.x.",
        },
    },
    "funk": {
        4: {
            "kick": "X..x..x...x..x..",
            "snare": "....X..o.o..X...",
            "hat": "xoxoxoxoxoxoxox.",
            "open": "...............x",
        },
    },
    "halftime": {
        4: {
            "kick": "X.........x.....",
            "snare": "........X.......",
            "hat": "x.o.x.o.x.o.x.o.",
        },
        3: {"kick": "X.....", "snare": "....X.", "hat": "xoxoxo"},
    },
    "house": {
        4: {
            "kick": "X...X...X...X...",
            "clap": "....x.......x...",
            "open": "..x...x...x...x.",
            "shaker": "xoxoxoxoxoxoxoxo",
        },
    },
    "rock": {
        4: {
            "kick": "X.......x.x.....",
            "snare": "....X.......X...",
            "hat": "X.x.X.x.X.x.X.x.",
        },
    },
    "swing": {
        4: {"ride": "X.xxX.xx", "pedal": "..x...x.", "kick": "o.o.o.o."},
        3: {"ride": "X.xxx.", "pedal": "..x...", "kick": "o....."},
    },
    "tambourine": {
        4: {"kick": "X...x...", "tambourine": "..x...x."},
        3: {"kick": "X.....", "tambourine": "..x.x."},
    },
    "techno": {
        4: {
            "kick": "X...X...X...X...",
            "hat": "..x...x...x...x.",
            "rim": "...o..o....o..o.",
            "clap": "....x.......x..o",
        },
    },
    "waltz": {
        3: {"kick": "X.....", "snare": "..o.o.", "hat": "x.x.x."},
    },
}

FILLS = ("xxxx", "x.xx", "x.x.", "xx.x")

BASS_PATTERNS = {
    "bossa": {4: "R--FF--R"},
    "funk": {4: "R-.O..R-..F-.OA-"},
    "halves": {4: "R---F---", 3: "R---F-"},
    "octaves": {4: "RORORORO"},
    "offbeat": {4: ".R.R.R.R"},
    "pulse": {4: "RRRRRRRR"},
    "rock": {4: "R--RR-RA"},
    "roots": {4: "R-------", 3: "R-----"},
    "slap": {4: "R..R..O.R..RF.OA"},
    "steps": {4: "R-T-R-A-", 3: "R-T-A-"},
    "walking": {4: "R-T-F-A-", 3: "R-F-A-"},
    "waltz": {3: "R-...."},
}

CHORD_PATTERNS = {
    "arpeggio": {4: "01232123", 3: "012321"},
    "block": {4: "C-------", 3: "C-----"},
    "bossa": {4: "C-.CC-.C"},
    "broken": {4: "0-C-1-C-", 3: "0-C-C-"},
    "charleston": {4: "C..C....", 3: "C..C.."},
    "eighths": {4: "CCCCCCCC"},
    "halves": {4: "C---C---", 3: "C-----"},
    "held": {4: "C-C-C-C-", 3: "C-C-C-"},
    "scratch": {4: "..C...CC..C..CC."},
    "sequence": {4: "0213021302130213"},
    "stabs": {4: "..C..C....C..C.."},
    "strum": {4: "D-DU.UDU", 3: "D-DUDU"},
    "syncopated": {4: "C..C...C..C-...."},
    "waltz": {3: "..C.C."},
}

# Lengths in beats of a melody's notes in a bar; negative is a rest.
MELODY_RHYTHMS = {
    "sparse": {
        4: ((2, 2), (3, 1), (4,), (-1, 1, 2), (1.5, 0.5, 2), (1, 1, 2)),
        3: ((3,), (2, 1), (-1, 2), (1.5, 1.5), (1, 2)),
    },
    "medium": {
        4: (
            (1, 1, 1, 1),
            (1, 0.5, 0.5, 1, 1),
            (1.5, 0.5, 1, 1),
            (0.5, 0.5, 1, 2),
            (1, 1, 2),
            (-0.5, 0.5, 0.5, 0.5, 1, 1),
            (2, 0.5, 0.5, 1),
        ),
        3: (
            (1, 1, 1),
            (2, 0.5, 0.5),
            (1.5, 0.5, 1),
            (1, 0.5, 0.5, 1),
            (-1, 1, 1),
            (2, 1),
        ),
    },
    "dense": {
        4: (
            (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1),
            (0.5, 0.5, 1, 0.5, 0.5, 1),
            (1.5, 0.5, 0.5, 0.5, 1),
            (-0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
            (0.75, 0.75, 0.5, 0.5, 0.5, -1),
            (1, 0.5, 0.5, 1, 0.5, 0.5),
        ),
        3: (
            (0.5, 0.5, 0.5, 0.5, 1),
            (1, 0.5, 0.5, 0.5, 0.5),
            (-0.5, 0.5, 0.5, 0.5, 1),
            (1.5, 0.5, 0.5, 0.5),
        ),
    },
}


def strikes(pattern, n_beats):
    """Read a bar's pattern.

    Arguments
    ---------
    pattern : str
        Equal steps of one bar.
    n_beats : int
        Beats of the bar.

    Returns
    -------
    list
        Of (symbol, start, length), the latter two in beats from the bar line.

    Example
    -------
    >>> strikes("R-.F", 4)
    [('R', 0.0, 2.0), ('F', 3.0, 1.0)]
    """
    step = n_beats / len(pattern)
    found = []
    for position, symbol in enumerate(pattern):
        if symbol == "-":
            name, start, length = found.pop()
            found.append((name, start, length + step))
        elif symbol != ".":
            found.append((symbol, position * step, step))
    return found
