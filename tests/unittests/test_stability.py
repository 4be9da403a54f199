"""Instruments: each number equals a plain recomputation, and disturbs nothing.

Authors
 * The mert_sb developers 2026
"""

import collections
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mert_sb.pretraining import logits, stability
from mert_sb.pretraining.heads import CodebookHead, RegressionHead
from mert_sb.pretraining.logits import AttentionLogits
from mert_sb.pretraining.stability import (
    CodeUsage,
    Instruments,
    gradient_norms,
    module_groups,
)
from mert_sb.student import MERT

TINY = {
    "conv_channels": 8,
    "embed_dim": 16,
    "ffn_dim": 32,
    "num_heads": 2,
    "position_kernel": 8,
    "position_groups": 4,
}


@pytest.fixture
def modules():
    """A student of five layers and two heads."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.ModuleDict(
            {
                "student": MERT(**TINY, num_layers=5),
                "codes": CodebookHead(
                    16, n_codebooks=2, codebook_size=7, proj_dim=4
                ),
                "cqt": RegressionHead(16, n_features=3),
            }
        )


def backward(modules):
    """Gradients of something."""
    wavs = torch.linspace(-1, 1, 2 * 8_000).view(2, -1)
    mask = torch.zeros(2, 24, dtype=torch.bool)
    mask[:, 5:12] = True
    hidden, penalty = modules["student"](wavs, mask=mask, output_penalty=True)
    codes = torch.arange(28).view(14, 2) % 7
    loss = modules["codes"](hidden, codes)["loss"] + penalty
    loss = loss + modules["cqt"](hidden, torch.ones(14, 3))["loss"]
    loss.backward()


def naive_norm(modules, *prefixes):
    """Of all gradients whose names begin so."""
    squares = [
        parameter.grad.double().square().sum()
        for name, parameter in modules.named_parameters()
        if name.startswith(prefixes) and parameter.grad is not None
    ]
    return sum(squares).sqrt().item()


def test_gradient_norms_are_those_of_the_named_parts(modules):
    backward(modules)
    norms = gradient_norms(modules, layer_groups=2)
    layer = "student.encoder.layers."
    parts = {
        "frontend": ["student.frontend"],
        "layers_0_2": [f"{layer}{index}." for index in range(3)],
        "layers_3_4": [f"{layer}{index}." for index in (3, 4)],
        "other": [
            "student.mask_embedding",
            "student.feature_norm",
            "student.projection",
            "student.encoder.position",
            "student.encoder.norm",
        ],
        "codes": ["codes."],
        "cqt": ["cqt."],
    }
    assert set(norms) == {f"grad_norm_{part}" for part in parts}
    for part, prefixes in parts.items():
        naive = naive_norm(modules, *prefixes)
        assert norms[f"grad_norm_{part}"].item() == pytest.approx(naive)
        assert naive > 0
    together = math.sqrt(sum(norm.item() ** 2 for norm in norms.values()))
    assert together == pytest.approx(naive_norm(modules, ""))


def test_a_wrapped_student_has_the_same_parts(modules):
    bare = module_groups(modules, layer_groups=3)
    compiled = nn.Module()
    compiled._orig_mod = modules["student"]
    distributed = nn.Module()
    distributed.module = compiled
    modules["student"] = distributed
    wrapped = module_groups(modules, layer_groups=3)
    assert {k: len(v) for k, v in wrapped.items()} == {
        k: len(v) for k, v in bare.items()
    }
    assert {"layers_0_1", "layers_2_3", "layers_4_4"} < set(wrapped)


def test_more_groups_than_layers_are_single_layers(modules):
    labels = set(module_groups(modules, layer_groups=9))
    assert {f"layers_{i}_{i}" for i in range(5)} < labels
    with pytest.raises(ValueError, match="layer_groups"):
        Instruments(layer_groups=0)


def test_a_frozen_front_end_has_no_norm():
    student = MERT(**TINY, num_layers=1, feature_grad_mult=0.0)
    wavs = torch.linspace(-1, 1, 8_000)[None]
    student(wavs).sum().backward()
    norms = gradient_norms(nn.ModuleDict({"student": student}), layer_groups=3)
    assert set(norms) == {"grad_norm_other", "grad_norm_layers_0_0"}


def attention_input(*shape):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(*shape, generator=generator) for _ in range(3)]


@pytest.mark.parametrize("block", [2**24, 50])
@pytest.mark.parametrize("kind", [None, "bool", "float"])
@pytest.mark.parametrize("scale", [None, 0.3])
def test_the_highest_logit_is_that_of_the_product(
    monkeypatch, block, kind, scale
):
    monkeypatch.setattr(logits, "BLOCK", block)
    query, key, value = attention_input(2, 3, 9, 4)
    products = query @ key.mT * (0.5 if scale is None else scale)
    mask, seen = None, torch.ones(2, 1, 1, 9, dtype=torch.bool)
    if kind:
        # What would be highest is hidden.
        seen[0, ..., products[0].amax((0, 1)).argmax()] = False
        seen[1, ..., products[1].amax((0, 1)).argmax()] = False
        mask = seen
    if kind == "float":
        mask = torch.zeros(seen.shape).masked_fill(~seen, -math.inf)
    with AttentionLogits() as watched:
        given = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, scale=scale
        )
    highest = products.masked_fill(~seen, -math.inf).max()
    torch.testing.assert_close(watched.read(), highest)
    plain = F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=scale
    )
    assert torch.equal(given, plain)


@pytest.mark.parametrize("options", [{}, {"checkpoint_layers": True}])
def test_the_highest_of_all_layers_and_nothing_else_changes(options):
    student = MERT(**TINY, num_layers=3, **options).train()
    wavs = torch.linspace(-1, 1, 2 * 8_000).view(2, -1)
    products = []

    def keep(module, args):
        query, key = (
            projection(args[0]).unflatten(-1, (2, 8)).transpose(1, 2)
            for projection in (module.q_proj, module.k_proj)
        )
        products.append((query @ key.mT / math.sqrt(8)).max())

    def forward(watch):
        with torch.random.fork_rng():
            torch.manual_seed(5)
            with watch:
                hidden = student(wavs)
            hidden.square().sum().backward()
            gradient = student.projection.weight.grad.clone()
            student.zero_grad()
            return hidden, gradient, torch.random.get_rng_state()

    instruments = Instruments()
    without = forward(instruments.watch_attention())
    assert instruments.read() == {}
    instruments.due = True
    within = forward(instruments.watch_attention())
    for ours, plain in zip(within, without, strict=True):
        assert torch.equal(ours, plain)
    for layer in student.encoder.layers:
        layer.attention.register_forward_pre_hook(keep)
    forward(instruments.watch_attention())
    highest = torch.stack(products[:3]).max()
    read = instruments.read()
    torch.testing.assert_close(read["attention_logit_max"], highest)


def test_half_precision_attention_is_watched_in_single():
    query, key, value = (t.bfloat16() for t in attention_input(1, 1, 5, 4))
    with torch.autocast("cpu", torch.bfloat16), AttentionLogits() as watched:
        F.scaled_dot_product_attention(query, key, value)
    highest = (query.float() @ key.float().mT / 2).max()
    assert watched.read().dtype == torch.float32
    assert torch.equal(watched.read(), highest)


def test_usage_and_perplexity_are_those_of_the_counts():
    generator = torch.Generator().manual_seed(1)
    usage = CodeUsage()
    seen = {"target": [], "predicted": []}
    for frames in (40, 7):
        targets = torch.randint(20, (frames, 3), generator=generator)
        predicted = torch.randint(3, (frames, 3), generator=generator)
        usage.add("codec", targets, predicted, n_codes=20)
        seen["target"].append(targets)
        seen["predicted"].append(predicted)
    read = usage.read()
    assert len(read) == 4
    for kind, batches in seen.items():
        shares, perplexities = [], []
        for column in torch.cat(batches).T.tolist():
            counts = collections.Counter(column)
            entropy = -sum(n / 47 * math.log(n / 47) for n in counts.values())
            shares.append(len(counts) / 20)
            perplexities.append(math.exp(entropy))
        mean_share, mean = sum(shares) / 3, sum(perplexities) / 3
        assert read[f"codec_{kind}_usage"].item() == pytest.approx(mean_share)
        assert read[f"codec_{kind}_perplexity"].item() == pytest.approx(mean)


def test_heads_say_which_codes_they_predict():
    head = CodebookHead(8, n_codebooks=2, codebook_size=5, proj_dim=4)
    hidden = torch.randn(11, 8, generator=torch.Generator().manual_seed(2))
    predicted = head(hidden, torch.zeros(11, 2).long())["prediction"]
    assert predicted.shape == (11, 2)
    accuracy = head(hidden, predicted)["accuracy"]
    assert accuracy.tolist() == [1.0, 1.0]


def test_between_log_lines_nothing_is_computed(modules, monkeypatch):
    backward(modules)
    instruments = Instruments()

    def refuse(*_, **__):
        raise AssertionError("computed")

    monkeypatch.setattr(stability, "gradient_norms", refuse)
    monkeypatch.setattr(stability, "AttentionLogits", refuse)
    instruments.take_gradients(modules)
    with instruments.watch_attention():
        modules["student"](torch.zeros(1, 8_000))
    assert instruments.read() == {}
    instruments.due = True
    with pytest.raises(AssertionError, match="computed"):
        instruments.take_gradients(modules)
    with pytest.raises(AssertionError, match="computed"):
        instruments.watch_attention()


def test_nothing_is_read_twice_and_a_reading_ends_the_watch(modules):
    backward(modules)
    instruments = Instruments()
    instruments.due = True
    instruments.take_gradients(modules)
    instruments.usage.add("codes", *[torch.zeros(3, 2).long()] * 2, 7)
    assert len(instruments.read()) == 7 + 4
    assert instruments.due is False
    assert instruments.read() == {}


@pytest.mark.parametrize("choice", ["gradients", "attention"])
def test_what_is_not_asked_for_is_not_taken(modules, choice):
    backward(modules)
    instruments = Instruments(**{choice: False})
    instruments.due = True
    instruments.take_gradients(modules)
    with instruments.watch_attention():
        modules["student"](torch.zeros(1, 8_000))
    read = instruments.read()
    assert any("grad_norm" in name for name in read) == (choice != "gradients")
    assert ("attention_logit_max" in read) == (choice != "attention")
