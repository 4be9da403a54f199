"""LAMB against its formula, and the optimizers that a YAML may name.

Authors
 * The mert_sb developers 2026
"""

import copy

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from mert_sb.pretraining.optimizers import Lamb

SETTINGS = {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-5, "weight_decay": 0.1}


def parameters():
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 4), (5,), (2, 2, 2)]
    return [
        torch.nn.Parameter(torch.randn(shape, generator=generator).double())
        for shape in shapes
    ]


def gradients(step):
    generator = torch.Generator().manual_seed(100 + step)
    return [
        torch.randn(weight.shape, generator=generator).double()
        for weight in parameters()
    ]


def run(optimizer, weights, steps):
    for step in steps:
        for weight, gradient in zip(weights, gradients(step), strict=True):
            weight.grad = gradient
        optimizer.step()
        optimizer.zero_grad()


def naive(steps, *, lr, betas, eps, weight_decay):
    """Algorithm 2 of the paper, a number at a time where it can be."""
    results = []
    for index, weight in enumerate(parameters()):
        x = weight.detach().clone()
        m, v = torch.zeros_like(x), torch.zeros_like(x)
        for t in range(1, steps + 1):
            g = gradients(t - 1)[index]
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g**2
            m_hat = m / (1 - betas[0] ** t)
            v_hat = v / (1 - betas[1] ** t)
            r = m_hat / (v_hat**0.5 + eps) + weight_decay * x
            phi = sum(value**2 for value in x.flatten().tolist()) ** 0.5
            norm = sum(value**2 for value in r.flatten().tolist()) ** 0.5
            x = x - lr * phi / norm * r
        results.append(x)
    return results


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_are_the_papers(weight_decay):
    settings = SETTINGS | {"weight_decay": weight_decay}
    weights = parameters()
    run(Lamb(weights, **settings), weights, range(5))
    for weight, expected in zip(weights, naive(5, **settings), strict=True):
        torch.testing.assert_close(weight.detach(), expected)


def test_a_step_is_as_long_as_the_rate_times_the_weights():
    weights = parameters()
    lengths = [weight.detach().norm() for weight in weights]
    before = [weight.detach().clone() for weight in weights]
    run(Lamb(weights, **SETTINGS), weights, [0])
    for weight, old, length in zip(weights, before, lengths, strict=True):
        moved = (weight.detach() - old).norm()
        torch.testing.assert_close(moved, 0.05 * length)


def test_weights_of_zero_move_as_in_adam():
    settings = SETTINGS | {"weight_decay": 0.0}
    ours, theirs = (torch.nn.Parameter(torch.zeros(4)) for _ in range(2))
    gradient = torch.tensor([1.0, -2.0, 3.0, 0.5])
    ours.grad, theirs.grad = gradient.clone(), gradient.clone()
    Lamb([ours], **settings).step()
    torch.optim.Adam([theirs], **settings).step()
    torch.testing.assert_close(ours, theirs)


def test_no_gradient_moves_nothing_and_zeros_are_no_nan():
    still, zero = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    zero.grad = torch.zeros(3)
    Lamb([still, zero], lr=0.1, weight_decay=0.0).step()
    assert torch.equal(still, torch.ones(3))
    assert torch.equal(zero, torch.ones(3))


def test_groups_have_their_own_rates():
    weights = parameters()
    groups = [
        {"params": weights[:1], "lr": 0.0},
        {"params": weights[1:], "weight_decay": 0.0},
    ]
    run(Lamb(groups, **SETTINGS), weights, range(3))
    assert torch.equal(weights[0], parameters()[0])
    expected = naive(3, **SETTINGS | {"weight_decay": 0.0})
    for weight, wanted in zip(weights[1:], expected[1:], strict=True):
        torch.testing.assert_close(weight.detach(), wanted)


def test_a_saved_run_goes_on_as_if_nothing_had_happened():
    whole = parameters()
    run(Lamb(whole, **SETTINGS), whole, range(6))
    weights = parameters()
    first = Lamb(weights, **SETTINGS)
    run(first, weights, range(3))
    second = Lamb(weights, lr=1.0)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    run(second, weights, range(3, 6))
    for weight, expected in zip(weights, whole, strict=True):
        assert torch.equal(weight, expected)


def test_a_closure_gives_its_loss():
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = Lamb([weight], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = weight.sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) == 2
    assert (weight < 1).all()


@pytest.mark.parametrize(
    "setting",
    [
        {"lr": -1.0},
        {"eps": -1.0},
        {"weight_decay": -1.0},
        {"betas": (1.0, 0.9)},
        {"betas": (0.9, -0.1)},
    ],
)
def test_numbers_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        Lamb(parameters(), **setting)


YAMLS = {
    "AdamW": "!name:torch.optim.AdamW",
    "RAdam": "!name:torch.optim.RAdam",
    "Lamb": "!name:mert_sb.pretraining.optimizers.Lamb",
}


@pytest.mark.parametrize("name", YAMLS)
def test_a_yaml_names_the_optimizer(name):
    text = f"""
opt_class: {YAMLS[name]}
    lr: 0.05
    betas: [0.8, 0.95]
    eps: 1.0e-5
    weight_decay: 0.1
"""
    if name == "RAdam":
        text += "    decoupled_weight_decay: True\n"
    opt_class = load_hyperpyyaml(text)["opt_class"]
    weights, others = parameters(), parameters()
    optimizer = opt_class(weights)
    assert type(optimizer).__name__ == name
    more = {"decoupled_weight_decay": True} if name == "RAdam" else {}
    by_hand = type(optimizer)(others, **SETTINGS, **more)
    run(optimizer, weights, range(8))
    run(by_hand, others, range(8))
    for weight, other, start in zip(weights, others, parameters(), strict=True):
        assert torch.equal(weight, other)
        assert not torch.allclose(weight, start)


def test_the_optimizers_are_not_one_another():
    results = []
    for opt_class in (torch.optim.AdamW, torch.optim.RAdam, Lamb):
        weights = parameters()
        run(opt_class(weights, **SETTINGS), weights, range(8))
        results.append(torch.cat([w.detach().flatten() for w in weights]))
    assert not torch.allclose(results[0], results[1])
    assert not torch.allclose(results[0], results[2])
    assert not torch.allclose(results[1], results[2])
