"""The dice: one generator for each purpose of each piece.

Nothing is drawn from global state, so a piece depends on the seed and its
number only, and a new purpose leaves the draws of all others as they were.

Authors
 * The mert_sb developers 2026
"""

import random


def dice(seed, index, *purpose):
    """A generator for one purpose of one piece.

    Arguments
    ---------
    seed : int
        Seed of the data set.
    index : int
        Number of the piece.
    *purpose : str
        What is drawn.

    Returns
    -------
    random.Random
        The same in every process; strings are hashed by SHA-512.

    Example
    -------
    >>> dice(1, 2, "key").random() == dice(1, 2, "key").random()
    True
    """
    words = ("minimusic", seed, index, *purpose)
    return random.Random("/".join(map(str, words)))
