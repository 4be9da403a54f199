"""Probes, upstreams and families: shapes, choices, and what they measure.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import torch

from mert_sb.downstream.families import MultiLabel, Regression, SingleLabel
from mert_sb.downstream.key import Key
from mert_sb.downstream.probe import ProbeHead, StateMix
from mert_sb.downstream.upstreams import MelStatistics, PooledStates
from mert_sb.inference import export_student
from mert_sb.inference.upstream import random_upstream, trained_upstream
from tests.utils.originals import tiny_student


def states(n_states=4):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, n_states, 8, generator=generator)


def test_a_single_state_is_taken_as_it_is():
    mix = StateMix(4, 2)
    assert torch.equal(mix(states()), states()[:, 2])
    assert not list(mix.parameters())
    assert mix.weights.tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(("layer", "first"), [("mix", 1), ("mix0", 0)])
def test_a_mix_begins_as_the_mean_and_learns(layer, first):
    mix = StateMix(4, layer)
    mean = states()[:, first:].mean(1)
    assert torch.allclose(mix(states()), mean, atol=1e-6)
    assert float(mix.weights.sum()) == pytest.approx(1.0)
    assert mix.weights.count_nonzero() == 4 - first
    mix(states()).square().sum().backward()
    assert mix.logits.grad.abs().sum() > 0
    with torch.no_grad():
        mix.logits[1] = 100.0
    assert torch.allclose(mix(states()), states()[:, first + 1])


def test_the_only_state_is_mixed_too():
    assert torch.equal(StateMix(1, "mix")(states(1)), states(1)[:, 0])


@pytest.mark.parametrize("layer", [4, -1, "all", 1.5, None])
def test_a_state_that_is_not_there_is_refused(layer):
    with pytest.raises(ValueError, match="layer"):
        StateMix(4, layer)


def test_a_head_is_linear_or_has_a_hidden_layer():
    assert [p.shape for p in ProbeHead(8, 3, hidden_dim=None).parameters()] == [
        (3, 8),
        (3,),
    ]
    hidden = ProbeHead(8, 3)
    assert hidden[0].out_features == 512
    assert hidden[2].p == 0.2


@pytest.mark.parametrize("n_mfcc", [None, 20])
def test_statistics_of_a_padded_clip_are_its_own(n_mfcc):
    upstream = MelStatistics(sample_rate=24_000, n_mels=64, n_mfcc=n_mfcc)
    generator = torch.Generator().manual_seed(0)
    wav = torch.randn(1, 24_000, generator=generator)
    padded = torch.nn.functional.pad(wav, (0, 24_000))
    alone = upstream(wav)
    together = upstream(padded, torch.tensor([0.5]))
    assert alone.shape == (1, 1, 2 * (n_mfcc or 64))
    # The last windows reach into what follows: zeros, or the clip's mirror.
    assert (alone - together).norm() < 0.02 * alone.norm()
    assert (alone - upstream(padded)).norm() > 0.1 * alone.norm()


def test_mel_statistics_are_mean_and_deviation_of_log_bands():
    upstream = MelStatistics(sample_rate=24_000, n_mels=64)
    wav = torch.randn(2, 12_000, generator=torch.Generator().manual_seed(0))
    bands = (upstream.mel(wav) + 1e-5).log()
    expected = torch.cat([bands.mean(-1), bands.std(-1, correction=0)], -1)
    assert torch.allclose(upstream(wav)[:, 0], expected, atol=1e-4)


@pytest.fixture
def source(tmp_path):
    return export_student(tiny_student(normalize_wavs=True), tmp_path / "a")


def test_an_upstream_is_the_means_of_its_students_states(source):
    upstream = trained_upstream(source)
    assert isinstance(upstream, PooledStates)
    assert (upstream.n_states, upstream.dim) == (3, 32)
    assert upstream.sample_rate == 24_000
    wav = torch.randn(2, 6_000, generator=torch.Generator().manual_seed(0))
    student = tiny_student(normalize_wavs=True)
    expected = student(wav, output_hidden_states=True).mean(2).transpose(0, 1)
    assert torch.allclose(upstream.eval()(wav), expected, atol=1e-5)


def test_a_random_upstream_has_the_sizes_and_nothing_else(source):
    generator_state = torch.random.get_rng_state()
    one, two = random_upstream(source, seed=1), random_upstream(source, seed=2)
    assert torch.equal(torch.random.get_rng_state(), generator_state)
    trained = trained_upstream(source)
    for upstream in (one, two):
        assert upstream.settings == trained.settings
    for a, b in ((one, two), (one, trained)):
        name = "encoder.projection.weight"
        assert not torch.equal(a.state_dict()[name], b.state_dict()[name])


TRACKS = ["a", "b", "b", "c"]


def test_tracks_are_judged_by_the_mean_of_their_clips():
    outputs = np.array([[2.0, 0], [3.0, 0], [0, 1.0], [0, 9.0]])
    targets = np.array([0, 0, 0, 0])
    # One of b's clips is wrong, its mean is right; c is wrong.
    found = SingleLabel(2).measure(outputs, targets, TRACKS)
    assert found == {"accuracy": pytest.approx(2 / 3)}


def test_regression_measures_each_number_and_their_mean():
    targets = np.array([[0.0, 1.0], [1.0, 1.5], [1.0, 1.5], [2.0, 3.0]])
    outputs = targets.copy()
    outputs[1:3, 0] += [0.5, -0.5]  # the mean of b's clips is exact
    outputs[3, 1] = 2.0
    found = Regression(["arousal", "valence"]).measure(outputs, targets, TRACKS)
    assert found["r2_arousal"] == pytest.approx(1.0)
    spread = np.square(np.array([1.0, 1.5, 3.0]) - 5.5 / 3).sum()
    assert found["r2_valence"] == pytest.approx(1 - 1 / spread)
    assert found["r2"] == pytest.approx((1 + 1 - 1 / spread) / 2)


def test_tags_without_positives_are_skipped_and_said(caplog):
    targets = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0]])
    outputs = np.where(targets > 0, 1.0, -1.0)
    found = MultiLabel(3).measure(outputs, targets, TRACKS)
    assert found["roc_auc"] == found["average_precision"] == 1.0
    assert found["skipped_tags"] == 1
    assert "1 of ROC-AUC, 1 of average precision" in caplog.text


def test_keys_score_relatives():
    outputs = np.eye(24)[[0, 7, 21, 12]]  # C; G, A minor and C minor for C
    found = Key().measure(outputs, np.zeros(4, int), list("abcd"))
    assert found["key_score"] == pytest.approx((1 + 0.5 + 0.3 + 0.2) / 4)
    assert found["accuracy"] == 0.25


def test_the_way_that_is_best_in_validation_counts_in_the_test():
    names = [f"key_score_{name}" for name in ("vote", "max", "gmean", "mean")]
    valid = dict(zip(names, [0.1, 0.4, 0.3, 0.2], strict=True))
    test = dict(zip(names, [0.9, 0.5, 0.6, 0.7], strict=True))
    found = Key().conclude(valid, test | {"key_score": 0.9})
    assert found["key_score"] == 0.5
    assert SingleLabel(2).conclude(valid, test) == test


@pytest.mark.parametrize("metric", [0.5, 0.0, -0.5])
def test_a_tie_is_no_improvement(metric):
    from mert_sb.downstream.stopper import PatientEpochs

    epochs, improved = PatientEpochs(limit=60, patience=3), []
    for _ in epochs:
        epochs.update_metric(metric)
        improved.append(epochs.improved)
    assert improved == [True, False, False, False]


def test_losses_are_those_of_torch():
    outputs = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    labels, tags = torch.tensor([0, 1, 2, 0]), (outputs > 0.3).long()
    functional = torch.nn.functional
    assert torch.allclose(
        SingleLabel(3).loss(outputs, labels).mean(),
        functional.cross_entropy(outputs, labels),
    )
    assert torch.allclose(
        MultiLabel(3).loss(outputs, tags).mean(),
        functional.binary_cross_entropy_with_logits(outputs, tags.float()),
    )
    assert torch.allclose(
        Regression("abc").loss(outputs, tags).mean(),
        functional.mse_loss(outputs, tags.float()),
    )
