"""Tracks in the plane: the cache that is found, the features, the components.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest
import torch

from mert_sb.downstream.families import SingleLabel
from mert_sb.inference.report.pictures import Picture
from mert_sb.inference.report.projection import (
    find_cache,
    project,
    project_run,
    track_features,
)
from mert_sb.inference.report.task import build_task
from mert_sb.inference.report.task_files import read_run
from mert_sb.store import ShelfWriter
from tests.utils.report_folders import some_classes, write_run

NAME = "mert-01234567"


def fill(folder, tracks, extra=()):
    """A cache of two clips of each track; their states by key."""
    dice = np.random.default_rng(1)
    keys = [f"{t}--000{n}@{9 * n}+9#1-1" for t in tracks for n in range(2)]
    states = {
        key: dice.normal(size=(3, 5)).astype(np.float32)
        for key in [*keys, *extra]
    }
    writer = ShelfWriter(folder, {"weights": "0123"}, dtype="float32")
    writer.write("0", states)
    return states


@pytest.fixture
def probed(tmp_path):
    outputs, targets, tracks = some_classes()
    folder, cache = tmp_path / "run", tmp_path / "cache"
    write_run(
        *(folder, SingleLabel(3), outputs, targets, tracks),
        labels=("blues", "jazz", "rock"),
        cache=cache,
    )
    names = list(dict.fromkeys(tracks))
    return folder, cache, names, fill(cache / NAME, names, ["other@0+9#1-1"])


def test_components_are_those_of_the_covariance():
    dice = np.random.default_rng(0)
    features = dice.normal(size=(50, 6)) * [5, 3, 1, 1, 1, 1]
    points, explained = project(features)
    values, vectors = np.linalg.eigh(np.cov(features.T))
    expected = (features - features.mean(0)) @ vectors[:, ::-1][:, :2]
    for axis in range(2):
        sign = np.sign(points[:, axis] @ expected[:, axis])
        assert np.allclose(points[:, axis], sign * expected[:, axis])
    assert explained == pytest.approx(tuple(values[::-1][:2] / values.sum()))


def test_all_alike_is_no_error():
    points, explained = project(np.ones((4, 3)))
    assert np.allclose(points, 0)
    assert explained == (0.0, 0.0)


def test_features_are_the_probes_mean_over_clips(probed):
    folder, cache, names, states = probed
    found, features = track_features(cache / NAME, [0.0, 0.75, 0.25], names)
    assert found == names
    clips = [s for k, s in states.items() if k.startswith("t03--")]
    expected = np.mean([0.75 * c[1] + 0.25 * c[2] for c in clips], axis=0)
    assert len(clips) == 2
    assert np.allclose(features[3], expected)


def test_the_figure_has_each_track_in_its_classs_colour(probed):
    folder, _, names, _ = probed
    page = build_task([folder])
    (picture,) = [
        b for b in page.blocks if isinstance(b, Picture) and b.name == "plane"
    ]
    panel = picture.figure.axes[0]
    drawn = {c.get_label(): c.get_offsets() for c in panel.collections}
    assert list(drawn) == ["blues", "jazz", "rock"]
    projection = project_run(read_run(folder), names)
    # Tracks have classes in turn.
    assert np.allclose(drawn["jazz"], projection.points[1::3])
    assert "12 tracks" in picture.caption


def test_a_cache_is_found_relative_to_where_the_run_was_started(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "GTZAN"
    folder = root / "results" / "genre" / "1"
    write_run(
        *(folder, SingleLabel(3), *some_classes()),
        cache="results/cache",
        named_folder="results/genre/1",
    )
    fill(root / "results" / "cache" / NAME, ["a"])
    assert find_cache(read_run(folder)) == root / "results" / "cache" / NAME


def reasons(folder):
    page = build_task([folder])
    names = [b.name for b in page.blocks if isinstance(b, Picture)]
    assert "plane" not in names
    return page.markdown()


def test_without_a_cache_it_is_said_what_to_run(probed, tmp_path):
    folder, cache, _, _ = probed
    cache.rename(tmp_path / "gone")
    text = reasons(folder)
    assert "cache is not there any more" in text
    assert "train.py" in text


def test_a_run_on_audio_has_no_such_figure(tmp_path):
    write_run(tmp_path, SingleLabel(3), *some_classes(), cached=False)
    assert "not on cached states" in reasons(tmp_path)


def test_a_clip_that_the_cache_has_twice_is_not_guessed(probed):
    folder, cache, names, _ = probed
    key = f"{names[0]}--0000@0+9#2-2"
    state = np.zeros((3, 5), np.float32)
    writer = ShelfWriter(cache / NAME, {"weights": "0123"}, dtype="float32")
    writer.write("1", {key: state})
    assert f"'{names[0]}--0000' twice" in reasons(folder)


def test_a_cache_of_other_tracks_is_not_taken(probed):
    folder, _, _, _ = probed
    path = folder / "predictions.csv"
    path.write_text(path.read_text().replace("t", "u"))
    assert "has 0 of the test's 12" in reasons(folder)


def test_nothing_global_is_touched(probed):
    folder, _, names, _ = probed
    before = torch.random.get_rng_state()
    project_run(read_run(folder), names)
    assert torch.equal(before, torch.random.get_rng_state())
    assert json.loads((folder / "results.json").read_text())["epoch"] == 2
