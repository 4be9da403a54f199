"""Separation: a used folder knows its settings, and the filter is in use.

Authors
 * The mert_sb developers 2026
"""

import pytest

from mert_sb.downstream.separation.wiener import Wiener
from tests.integration import test_separation
from tests.integration.test_separation import scores

# Fixtures of the neighbour.
_process, made, run = (
    getattr(test_separation, name) for name in ("_process", "made", "run")
)


@pytest.mark.parametrize(
    "changed",
    [
        {"window_seconds": 1, "overlap_seconds": 0},
        {"gains": [1.0, 1.0]},
        {"remix": False},
        {"crop_seconds": 0.5},
        {"wiener": {"iterations": 1, "block_frames": 50, "mono": True}},
    ],
)
def test_other_settings_do_not_go_on_with_a_checkpoint(
    done, changed, monkeypatch
):
    monkeypatch.setattr(Wiener, "library", lambda self: None)
    run, output = done
    keys = "|".join(changed)
    with pytest.raises(ValueError, match=f"made with ({keys}) "):
        run(output, "mel", **{"layer": 0, "number_of_epochs": 1} | changed)


@pytest.fixture(scope="module")
def done(run, tmp_path_factory):
    """A finished run."""
    output = tmp_path_factory.mktemp("done") / "out"
    run(output, "mel", layer=0, number_of_epochs=1)
    return run, output


def test_songs_are_filtered_where_the_yaml_has_a_filter(
    run, tmp_path, monkeypatch
):
    shapes = []

    def halve(self, masks, mixture):
        shapes.append(masks.shape[0])
        return 0.5 * masks[:, None] * mixture

    monkeypatch.setattr(Wiener, "__call__", halve)
    monkeypatch.setattr(Wiener, "library", lambda self: None)
    wiener = {"iterations": 1, "block_frames": 100, "mono": True}
    flags = {"layer": 0, "number_of_epochs": 1}
    run(tmp_path / "plain", "mel", **flags)
    assert not shapes
    run(tmp_path / "filtered", "mel", **flags, wiener=wiener)
    assert set(shapes) == {4}
    assert scores(tmp_path / "plain") != scores(tmp_path / "filtered")
