"""Muon against its definition, and AdamW's part against torch's.

Authors
 * The mert_sb developers 2026
"""

import copy
import math

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from mert_sb.pretraining.muon import Muon, orthogonalise

SETTINGS = {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-5, "weight_decay": 0.1}


def parameters(*shapes):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.nn.Parameter(torch.randn(shape, generator=generator))
        for shape in shapes
    ]


def run(optimizer, weights, steps):
    for step in steps:
        generator = torch.Generator().manual_seed(100 + step)
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("shape", [(24, 40), (40, 24), (32, 32)])
def test_directions_stay_and_become_equally_long(shape):
    left, values, right = torch.linalg.svd(
        torch.randn(shape, generator=torch.Generator().manual_seed(1)),
        full_matrices=False,
    )
    # A hundred times between the longest and the shortest.
    values = torch.logspace(0, -2, len(values))
    result = orthogonalise((left * values) @ right).float()
    along = left.mT @ result @ right.mT
    assert 0.6 < along.diagonal().min() <= along.diagonal().max() < 1.3
    beside = along - along.diagonal().diag()
    assert beside.abs().max() < 0.05


def test_a_zero_gradient_moves_nothing_but_decay():
    (weight,) = parameters((4, 6))
    before = weight.detach().clone()
    weight.grad = torch.zeros_like(weight)
    Muon([weight], lr=0.1, matrix_lr=2.0, weight_decay=0.5).step()
    torch.testing.assert_close(weight.detach(), 0.9 * before)


def test_matrices_take_steps_of_their_own():
    (weight,) = parameters((6, 4))
    expected, mean = weight.detach().clone(), torch.zeros(6, 4)
    run(Muon([weight], matrix_lr=3.0, **SETTINGS), [weight], range(4))
    for step in range(4):
        generator = torch.Generator().manual_seed(100 + step)
        gradient = torch.randn(6, 4, generator=generator)
        mean = 0.95 * mean + 0.05 * gradient
        ahead = 0.05 * gradient + 0.95 * mean
        expected *= 1 - 0.05 * 3.0 * 0.1
        turned = orthogonalise(ahead).float()
        expected -= 0.05 * 3.0 * 0.2 * math.sqrt(6) * turned
    # In bfloat16 the last bits of a sum decide about the last digits.
    torch.testing.assert_close(weight.detach(), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("shapes", "matrix_lr"),
    [([(5,), (2, 3, 4), ()], 1.0), ([(5,), (3, 4)], 0.0)],
)
def test_all_else_is_adamws(shapes, matrix_lr):
    ours, theirs = parameters(*shapes), parameters(*shapes)
    run(Muon(ours, matrix_lr=matrix_lr, **SETTINGS), ours, range(5))
    run(torch.optim.AdamW(theirs, **SETTINGS), theirs, range(5))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_it_goes_on_from_its_state():
    shapes = [(4, 6), (5,)]
    whole, halves = parameters(*shapes), parameters(*shapes)
    run(Muon(whole, **SETTINGS), whole, range(6))
    first = Muon(halves, **SETTINGS)
    run(first, halves, range(3))
    second = Muon(halves, **SETTINGS)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    run(second, halves, range(3, 6))
    for one, other in zip(whole, halves, strict=True):
        assert torch.equal(one, other)


def test_settings_are_the_yamls_after_a_checkpoint_too():
    before, after = parameters((4, 6)), parameters((4, 6))
    first = Muon(before, matrix_lr=2.0, **SETTINGS)
    run(first, before, range(1))
    second = Muon(after, matrix_lr=0.5, **SETTINGS)
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["matrix_lr"] == 0.5


def test_it_goes_on_from_adamw_where_it_is_adamw():
    shapes = [(4, 6), (5,)]
    whole, halves = parameters(*shapes), parameters(*shapes)
    run(torch.optim.AdamW(whole, **SETTINGS), whole, range(6))
    first = torch.optim.AdamW(halves, **SETTINGS)
    run(first, halves, range(3))
    second = Muon(halves, matrix_lr=0.0, **SETTINGS)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    run(second, halves, range(3, 6))
    for one, other in zip(whole, halves, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("matrix_lr", [(0.0, 1.0), (1.0, 0.0)])
def test_another_optimizers_checkpoint_is_refused(matrix_lr):
    weights = parameters((4, 6))
    first, second = (Muon(weights, matrix_lr=v, **SETTINGS) for v in matrix_lr)
    run(first, weights, range(1))
    with pytest.raises(ValueError, match="opt_class .* another output_folder"):
        second.load_state_dict(first.state_dict())


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [("AVX512", torch.bfloat16), ("AVX2", torch.float32)],
)
def test_products_are_in_a_precision_the_processor_has(
    monkeypatch, capability, dtype
):
    monkeypatch.setattr(
        torch.backends.cpu, "get_cpu_capability", lambda: capability
    )
    assert orthogonalise(torch.rand(3, 5)).dtype == dtype


def test_a_yaml_names_it():
    made = load_hyperpyyaml(
        "opt: !name:mert_sb.pretraining.muon.Muon\n    matrix_lr: 2.0\n"
    )["opt"](parameters((2, 2)))
    assert made.param_groups[0]["matrix_lr"] == 2.0


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"matrix_lr": -1.0}, "matrix_lr"),
        ({"lr": -1.0}, "lr"),
        ({"momentum": 1.0}, "momentum"),
        ({"betas": (0.9, 1.0)}, "betas"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong, name):
    with pytest.raises(ValueError, match=name):
        Muon(parameters((2, 2)), **wrong)
