"""Usage of codes is reported by every fit and can be drawn.

Authors
 * The mert_sb developers 2026
"""

import sys

import pytest
import torch

from mert_sb.teachers import MelRVQTeacher, fit_mel_rvq, plot_usage
from tests.utils.teacher_frames import clusters, fit


@pytest.fixture(scope="module")
def noise():
    dice = torch.Generator().manual_seed(0)
    return torch.randn(4, 24_080, generator=dice)


@pytest.fixture(scope="module")
def cascade(noise, tmp_path_factory):
    """Path and report of a fitted MelRVQ."""
    path = tmp_path_factory.mktemp("rvq") / "rvq"
    sizes = {"n_mels": 40, "n_codebooks": 3, "codebook_size": 16}
    return path, fit_mel_rvq([noise], path, sample_rate=24_000, **sizes)


def test_mel_rvq_reports_the_codes_it_gives(cascade, noise):
    path, report = cascade
    codes = MelRVQTeacher(path=path)(noise).flatten(0, 1)
    for column, usage in zip(codes.T, report["usage"], strict=True):
        found = torch.bincount(column, minlength=16)
        assert sum(usage) == report["frames"] == 300
        # Rounding may decide between two codes.
        assert (found - torch.tensor(usage)).abs().sum() <= 2


def drawn(path):
    """Pixels of a picture."""
    image = pytest.importorskip("matplotlib.image")
    assert path.read_bytes().startswith(b"\x89PNG")
    return image.imread(path)


def test_usage_is_drawn(cascade, tmp_path):
    pytest.importorskip("matplotlib")
    plot_usage(cascade[1], tmp_path / "three.png")
    report = fit(tmp_path / "kmeans", clusters(5, 40)[1], 5)
    plot_usage(report, tmp_path / "one.png")
    three, one = drawn(tmp_path / "three.png"), drawn(tmp_path / "one.png")
    assert three.shape == one.shape
    assert (three != one).any() and (one != one[0, 0]).any()


def test_a_title_is_drawn_above(cascade, tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    plot_usage(cascade[1], paths[0])
    plot_usage(cascade[1], paths[1], title="MelRVQ")
    assert (drawn(paths[0]) != drawn(paths[1])).any()


def test_codebooks_are_called_by_their_labels(cascade, tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    plot_usage(cascade[1], paths[0])
    plot_usage(cascade[1], paths[1], labels=["first", "second", "third"])
    assert (drawn(paths[0]) != drawn(paths[1])).any()
    with pytest.raises(ValueError, match="shorter"):
        plot_usage(cascade[1], paths[0], labels=["first"])


def test_codes_that_are_never_used_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    report = {"usage": [[9, 0, 0]], "perplexity": [1.0]}
    plot_usage(report, tmp_path / "a.png")
    assert drawn(tmp_path / "a.png").size


def test_drawing_leaves_matplotlibs_state_alone(cascade, tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before = pyplot.get_fignums()
    plot_usage(cascade[1], tmp_path / "a.png")
    assert pyplot.get_fignums() == before


def test_without_matplotlib_the_error_says_what_to_install(
    cascade, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        plot_usage(cascade[1], tmp_path / "a.png")


def test_a_report_without_usage_is_refused(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match=r"not in the report.*\['frames'\]"):
        plot_usage({"frames": 3}, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
