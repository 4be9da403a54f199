"""The codebook head's options: each against its formula, none of them for nothing.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from torch.nn import functional as F

from mert_sb.pretraining.heads import CodebookHead

D, K, C, P, M = 16, 4, 11, 8, 9
SIZES = {"n_codebooks": K, "codebook_size": C, "proj_dim": P}


def build(**settings):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CodebookHead(D, **(SIZES | settings))


def inputs(n=M, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(n, D, generator=generator)
    return hidden, torch.randint(C, (n, K), generator=generator)


def losses_of(projected, codes, targets, temperature):
    """Cross-entropies ``(M,)`` of one codebook by cosine similarity."""
    cosines = torch.cosine_similarity(projected[:, None], codes[None], dim=-1)
    return F.cross_entropy(cosines / temperature, targets, reduction="none")


def test_by_default_there_is_nothing_more_to_learn():
    names = set(build().state_dict())
    assert names == {"projection.weight", "projection.bias", "codes"}


def test_learned_temperatures_begin_as_fixed_ones():
    hidden, targets = inputs()
    fixed = build(temperature=0.2)(hidden, targets)
    learned = build(temperature=0.2, learnable_temperature=True)
    found = learned(hidden, targets)
    torch.testing.assert_close(found["losses"], fixed["losses"])
    assert torch.equal(found["accuracy"], fixed["accuracy"])


def test_each_codebook_has_a_temperature_that_learns():
    hidden, targets = inputs()
    head = build(learnable_temperature=True)
    with torch.no_grad():
        head.log_scales.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    result = head(hidden, targets)
    projected = head.projection(hidden).unflatten(-1, (K, P))
    for book in range(K):
        expected = losses_of(
            projected[:, book],
            head.codes[book],
            targets[:, book],
            torch.tensor(-1.0 - book).exp(),
        ).mean()
        torch.testing.assert_close(result["losses"][book], expected.detach())
    result["loss"].backward()
    assert (head.log_scales.grad != 0).all()


def test_temperatures_stop_at_the_ceiling():
    hidden, targets = inputs()
    head = build(learnable_temperature=True, max_scale=20.0)
    with torch.no_grad():
        head.log_scales[1] = 9.0
    result = head(hidden, targets)
    at_ceiling = build(temperature=1 / 20)(hidden, targets)
    torch.testing.assert_close(result["losses"][1], at_ceiling["losses"][1])
    result["loss"].backward()
    assert head.log_scales.grad[1] == 0 and head.log_scales.grad[0] != 0


def test_a_tied_projection_is_one_for_all_codebooks():
    hidden, targets = inputs()
    head = build(tied_projection=True)
    assert head.projection.weight.shape == (P, D)
    result = head(hidden, targets)
    projected = head.projection(hidden)
    for book in range(K):
        expected = losses_of(
            projected, head.codes[book], targets[:, book], 0.1
        ).mean()
        torch.testing.assert_close(result["losses"][book], expected.detach())
    result["loss"].backward()
    assert head.projection.weight.grad.any()


def test_codes_go_through_the_gated_unit():
    hidden, targets = inputs()
    head = build(target_glu=True)
    result = head(hidden, targets)
    weight, bias = head.glu[0].weight, head.glu[0].bias
    projected = head.projection(hidden).unflatten(-1, (K, P))
    for book in range(K):
        values, gates = (head.codes[book] @ weight.T + bias).chunk(2, dim=-1)
        expected = losses_of(
            projected[:, book],
            values * gates.sigmoid(),
            targets[:, book],
            0.1,
        ).mean()
        torch.testing.assert_close(result["losses"][book], expected.detach())
    plain = build()(hidden, targets)
    assert not torch.allclose(result["losses"], plain["losses"])
    result["loss"].backward()
    assert weight.grad.any() and head.codes.grad.any()


def compared(head, hidden, targets):
    """Which codebooks had a part in a loss."""
    head.zero_grad()
    result = head(hidden, targets)
    result["loss"].backward()
    books = head.codes.grad.flatten(1).any(1).nonzero().flatten().tolist()
    rows = head.projection.weight.grad.unflatten(0, (K, P)).flatten(1).any(1)
    assert rows.nonzero().flatten().tolist() == books
    return books, result


def test_some_codebooks_are_drawn_without_replacement():
    hidden, targets = inputs()
    head = build(random_codebooks=2)
    everything = build()(hidden, targets)["losses"]
    drawn = set()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(40):
            books, result = compared(head, hidden, targets)
            # Two draws with replacement would often be one codebook.
            assert len(books) == 2
            drawn.add(tuple(books))
            torch.testing.assert_close(result["losses"], everything[books])
            torch.testing.assert_close(
                result["loss"], everything[books].sum(), check_stride=False
            )
            assert result["accuracy"].shape == (2,)
            assert result["prediction"].shape == (M, 2)
    assert len(drawn) == 6


def test_drawn_codebooks_repeat_with_the_dice():
    hidden, targets = inputs()
    head = build(random_codebooks=1)
    runs = []
    for _ in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            runs.append([compared(head, hidden, targets)[0] for _ in range(20)])
    assert runs[0] == runs[1]


def test_drawn_codebooks_have_their_own_temperatures_and_units():
    hidden, targets = inputs()
    options = {"learnable_temperature": True, "target_glu": True}
    whole, head = build(**options), build(**options, random_codebooks=2)
    for each in (whole, head):
        with torch.no_grad():
            each.log_scales.copy_(torch.tensor([0.5, 1.0, 1.5, 2.0]))
    everything = whole(hidden, targets)["losses"]
    books, result = compared(head, hidden, targets)
    torch.testing.assert_close(result["losses"], everything[books])


def test_a_tied_projection_is_shared_by_drawn_codebooks():
    hidden, targets = inputs()
    everything = build(tied_projection=True)(hidden, targets)["losses"]
    head = build(tied_projection=True, random_codebooks=3)
    found = head(hidden, targets)["losses"]
    assert found.shape == (3,)
    assert all(torch.isclose(everything, loss).any() for loss in found)


def test_validation_compares_all_codebooks():
    hidden, targets = inputs()
    head = build(random_codebooks=1).eval()
    before = torch.random.get_rng_state()
    found = head(hidden, targets)["losses"]
    assert torch.equal(found, build()(hidden, targets)["losses"])
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("weight", [0.25, 1.0, 3.0])
def test_visible_frames_count_by_their_weight(weight):
    (hidden, targets), visible = inputs(), inputs(6, seed=1)
    result = build(visible_weight=weight)(hidden, targets, visible)
    masked = build()(hidden, targets)
    others = build()(*visible)
    expected = masked["loss"] * M + weight * others["loss"] * 6
    torch.testing.assert_close(result["loss"], expected / (M + weight * 6))
    # What is reported stays that of masked frames.
    for name in ("losses", "accuracy", "prediction"):
        torch.testing.assert_close(result[name], masked[name])


def test_visible_frames_teach():
    (hidden, targets), visible = inputs(), inputs(6, seed=1)
    seen = visible[0].requires_grad_()
    head = build(visible_weight=0.5)
    head(hidden, targets, visible)["loss"].backward()
    assert seen.grad.abs().sum(1).min() > 0


def test_without_a_weight_visible_frames_do_not_matter():
    (hidden, targets), visible = inputs(), inputs(6, seed=1)
    found = build()(hidden, targets, visible)["loss"]
    assert torch.equal(found, build()(hidden, targets)["loss"])


def test_a_weight_without_visible_frames_is_refused():
    with pytest.raises(ValueError, match="visible_weight: no visible frames"):
        build(visible_weight=0.5)(*inputs())


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"max_scale": 50.0}, "max_scale: has no effect"),
        ({"temperature": 0.0}, "temperature: 0.0 is not above 0"),
        (
            {"temperature": 0.005, "learnable_temperature": True},
            "above max_scale",
        ),
        ({"random_codebooks": K}, "random_codebooks: 4 of 4"),
        ({"random_codebooks": -1}, "random_codebooks: -1 of 4"),
        ({"visible_weight": -0.5}, "visible_weight: -0.5 is below 0"),
        ({"target_glu": True, "tied_projection": True}, "not with tied_pro"),
    ],
)
def test_impossible_and_idle_options_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        build(**settings)
