"""The dice: equal wherever drawn, different for whatever differs.

Authors
 * The mert_sb developers 2026
"""

import itertools

import pytest
import torch

from mert_sb.seeds import item_generator, item_seed

USE = (1337, 1, "track", "mask")


def test_a_seed_is_the_same_in_every_process_and_release():
    # Another number here means that no experiment resumes as it was.
    assert item_seed(*USE) == 4395999190025487242


@pytest.mark.parametrize(
    "other",
    [
        (1338, 1, "track", "mask"),
        (1337, 2, "track", "mask"),
        (1337, 1, "Track", "mask"),
        (1337, 1, "track", "crop"),
    ],
)
def test_each_part_changes_the_seed(other):
    assert item_seed(*other) != item_seed(*USE)


def test_parts_cannot_flow_into_one_another():
    uses = [(1, 11, "1", "a"), (11, 1, "1", "a"), (1, 1, "11", "a")]
    uses += [(1, 1, "1", "1a"), (1, 1, "11a", ""), (111, 1, "", "a")]
    assert len({item_seed(*use) for use in uses}) == len(uses)


def test_seeds_of_many_items_differ_and_fit_a_generator():
    seeds = {
        item_seed(0, epoch, f"Füße/{item}", "crop")
        for epoch, item in itertools.product(range(10), range(1_000))
    }
    assert len(seeds) == 10_000
    assert 0 <= min(seeds) and max(seeds) < 2**63
    # All 63 bits are in use.
    assert max(seeds) > 2**63 * 0.99
    for seed in (min(seeds), max(seeds)):
        torch.Generator().manual_seed(seed)


def test_generators_of_one_item_draw_the_same():
    draws = [torch.rand(5, generator=item_generator(*USE)) for _ in range(2)]
    assert torch.equal(*draws)


def test_draws_of_different_items_are_independent():
    draws = torch.stack(
        [
            torch.rand(100, generator=item_generator(0, 0, str(item), "mask"))
            for item in range(50)
        ]
    )
    correlations = torch.corrcoef(draws).fill_diagonal_(0)
    assert correlations.abs().max() < 0.5


def test_global_dice_are_left_alone():
    before = torch.random.get_rng_state()
    torch.rand(3, generator=item_generator(*USE))
    assert torch.equal(torch.random.get_rng_state(), before)
