"""Metrics: scikit-learn's and mir_eval's numbers, and scores of tracks.

Authors
 * The mert_sb developers 2026
"""

import mir_eval
import numpy as np
import pytest
import sklearn.metrics
import torch

from mert_sb.downstream.metrics import (
    KEYS,
    STRATEGIES,
    accuracy,
    aggregate,
    average_precision,
    key_score,
    r2,
    roc_auc,
    track_means,
)


def drawn(n_rows=60, n_columns=7, seed=0):
    """Scores ``(N, C)`` with ties, and tags ``(N, C)`` of which some apply."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n_rows, n_columns)).round(1)
    return scores, rng.random((n_rows, n_columns)) < 0.3


def both(scores, *others):
    """The same arrays as numpy's and as torch's."""
    yield (scores, *others)
    yield tuple(torch.from_numpy(array) for array in (scores, *others))
    yield torch.from_numpy(scores).requires_grad_(), *others


@pytest.mark.parametrize("seed", range(3))
def test_random_scores_agree_with_scikit_learn(seed):
    scores, tags = drawn(seed=seed)
    labels = np.random.default_rng(seed).integers(0, 7, 60)
    noisy = scores + np.random.default_rng(seed).normal(size=scores.shape)
    sk = sklearn.metrics
    right = sk.accuracy_score(labels, scores.argmax(axis=1))
    area = sk.roc_auc_score(tags, scores, average="macro")
    precision = sk.average_precision_score(tags, scores, average="macro")
    each = sk.r2_score(scores, noisy, multioutput="raw_values")
    for values, targets in both(scores, labels):
        assert accuracy(values, targets) == right
    for values, targets in both(scores, tags):
        assert roc_auc(values, targets) == (pytest.approx(area), [])
        found = average_precision(values, targets)
        assert found == (pytest.approx(precision), [])
    for values, targets in both(noisy, scores):
        mean, dimensions = r2(values, targets)
        assert dimensions == pytest.approx(each.tolist())
        assert mean == pytest.approx(each.mean())


def test_metrics_by_hand():
    scores = np.array([[0.9], [0.8], [0.7], [0.6]])
    tags = np.array([[1], [0], [1], [0]])
    # Three of the four pairs of a positive and a negative are in order.
    assert roc_auc(scores, tags) == (0.75, [])
    # Half of the recall at a precision of 1, half at 2/3.
    assert average_precision(scores, tags)[0] == pytest.approx(5 / 6)
    two = np.array([[1.0, 3.0], [2.0, 2.0], [5.0, 2.0]])
    assert accuracy(two, np.array([1, 0, 1])) == pytest.approx(2 / 3)
    assert accuracy(torch.tensor(two), torch.tensor([0, 1, 1])) == 0.0
    truth = np.array([[0.0, 1.0], [2.0, 2.0], [4.0, 3.0]])
    guess = np.array([[1.0, 2.0], [2.0, 2.0], [3.0, 0.0]])
    # 1 - 2 / 8 and 1 - 10 / 2
    assert r2(guess, truth) == (pytest.approx(-1.625), [0.75, -4.0])


def test_tags_that_cannot_be_scored_are_left_out_and_named():
    scores, tags = drawn()
    tags[:, 2], tags[:, 5] = False, True
    kept = [0, 1, 3, 4, 6]
    area = sklearn.metrics.roc_auc_score(tags[:, kept], scores[:, kept])
    assert roc_auc(scores, tags) == (pytest.approx(area), [2, 5])
    kept = [0, 1, 3, 4, 5, 6]
    precision = sklearn.metrics.average_precision_score(
        tags[:, kept], scores[:, kept]
    )
    found = average_precision(scores, tags)
    assert found == (pytest.approx(precision), [2])
    with pytest.raises(ValueError, match="no tag of 1"):
        average_precision(scores[:, [2]], tags[:, [2]])
    with pytest.raises(ValueError, match="no tag of 2.*more tracks"):
        roc_auc(scores[:, [2, 5]], tags[:, [2, 5]])


def expected_key_score(reference, estimate):
    """The rule of MIREX, by scales: 7 notes shared, 6 shared, the same tonic."""
    tonics, modes = zip(
        *(divmod(key, 12)[::-1] for key in (reference, estimate)), strict=True
    )
    # A minor key has the notes of the major key three semitones above.
    major = [(t + 3 * m) % 12 for t, m in zip(tonics, modes, strict=True)]
    if modes[0] == modes[1]:
        fifth = (tonics[0] + 7) % 12
        return {tonics[0]: 1.0, fifth: 0.5}.get(tonics[1], 0.0)
    if major[0] == major[1]:
        return 0.3
    return 0.2 if tonics[0] == tonics[1] else 0.0


def test_weighted_key_score_of_all_pairs():
    found = np.zeros((24, 24))
    for reference in range(24):
        for estimate in range(24):
            score = key_score(np.eye(24)[[estimate]], np.array([reference]))
            assert score == expected_key_score(reference, estimate)
            assert score == mir_eval.key.weighted_score(
                KEYS[reference], KEYS[estimate]
            )
            found[reference, estimate] = score
    # Each key has one exact, fifth, relative and parallel key.
    assert sorted(found[3]) == sorted(found[20])
    assert (np.sort(found, axis=1)[:, -5:] == [0, 0.2, 0.3, 0.5, 1.0]).all()
    assert not np.sort(found, axis=1)[:, :-4].any()


def test_keys_have_the_order_of_the_benchmark():
    assert KEYS[:12] == tuple(
        f"{name} major" for name in "C Db D Eb E F Gb G Ab A Bb B".split()
    )
    assert KEYS[12:] == tuple(
        key.replace("major", "minor") for key in KEYS[:12]
    )
    c, f, g, am, cm = (
        np.eye(24)[[KEYS.index(key)]]
        for key in ("C major", "F major", "G major", "A minor", "C minor")
    )
    # A fifth above counts, a fifth below does not.
    for key, score in ((c, 1.0), (g, 0.5), (f, 0.0), (am, 0.3), (cm, 0.2)):
        assert key_score(key, np.array([0])) == score
    five = torch.from_numpy(np.concatenate([c, g, f, am, cm]))
    assert key_score(five, torch.zeros(5, dtype=int)) == pytest.approx(0.4)
    with pytest.raises(ValueError, match="24 keys, not 12"):
        key_score(np.eye(12), np.arange(12))


@pytest.mark.parametrize(
    "call",
    [
        lambda bad: accuracy(bad, np.zeros(4, int)),
        lambda bad: roc_auc(bad, np.eye(4)),
        lambda bad: average_precision(bad, np.eye(4)),
        lambda bad: r2(bad, np.eye(4)),
        lambda bad: r2(np.eye(4), bad),
        lambda bad: track_means(bad, list("abca")),
        *(
            lambda bad, name=name: aggregate(bad, list("abca"), name)
            for name in STRATEGIES
        ),
        lambda bad: key_score(torch.as_tensor(bad).tile(6), np.zeros(4, int)),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(call, value):
    bad = np.eye(4)
    call(bad)
    bad[2, 1] = value
    for array in (bad, torch.from_numpy(bad), torch.from_numpy(bad).bfloat16()):
        with pytest.raises(ValueError, match="not finite, the first in row 2"):
            call(array)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy(np.eye(3), np.array([0, 1])), "labels have shape"),
        (lambda: accuracy(np.eye(3), np.array([0, 1, 3])), "from 0 to 3"),
        (lambda: accuracy(np.eye(3), np.array([0, -1, 2])), "from -1 to 2"),
        (lambda: accuracy(np.eye(3), np.zeros(3)), "not whole numbers"),
        (lambda: accuracy(np.zeros(3), np.zeros(3, int)), "not .N, C."),
        (lambda: accuracy(np.zeros((0, 3)), np.zeros(0, int)), "no rows"),
        (lambda: roc_auc(np.eye(3), np.eye(3)[:2]), "targets have shape"),
        (lambda: roc_auc(np.eye(3), 0.5 * np.eye(3)), "0 or 1"),
        (lambda: r2(np.eye(3), np.eye(3)[:, :1]), "targets have shape"),
        (lambda: r2(np.eye(2), np.eye(2) * [1, 0]), "dimension 1 are all"),
        (lambda: track_means(np.eye(3), ["a", "b"]), "2 tracks .* 3 rows"),
        (lambda: aggregate(np.eye(2), ["a", "a"], "median"), "vote, max"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_clips_are_averaged_by_track_as_they_appear():
    tracks = ["b", "a", "b", "c", "b"]
    values = np.arange(30.0).reshape(5, 3, 2)
    for array in (values, torch.from_numpy(values).float()):
        means, names = track_means(array, tracks)
        assert names == ["b", "a", "c"]
        assert means[0] == pytest.approx(values[[0, 2, 4]].mean(axis=0))
        assert (means[1] == values[1]).all()
        assert (means[2] == values[3]).all()
    means, names = track_means(torch.tensor([1, 2, 4]), ["a", "a", "b"])
    assert (means.tolist(), names) == ([1.5, 4.0], ["a", "b"])


def test_strategies_agree_with_loops_over_tracks():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3.0, size=(200, 24))
    tracks = [f"{number}" for number in rng.integers(0, 20, 200)]
    powers = np.exp(logits)
    shares = powers / powers.sum(axis=1, keepdims=True)
    by_hand = {
        "vote": lambda rows: np.bincount(logits[rows].argmax(1), minlength=24),
        "max": lambda rows: logits[rows].max(axis=0),
        "gmean": lambda rows: np.log(shares[rows]).mean(axis=0),
        "mean": lambda rows: shares[rows].mean(axis=0),
    }
    assert set(by_hand) == set(STRATEGIES)
    decisions = set()
    for strategy, rule in by_hand.items():
        for array in (logits, torch.from_numpy(logits)):
            scores, names = aggregate(array, tracks, strategy)
            assert names == list(dict.fromkeys(tracks))
            for row, name in zip(scores, names, strict=True):
                rows = [i for i, track in enumerate(tracks) if track == name]
                assert row == pytest.approx(rule(rows))
        decisions.add(tuple(scores.argmax(axis=1)))
    assert len(decisions) == 4
    # As the benchmark: the highest mean logit is the highest log-probability.
    same = aggregate(logits, tracks, "gmean")[0].argmax(axis=1)
    assert (track_means(logits, tracks)[0].argmax(axis=1) == same).all()


def test_of_equal_votes_the_first_class_wins():
    logits = np.eye(4)[[2, 1, 1, 2, 3]]
    votes, _ = aggregate(logits, ["a"] * 5, "vote")
    assert votes.tolist() == [[0.0, 2.0, 2.0, 1.0]]
    assert accuracy(votes, np.array([1])) == 1.0
