"""Splits of few files: of the shares asked for, and never changing unseen.

Authors
 * The mert_sb developers 2026
"""

import json
from collections import Counter

import pytest

from mert_sb.audio.rows import make_row
from mert_sb.audio.split import keep_splits, ranked_split

PATHS = [f"{index}.wav" for index in range(40)]


@pytest.mark.parametrize(
    ("n_files", "shares", "counts"),
    [
        (40, {"test": 0.25, "valid": 0.1}, (26, 4, 10)),
        (14, {"test": 0.25, "valid": 0.2}, (7, 3, 4)),
        (3, {"test": 0.9, "valid": 0.05}, (1, 1, 1)),
        (3, {"test": 0.0, "valid": 0.0}, (1, 1, 1)),
        (4, {"test": 0.5, "valid": 0.4}, (1, 1, 2)),
    ],
)
def test_shares_are_kept_and_no_split_is_empty(n_files, shares, counts):
    for seed in range(5):
        splits = ranked_split(PATHS[:n_files], shares=shares, seed=seed)
        assert list(splits) == PATHS[:n_files]
        found = Counter(splits.values())
        assert (found["train"], found["valid"], found["test"]) == counts


def test_a_split_depends_on_its_seed_and_not_on_the_order():
    shares = {"test": 0.25, "valid": 0.1}
    first = ranked_split(PATHS, shares=shares, seed=1)
    assert ranked_split(PATHS[::-1], shares=shares, seed=1) == first
    assert ranked_split(PATHS, shares=shares, seed=2) != first


@pytest.mark.parametrize(
    ("n_files", "shares", "message"),
    [
        (2, {"test": 0.1, "valid": 0.1}, "2 usable files are too few"),
        (9, {"test": 0.5, "valid": 0.5}, "leave nothing for training"),
        (9, {"test": -0.1, "valid": 0.5}, "leave nothing"),
    ],
)
def test_what_cannot_be_split_is_refused(n_files, shares, message):
    with pytest.raises(ValueError, match=message):
        ranked_split(PATHS[:n_files], shares=shares, seed=1)


def test_a_file_that_moves_is_named(tmp_path):
    splits = ranked_split(PATHS, shares={"test": 0.3, "valid": 0.1}, seed=1)
    for name in set(splits.values()):
        rows = {
            f"{path}-{part}": make_row(path, part, 1, 24_000)
            for path in PATHS
            for part in range(2)
            if splits[path] == name
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    assert keep_splits(tmp_path, splits) == splits
    # New files may come, and old ones go.
    keep_splits(tmp_path, {"new.wav": "test", **splits})
    keep_splits(tmp_path, dict(list(splits.items())[:5]))
    trained = next(path for path in PATHS if splits[path] == "train")
    with pytest.raises(ValueError, match=f"{trained} was in .*train.json"):
        keep_splits(tmp_path, splits | {trained: "test"})
