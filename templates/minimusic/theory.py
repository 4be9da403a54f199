"""Harmony: keys, chords and functional progressions.

A chord is written as a Roman numeral of the key, a progression is a walk over
``MOVES`` (tonic, then subdominant, then dominant, then tonic; Kostka and Payne,
*Tonal Harmony*, ch. 7) that ends in a cadence. A slash marks a secondary
dominant, which resolves to the chord after the slash; ``b`` a borrowed chord.

Authors
 * The mert_sb developers 2026
"""

TONICS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}

QUALITIES = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "hdim7": (0, 3, 6, 10),
}

# Numeral: semitones above the tonic, quality as a triad, quality as a seventh.
NUMERALS = {
    "major": {
        "I": (0, "maj", "maj7"),
        "ii": (2, "min", "min7"),
        "iii": (4, "min", "min7"),
        "IV": (5, "maj", "maj7"),
        "V": (7, "maj", "7"),
        "vi": (9, "min", "min7"),
        "vii": (11, "dim", "hdim7"),
        "iv": (5, "min", "min7"),
        "bVI": (8, "maj", "maj7"),
        "bVII": (10, "maj", "7"),
        "V/ii": (9, "7", "7"),
        "V/IV": (0, "7", "7"),
        "V/V": (2, "7", "7"),
        "V/vi": (4, "7", "7"),
    },
    "minor": {
        "i": (0, "min", "min7"),
        "ii": (2, "dim", "hdim7"),
        "III": (3, "maj", "maj7"),
        "iv": (5, "min", "min7"),
        "V": (7, "maj", "7"),
        "VI": (8, "maj", "maj7"),
        "VII": (10, "maj", "7"),
        "vii": (11, "dim", "dim"),
        "bII": (1, "maj", "maj7"),
        "IV": (5, "maj", "7"),
        "V/iv": (0, "7", "7"),
        "V/III": (10, "7", "7"),
    },
}

# What may follow; names after the bar only where the style is rich.
MOVES = {
    "major": {
        "I": "IV V vi ii iii | V/IV V/vi V/ii bVII",
        "ii": "V V vii | V/V",
        "iii": "vi IV | V/ii",
        "IV": "V I ii | iv V/V",
        "V": "I I vi",
        "vi": "ii IV V iii | V/V bVI",
        "vii": "I V",
        "iv": "I V",
        "bVI": "bVII V",
        "bVII": "IV I",
        "V/ii": "ii",
        "V/IV": "IV",
        "V/V": "V",
        "V/vi": "vi",
    },
    "minor": {
        "i": "iv VI VII V ii III | V/iv IV",
        "ii": "V V",
        "III": "VI iv VII",
        "iv": "V i VII ii",
        "V": "i i VI",
        "VI": "iv VII ii V | bII V/III",
        "VII": "III i VI",
        "vii": "i V",
        "bII": "V",
        "IV": "V VII",
        "V/iv": "iv",
        "V/III": "III",
    },
}

LOOPS = {
    "major": (
        "I V vi IV",
        "vi IV I V",
        "I vi IV V",
        "I IV vi V",
        "I bVII IV I",
        "I IV I V",
    ),
    "minor": (
        "i VI III VII",
        "i VII VI V",
        "i iv VI V",
        "i III VII iv",
        "i VI iv V",
        "i iv i V",
    ),
}

CADENCES = {
    "major": {"close": ("V I", "V I", "IV I"), "open": ("V", "IV V", "V vi")},
    "minor": {"close": ("V i", "V i", "iv i"), "open": ("V", "iv V", "V VI")},
}


def progression(rng, mode, n_slots, *, closing, rich):
    """A functional progression from the tonic to a cadence.

    Arguments
    ---------
    rng : random.Random
        Draws every choice.
    mode : str
        ``major`` or ``minor``.
    n_slots : int
        Number of chords, at least 2.
    closing : bool
        Whether to end on the tonic; else with a half or deceptive cadence.
    rich : bool
        Whether to allow borrowed chords and secondary dominants.

    Returns
    -------
    list
        ``n_slots`` numerals.

    Example
    -------
    >>> import random
    >>> chords = progression(
    ...     random.Random("a"), "major", 4, closing=True, rich=False
    ... )
    >>> chords[0], chords[-1]
    ('I', 'I')
    """
    cadence = rng.choice(CADENCES[mode]["close" if closing else "open"])
    cadence = cadence.split()[-n_slots:]
    n_free = n_slots - len(cadence)
    if not n_free:
        return cadence
    tonic = "I" if mode == "major" else "i"
    return _walk(rng, mode, [tonic], n_free, cadence[0], rich) + cadence


def _walk(rng, mode, path, length, goal, rich):
    """Extend the path to the length so that the goal may follow, or None."""
    plain, _, extra = MOVES[mode][path[-1]].partition("|")
    names = plain.split() + (extra.split() if rich else [])
    if len(path) == length:
        return path if goal in names else None
    rng.shuffle(names)
    for name in names:
        found = _walk(rng, mode, path + [name], length, goal, rich)
        if found:
            return found
    return None


def local_scale(tonic, mode, chord):
    """The key's scale, bent so that it holds the chord's tones.

    Arguments
    ---------
    tonic : int
        Pitch class of the key.
    mode : str
        ``major`` or ``minor``.
    chord : pieces.Chord
        The chord that sounds.

    Returns
    -------
    set
        Pitch classes.

    Example
    -------
    >>> from pieces import Chord
    >>> sorted(local_scale(0, "major", Chord(0, 4, 2, "7")))
    [0, 2, 4, 6, 7, 9, 11]
    """
    scale = {(tonic + step) % 12 for step in SCALES[mode]}
    third = (chord.root + 4) % 12
    for tone in chord.tones:
        if tone not in scale:
            diminished = chord.quality in ("dim", "hdim7")
            raised = tone == (chord.root if diminished else third)
            scale.discard((tone + (-1 if raised else 1)) % 12)
            scale.add(tone)
    return scale
