"""Codebook, tokenizer and measurements by themselves.

Authors
 * The mert_sb developers 2026
"""

import math

import pytest
import torch
from sentencepiece import SentencePieceTrainer

from mert_sb.inference.units import (
    Codebook,
    UnitTokenizer,
    fit_codebook,
    train_tokenizer,
)
from mert_sb.inference.units.measures import Explained, measure_strings
from mert_sb.inference.units.tokenizer import LINE
from tests.utils.unit_folders import random_units


def normal(*size, seed=0):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def test_clusters_are_found_however_far_from_zero():
    centres = 5 * torch.eye(4) + 1e4
    which = torch.arange(400) % 4
    states = centres[which] + 0.1 * normal(400, 4)
    book = fit_codebook(states, 4, generator=torch.Generator())
    units = book(states)
    for cluster in range(4):
        assert len(units[which == cluster].unique()) == 1
    assert len(units.unique()) == 4
    assert (book.states(units) - states).abs().max() < 1


def test_the_same_dice_give_the_same_codebook():
    states = normal(300, 6)
    books = [
        fit_codebook(states, 9, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(books[0].centroids, books[1].centroids)
    assert not torch.equal(books[0].centroids, books[2].centroids)


def test_more_iterations_come_nearer():
    states = normal(2_000, 6)
    errors = []
    for n_iterations in (1, 20):
        book = fit_codebook(states, 20, n_iterations=n_iterations)
        errors.append((book.states(book(states)) - states).square().sum())
    assert errors[1] < 0.99 * errors[0]


def test_a_large_dimension_hides_others_unless_standardised():
    which = torch.arange(400) % 2
    states = torch.stack([1e3 * normal(400), 10.0 * which + normal(400)], 1)
    shares = {}
    for standardize in (False, True):
        units = fit_codebook(states, 2, standardize=standardize)(states)
        agree = (units == which).float().mean().item()
        shares[standardize] = max(agree, 1 - agree)
    assert shares[False] < 0.6
    assert shares[True] > 0.95


def test_a_dimension_that_stands_still_is_no_division_by_zero():
    states = normal(50, 3)
    states[:, 1] = 7.0
    book = fit_codebook(states, 5, standardize=True)
    again = book.states(book(states))
    assert again.isfinite().all()
    torch.testing.assert_close(again[:, 1], torch.full((50,), 7.0))


def test_more_clusters_than_frames_are_refused():
    with pytest.raises(ValueError, match="10 clusters, but only 9 frames"):
        fit_codebook(normal(9, 3), 10)
    assert len(fit_codebook(normal(10, 3), 10)) == 10
    # Silence: fewer different frames than clusters.
    book = fit_codebook(torch.ones(30, 3), 10)
    assert book(torch.ones(4, 3)).unique().numel() == 1


def test_states_without_numbers_are_refused():
    states = normal(50, 3)
    states[7, 1] = torch.inf
    with pytest.raises(ValueError, match="NaN or infinite"):
        fit_codebook(states, 5)


def test_a_codebook_is_saved_as_it_is(tmp_path):
    book = fit_codebook(normal(50, 3), 5, standardize=True)
    book.save(tmp_path / "a")
    again = Codebook.read(tmp_path / "a").state_dict()
    assert all(torch.equal(v, again[k]) for k, v in book.state_dict().items())


def test_units_that_training_never_saw_are_tokens_too():
    strings = [random_units(2_000, n_units=6).tolist()]
    model = train_tokenizer(strings, 9, vocab_size=30)
    assert model == train_tokenizer(strings, 9, vocab_size=30)
    tokenizer = UnitTokenizer(model, 9)
    string = [8, 0, 7, 7, 6, 8]
    assert tokenizer.decode(tokenizer.encode(string)) == string
    assert sorted(p[0] for p in tokenizer.pieces[1:] if len(p) == 1) == [
        *range(9)
    ]


def test_the_most_units_are_the_most_code_points():
    tokenizer = UnitTokenizer(
        train_tokenizer([[0, 65_533] * 9], 65_534, vocab_size=65_536), 65_534
    )
    tokens = tokenizer.encode([0, 65_533, 0, 65_533, 1])
    assert tokenizer.decode(tokens) == [0, 65_533, 0, 65_533, 1]
    assert len(tokens) == 3


def test_lines_longer_than_sentencepiece_counts_are_cut(monkeypatch):
    string, lines = [0, 1, 2] * (7 * LINE), []
    trainer, train = SentencePieceTrainer, SentencePieceTrainer.train

    def spied(*, sentence_iterator, **options):
        lines.extend(sentence_iterator)
        return train(sentence_iterator=iter(lines), **options)

    monkeypatch.setattr(trainer, "train", spied)
    tokenizer = UnitTokenizer(train_tokenizer([string], 3, vocab_size=6), 3)
    assert max(map(len, lines)) == LINE
    assert sum(map(len, lines)) == 3 + len(string)
    assert max(map(len, tokenizer.pieces[1:])) == 3
    tokens = tokenizer.encode(string)
    assert len(tokens) == 7 * LINE
    assert tokenizer.decode(tokens) == string


@pytest.mark.parametrize("most", [4, 6])
def test_tokens_have_no_more_units_than_allowed(most):
    model = train_tokenizer(
        [[0, 1, 2, 3, 4, 5] * 50], 6, vocab_size=12, max_token_units=most
    )
    assert max(map(len, UnitTokenizer(model, 6).pieces[1:])) == most


def test_impossible_vocabularies_are_refused():
    with pytest.raises(ValueError, match="vocab_size: 4, but .* 4 units are 5"):
        train_tokenizer([[0, 1, 2, 3]], 4, vocab_size=4)
    with pytest.raises(
        ValueError, match="vocab_size: SentencePiece finds no 99"
    ):
        train_tokenizer([[0, 1, 2, 3]], 4, vocab_size=99)


def test_the_share_explained_is_that_of_all_frames_at_once():
    states = 3 * normal(500, 4) + torch.tensor([0.0, 1e3, 0.0, 0.0])
    near = states + 0.5 * normal(500, 4, seed=1)
    explained = Explained(torch.zeros(4))
    for part in (slice(0, 90), slice(90, 500)):
        explained.add(states[part], near[part])
    result = explained.result()
    errors = (states - near).double().square().sum(0)
    spread = (states.double() - states.double().mean(0)).square().sum(0)
    wanted = 1 - (errors.sum() / spread.sum()).item()
    assert result["explained"] == pytest.approx(wanted, abs=1e-6)
    assert 0.9 < result["explained"] < 1
    single = (1 - errors / spread).mean().item()
    assert result["explained_by_dimension"] == pytest.approx(single, abs=1e-6)


def test_use_and_compression_are_counted_over_all_files():
    # The only token of two units is (0, 1).
    tokenizer = UnitTokenizer(
        train_tokenizer([[0, 1] * 50], 4, vocab_size=6), 4
    )
    strings = [torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 2, 2])]
    how = {"frame_rate": 50.0}
    measured = measure_strings(strings, tokenizer, collapse=True, **how)
    # Units 3, 3, 2 of 8 frames; strings 01 and 012; tokens (01), (01), (2).
    entropy = -(2 * 3 / 8 * math.log2(3 / 8) + 2 / 8 * math.log2(2 / 8))
    tokens = -(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3))
    assert measured == pytest.approx(
        {
            "hours": 0.16 / 3600,
            "usage": 0.75,
            "perplexity": 2**entropy,
            "token_usage": 0.4,
            "units_per_second": 50.0,
            "string_units_per_second": 5 / 0.16,
            "tokens_per_second": 3 / 0.16,
            "unit_bits_per_second": 100.0,
            "unit_entropy_per_second": 50 * entropy,
            "token_bits_per_second": 3 / 0.16 * math.log2(6),
            "token_entropy_per_second": 3 / 0.16 * tokens,
        }
    )
    whole = measure_strings(strings, tokenizer, collapse=False, **how)
    assert whole["string_units_per_second"] == pytest.approx(50.0)
    # 0 (01) 1 and (01) 2 2.
    assert whole["tokens_per_second"] == pytest.approx(6 / 0.16)
