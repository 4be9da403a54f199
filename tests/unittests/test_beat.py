"""The family of beat tracking.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import torch

from mert_sb.downstream.beats import family as beat
from mert_sb.downstream.beats.decode import BarPointer, PeakPicking
from mert_sb.downstream.beats.family import Beats
from mert_sb.downstream.beats.losses import ShiftTolerant, Widened

NONE = np.zeros(0)
GRID = np.arange(0.5, 30, 0.5)


@pytest.fixture
def family():
    """Beats with peaks picked."""
    return Beats(loss="widened", decoder=PeakPicking())


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("widened", Widened),
        ("shift_tolerant", ShiftTolerant),
        (ShiftTolerant(tolerance=1), ShiftTolerant),
    ],
)
def test_a_loss_has_a_name_or_is_given(loss, kind):
    family = Beats(loss=loss, decoder=PeakPicking())
    assert isinstance(family.criterion, kind)
    targets = family.targets([0.5], [0.5], 75, 75)
    assert targets.shape == (75, 2) and targets.dtype == torch.float32
    found = family.loss(
        torch.zeros(1, 75, 2), targets[None], torch.tensor([75])
    )
    expected = kind()(torch.zeros(1, 75, 2), targets[None], torch.tensor([75]))
    assert found.shape == (1,) and found.isfinite().all()
    if isinstance(loss, str):
        assert found.item() == expected.item()
    else:
        assert found.item() != expected.item()


def test_a_loss_of_another_name_is_refused():
    with pytest.raises(ValueError, match="widened, shift_tolerant"):
        Beats(loss="narrow", decoder=PeakPicking())


@pytest.mark.parametrize(
    "decoder", [PeakPicking(), BarPointer(), BarPointer(beats_per_bar=(2, 3))]
)
@pytest.mark.parametrize("loss", ["widened", "shift_tolerant"])
def test_targets_decode_to_the_beats_they_are_of(loss, decoder):
    family = Beats(loss=loss, decoder=decoder)
    downbeats = GRID[1::3]
    targets = family.targets(GRID, downbeats, 2250, 75).numpy()
    beats, firsts = family.decode(targets, 75)
    np.testing.assert_allclose(beats, GRID, atol=0.01)
    np.testing.assert_allclose(firsts, downbeats, atol=0.01)


def test_what_is_right_scores_one(family):
    files = [(GRID, GRID[::4]), (GRID / 2, GRID[::3] / 2)]
    scores = family.measure(files, files)
    counts = {"files_with_beats", "files_with_downbeats"}
    assert scores.keys() > counts
    for name, value in scores.items():
        assert isinstance(value, float)
        assert value == (2 if name in counts else pytest.approx(1)), name
    assert family.MONITOR in scores
    assert family.conclude({}, scores) == scores


def test_metrics_tell_kinds_of_errors_apart(family):
    late, half = (GRID + 0.05, GRID[::4] + 0.05), (GRID[::2], GRID[::4])
    reference = (GRID, GRID[::4])
    scores = family.measure([late], [reference])
    assert (scores["f_measure"], scores["f_measure_20ms"]) == (1, 0)
    assert scores["downbeat_f_measure"] == 1
    assert scores["downbeat_f_measure_20ms"] == 0
    near = GRID + 0.025, GRID[::4] + 0.025
    assert family.measure([near], [reference])["f_measure_20ms"] == 0
    scores = family.measure([half], [reference])
    assert (scores["cmlt"], scores["amlt"]) == (0, pytest.approx(1))
    assert (scores["tempo_accuracy"], scores["tempo_accuracy_2"]) == (0, 1)
    assert scores["f_measure"] == pytest.approx(2 * 30 / (30 + 59))


def test_files_count_together_and_each(family):
    short, long = (GRID[:1], GRID[:1]), (GRID, GRID)
    scores = family.measure([short, (NONE, NONE)], [short, long])
    assert scores["f_measure_per_file"] == 0.5
    assert scores["f_measure"] == pytest.approx(2 / (1 + 60))
    assert scores["downbeat_f_measure_per_file"] == 0.5
    # Only the long one has a tempo.
    assert scores["tempo_accuracy"] == 0
    assert scores["cmlt"] == 0


def test_files_without_reference_are_in_no_mean_and_told(family, monkeypatch):
    told = []
    monkeypatch.setattr(
        beat.logger,
        "warning",
        lambda message, *values: told.append(message % values),
        raising=False,
    )
    whole, nothing = (GRID, GRID[::4]), (NONE, NONE)
    scores = family.measure([whole, whole], [whole, nothing])
    assert scores["f_measure_per_file"] == scores["cmlt"] == 1
    assert scores["f_measure"] == pytest.approx(2 / 3)
    assert scores["downbeat_f_measure"] == 1
    assert scores["files_with_beats"] == scores["files_with_downbeats"] == 1
    assert told == ["files_with_beats: 1 of 2", "files_with_downbeats: 1 of 2"]
    scores = family.measure([nothing], [nothing])
    assert set(scores.values()) == {0}


@pytest.mark.parametrize("loss", ["widened", "shift_tolerant"])
def test_downbeats_that_are_not_known_are_not_learned(loss):
    """Beats are, as if they were all there is."""
    family = Beats(loss=loss, decoder=PeakPicking())
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 150, 2, generator=generator, requires_grad=True)
    n_frames = torch.tensor([150])
    targets = family.targets(GRID[:4], None, 150, 75)
    assert targets[:, 1].isnan().all()
    (gradient,) = torch.autograd.grad(
        family.loss(logits, targets[None], n_frames).sum(), logits
    )
    assert gradient.isfinite().all()
    assert gradient[..., 0].any() and not gradient[..., 1].any()
    known = family.targets(GRID[:4], [], 150, 75)
    (gradient,) = torch.autograd.grad(
        family.loss(logits, known[None], n_frames).sum(), logits
    )
    assert gradient[..., 1].any()
