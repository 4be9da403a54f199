"""Heads: fairseq's noise-contrastive loss and a mean square, always in float32.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from torch.nn import functional as F

from mert_sb.pretraining.heads import CodebookHead, RegressionHead

SIZES = {"n_codebooks": 3, "codebook_size": 11, "proj_dim": 8}


def build(**settings):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CodebookHead(16, **(SIZES | settings))


def inputs(n_masked=9):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(n_masked, 16, generator=generator)
    targets = torch.randint(11, (n_masked, 3), generator=generator)
    return hidden, targets


def fairseqs_logits(projected, codes, targets, temperature):
    """HuBERT's ``compute_nce``: the positive first, all codes as negatives."""
    positives = codes[targets]
    negatives = codes[:, None].expand(-1, len(projected), -1)
    equal = (positives == negatives).all(-1)
    candidates = torch.cat([positives[None], negatives])
    logits = torch.cosine_similarity(projected, candidates, dim=-1)
    logits = logits / temperature
    logits[1:] = logits[1:].masked_fill(equal, -torch.inf)
    return logits.T


def fairseqs_losses(head, hidden, targets):
    """Losses and accuracies by codebook, as the original has them."""
    projected = head.projection(hidden).unflatten(-1, (3, -1)).unbind(1)
    losses, hits = [], []
    for part, codes, wanted in zip(
        projected, head.codes, targets.T, strict=True
    ):
        logits = fairseqs_logits(part, codes, wanted, head.temperature)
        first = torch.zeros(len(hidden), dtype=torch.long)
        losses.append(F.cross_entropy(logits, first))
        hits.append((logits.argmax(1) == 0).float().mean())
    return torch.stack(losses), torch.stack(hits)


def gradients(head, hidden, loss):
    loss.backward()
    found = [hidden.grad, *(p.grad for p in head.parameters())]
    hidden.grad = None
    head.zero_grad()
    return found


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_losses_and_gradients_equal_fairseqs(temperature, device):
    head = build(temperature=temperature).double()
    hidden, targets = inputs()
    hidden = hidden.double().requires_grad_()
    losses, accuracy = fairseqs_losses(head, hidden, targets)
    expected = gradients(head, hidden, losses.sum())
    head.float().to(device)
    hidden = hidden.detach().float().to(device).requires_grad_()
    result = head(hidden, targets.to(device))

    def close(ours, theirs):
        torch.testing.assert_close(
            ours.cpu(), theirs, rtol=1e-4, atol=1e-5, check_dtype=False
        )

    close(result["losses"], losses)
    close(result["loss"], losses.sum())
    close(result["accuracy"], accuracy)
    found = gradients(head, hidden, result["loss"])
    for ours, theirs in zip(found, expected, strict=True):
        close(ours, theirs)


def test_the_right_codes_are_hits_and_cost_little():
    head = build(proj_dim=16, temperature=0.01)
    with torch.no_grad():
        head.projection.weight.copy_(torch.eye(16).repeat(3, 1))
        head.projection.bias.zero_()
    for codebook in range(3):
        hidden = 5 * head.codes[codebook].detach()
        targets = torch.arange(11)[:, None].expand(-1, 3)
        result = head(hidden, targets)
        assert result["accuracy"][codebook] == 1
        assert result["losses"][codebook] < 0.5
        wrong = head(hidden, (targets + 1) % 11)
        assert wrong["accuracy"][codebook] == 0
        assert wrong["losses"][codebook] > 0.5


def test_no_masked_frame_gives_zeros_and_no_nan():
    hidden, targets = inputs(0)
    hidden.requires_grad_()
    head = build()
    result = head(hidden, targets)
    assert result["loss"] == 0
    assert result["losses"].tolist() == result["accuracy"].tolist() == [0] * 3
    result["loss"].backward()
    # Their processes take part in the step all the same.
    for parameter in head.parameters():
        assert not parameter.grad.any()
    regression = RegressionHead(16, n_features=5)
    result = regression(hidden, torch.zeros(0, 5))
    assert result["loss"] == 0
    result["loss"].backward()
    assert not regression.projection.weight.grad.any()


