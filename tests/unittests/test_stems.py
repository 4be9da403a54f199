"""Random mixes of stems: where they come from, how often, and that dice decide.

Authors
 * The mert_sb developers 2026
"""

from collections import Counter

import pytest
import torch

from mert_sb.downstream.separation.mixes import draw_mix
from mert_sb.seeds import item_generator

LENGTHS = [1_000, 2_000, 1_500, 1_000]
OPTIONS = {
    "lengths": LENGTHS,
    "n_stems": 3,
    "crop": 900,
    "gains": (0.25, 1.25),
}


def mixes(count, own=2, **changed):
    """Mixes of the turns of a song."""
    return [
        draw_mix(
            own,
            turn,
            **OPTIONS | changed,
            generator=item_generator(1, 1, str(turn), "mix"),
        )
        for turn in range(count)
    ]


def test_a_songs_stems_take_turns_among_others():
    drawn = mixes(600)
    for turn, draws in enumerate(drawn):
        assert draws[turn % 3].song == 2
    others = Counter(
        draw.song
        for turn, draws in enumerate(drawn)
        for stem, draw in enumerate(draws)
        if stem != turn % 3
    )
    # Evenly from all songs, its own too: 1,200 draws.
    assert set(others) == {0, 1, 2, 3}
    assert all(250 < count < 350 for count in others.values())


def test_stems_are_from_anywhere_at_any_gain():
    draws = [draw for mix in mixes(600) for draw in mix]
    for draw in draws:
        assert 0 <= draw.start <= LENGTHS[draw.song] - 900
        assert 0.25 <= draw.gain <= 1.25
    starts = {draw.start for draw in draws if draw.song == 0}
    assert min(starts) < 5 and max(starts) > 95 and len(starts) > 80
    gains = torch.tensor([draw.gain for draw in draws])
    assert abs(gains.mean() - 0.75) < 0.02
    assert gains.min() < 0.27 and gains.max() > 1.23
    assert 0.45 < sum(draw.swap for draw in draws) / len(draws) < 0.55


def test_without_remixing_all_are_from_one_place():
    for draws in mixes(50, remix=False):
        assert {(draw.song, draw.start) for draw in draws} == {
            (2, draws[0].start)
        }
        assert len({draw.gain for draw in draws}) == 3


def test_the_same_dice_give_the_same_mix():
    assert mixes(5) == mixes(5)
    assert len({tuple(mix) for mix in mixes(20)}) == 20


def test_a_song_that_is_shorter_than_a_crop_is_refused():
    with pytest.raises(ValueError, match="crop of 1001 .* song of 1000"):
        mixes(1, crop=1_001)
