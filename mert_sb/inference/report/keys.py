"""The 24 keys by the circle of fifths, each major key beside its relative minor.

Neighbours sound alike: what a probe confuses lies near the diagonal.

Authors
 * The mert_sb developers 2026
"""

TONICS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
# As the families number them: majors, then minors, by semitones.
KEYS = tuple(f"{t} {mode}" for mode in ("major", "minor") for t in TONICS)
# From C upwards: C major, A minor, G major, E minor, D major, ...
BY_FIFTHS = tuple(
    index
    for step in range(12)
    for index in (7 * step % 12, 12 + (7 * step + 9) % 12)
)


def short_key(name):
    """A key as chords are written.

    Arguments
    ---------
    name : str
        One of ``KEYS``.

    Returns
    -------
    str
        The tonic, with an m where it is minor.

    Example
    -------
    >>> [short_key(KEYS[index]) for index in BY_FIFTHS[:4]]
    ['C', 'Am', 'G', 'Em']
    """
    tonic, mode = name.split()
    return f"{tonic}m" if mode == "minor" else tonic