def test_a_scale_multiplies_the_prediction_and_leaves_the_loss_its_unit():
    hidden, targets = inputs()[0], torch.rand(len(inputs()[0]), 5)
    plain = RegressionHead(16, n_features=5)
    scaled = RegressionHead(16, n_features=5, scale=0.5)
    scaled.projection.load_state_dict(plain.projection.state_dict())
    prediction = scaled(hidden, targets)["prediction"]
    expected = 0.5 * plain(hidden, targets)["prediction"]
    torch.testing.assert_close(prediction, expected)
    error = (prediction - targets).square().mean()
    torch.testing.assert_close(scaled(hidden, targets)["loss"], error)


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_that_predicts_nothing_is_refused(scale):
    with pytest.raises(ValueError, match="scale: .* is not above 0"):
        RegressionHead(16, n_features=5, scale=scale)


def half_and_exact(head, targets):
    hidden = inputs()[0].bfloat16()
    exact = head(hidden.float(), targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = head(hidden, targets)
    return half, exact


def test_weights_of_another_scale_are_refused():
    head = RegressionHead(8, n_features=3, scale=0.2)
    RegressionHead(8, n_features=3, scale=0.2).load_state_dict(
        head.state_dict()
    )
    with pytest.raises(ValueError, match=r"scale: 1\.0, .* learned with 0\.2"):
        RegressionHead(8, n_features=3).load_state_dict(head.state_dict())


def test_half_precision_around_the_codebook_head_changes_nothing():
    half, exact = half_and_exact(build(), inputs()[1])
    for name in ("loss", "losses", "accuracy"):
        assert half[name].dtype == torch.float32
        assert torch.equal(half[name], exact[name])


def test_half_precision_around_the_regression_head_changes_nothing():
    head = RegressionHead(16, n_features=5)
    half, exact = half_and_exact(head, torch.rand(9, 5))
    for name in ("loss", "prediction"):
        assert half[name].dtype == torch.float32
        assert torch.equal(half[name], exact[name])


def test_only_the_loss_carries_gradient():
    hidden, targets = inputs()
    result = build()(hidden, targets)
    assert result["loss"].requires_grad
    assert not result["losses"].requires_grad
    assert not result["accuracy"].requires_grad
    result = RegressionHead(16, n_features=5)(hidden, torch.rand(9, 5))
    assert result["loss"].requires_grad
    assert not result["prediction"].requires_grad


@pytest.mark.parametrize("wrong", [11, -1])
def test_codes_outside_the_codebook_are_refused(wrong):
    hidden, targets = inputs()
    targets[4, 1] = wrong
    with pytest.raises((IndexError, RuntimeError)):
        build()(hidden, targets)


def test_another_number_of_codebooks_is_refused():
    hidden, targets = inputs()
    with pytest.raises((ValueError, RuntimeError)):
        build()(hidden, targets[:, :2])


def test_regression_equals_the_mean_square():
    hidden, _ = inputs()
    head = RegressionHead(16, n_features=5)
    targets = torch.rand(9, 5)
    result = head(hidden, targets)
    predicted = head.projection(hidden)
    expected = F.mse_loss(predicted, targets)
    torch.testing.assert_close(result["loss"], expected)
    torch.testing.assert_close(result["prediction"], predicted.detach())
    weight = head.projection.weight
    found = torch.autograd.grad(result["loss"], weight)
    torch.testing.assert_close(found, torch.autograd.grad(expected, weight))


def test_heads_have_the_papers_sizes():
    with torch.device("meta"):
        codes, pitches = CodebookHead(768), RegressionHead(768)
    shapes = {n: tuple(p.shape) for n, p in codes.named_parameters()}
    assert shapes == {
        "codes": (8, 1024, 64),
        "projection.weight": (512, 768),
        "projection.bias": (512,),
    }
    assert pitches.projection.weight.shape == (336, 768)
    assert codes.temperature == 0.1
