"""Random mixes of stems: what a training example is made of.

As Open-Unmix trains, and the benchmark with it: stems of any songs, from anywhere in
them, each with a gain and perhaps its channels swapped.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

import torch


class Draw(NamedTuple):
    """One stem of a mix.

    Arguments
    ---------
    song : int
        Index of the song.
    start : int
        First sample.
    gain : float
        To multiply with.
    swap : bool
        Whether to swap the channels.

    Example
    -------
    >>> Draw(song=3, start=0, gain=1.0, swap=False).song
    3
    """

    song: int
    start: int
    gain: float
    swap: bool


def draw_mix(
    own, turn, lengths, *, n_stems, crop, gains, remix=True, generator
):
    """Draw where the stems of a mix come from.

    Arguments
    ---------
    own : int
        Index of the song whose turn it is.
    turn : int
        How many examples it had before. Its stem number ``turn % n_stems`` is in the
        mix, so that over an epoch each stem of each song is heard as often.
    lengths : list of int
        Samples of each song.
    n_stems : int
        K.
    crop : int
        Samples of the mix.
    gains : tuple of float
        Least and most; drawn evenly in between.
    remix : bool
        Whether stems come from different songs; False: all from one place of one.
    generator : torch.Generator
        The dice; see ``mert_sb.seeds.item_generator``.

    Returns
    -------
    list of Draw
        One for each stem.

    Raises
    ------
    ValueError
        If a song is shorter than a crop.

    Example
    -------
    >>> generator = torch.Generator().manual_seed(0)
    >>> draws = draw_mix(
    ...     *(2, 1, [900] * 5),
    ...     n_stems=2,
    ...     crop=800,
    ...     gains=(0.25, 1.25),
    ...     generator=generator,
    ... )
    >>> draws[1].song, all(0 <= draw.start <= 100 for draw in draws)
    (2, True)
    """
    if min(lengths) < crop:
        raise ValueError(
            f"a crop of {crop} samples does not fit into a song of {min(lengths)}; "
            "lower crop_seconds, or leave the song out"
        )

    def place(song):
        most = lengths[song] - crop + 1
        return song, int(torch.randint(most, (), generator=generator))

    least, most = gains
    common, draws = place(own), []
    for stem in range(n_stems):
        where = common
        if remix and stem != turn % n_stems:
            song = torch.randint(len(lengths), (), generator=generator)
            where = place(int(song))
        share, side = torch.rand(2, generator=generator).tolist()
        draws.append(Draw(*where, least + share * (most - least), side < 0.5))
    return draws
