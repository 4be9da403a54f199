"""Pretraining of students that join frames: what their frames are taught.

Authors
 * The mert_sb developers 2026
"""

import pytest
import speechbrain as sb
import torch

from mert_sb import frames
from mert_sb.inference.continuing import load_pretraining
from mert_sb.inference.export import export_student
from mert_sb.inference.tensors import CheckpointError
from mert_sb.pretraining.thinning import thin
from tests.utils.originals import tiny_student
from tests.utils.pretraining_brain import (
    FRAMES,
    batch,
    build_brain,
    clips,
    losses,
    step,
)


@pytest.mark.parametrize("subsample", [1, 2, 3, 4])
@pytest.mark.parametrize("n_samples", [400, 1_040, 8_079, 8_080, 120_400])
def test_joined_frames_are_whole_groups_centred_on_them(subsample, n_samples):
    plain = frames.n_frames(n_samples)
    joined = frames.n_frames(n_samples, subsample)
    assert joined == plain // subsample
    if joined:
        assert frames.n_samples(joined, subsample) <= n_samples
        assert frames.n_samples(joined + 1, subsample) > n_samples
    group = [frames.centre(2 * subsample + i) for i in range(subsample)]
    assert frames.centre(2, subsample) == sum(group) / subsample


@pytest.mark.parametrize(
    ("subsample", "late"), [(1, 0), (2, 160), (3, 0), (4, 160)]
)
def test_codes_are_of_the_middle_and_features_of_all(subsample, late):
    # Frame t's target is where t is centred.
    centres = frames.centre(torch.arange(23))[None, :, None]
    wanted = frames.centre(torch.arange(23 // subsample), subsample)
    codes = thin((2 * centres).long(), subsample).flatten() / 2
    assert torch.equal(codes - wanted, torch.full_like(wanted, late))
    assert torch.equal(thin(centres, subsample).flatten(), wanted)


@pytest.mark.parametrize("stage", [sb.Stage.TRAIN, sb.Stage.VALID])
@pytest.mark.parametrize("head", [{}, {"visible_weight": 0.5}])
def test_live_and_stored_targets_teach_joined_frames(
    tmp_path, monkeypatch, stage, head
):
    joined = {"student": {"subsample": 4}, "head": head}
    items = clips(n_masked=FRAMES // 4)
    monkeypatch.setattr(
        "tests.utils.pretraining_brain.clips", lambda: list(items)
    )
    live = build_brain(tmp_path / "a", **joined)
    found, whole = losses(live, stage)
    # On the shelf are the targets of every frame, which any student reads.
    for item in items:
        item["target_codes"] = live.teachers["codes"](item["sig"][None])[0]
        assert item["target_codes"].shape == (FRAMES, 2)
    stored = build_brain(tmp_path / "b", stored={"codes": "shelf"}, **joined)
    assert "codes" not in stored.teachers
    again, other = losses(stored, stage)
    assert torch.equal(found["codes"], again["codes"])
    assert torch.equal(whole, other)


def test_joined_frames_are_taught_what_was_there(tmp_path):
    """The head gets the student's masked rows and the thinned targets, in order."""
    brain = build_brain(tmp_path, student={"subsample": 3})
    items = batch(clips(n_masked=10))
    with torch.no_grad():
        results, targets, _ = brain.compute_forward(items, sb.Stage.VALID)
        mask, wavs = items.mask.data, items.sig.data
        codes = brain.teachers["codes"](wavs)[:, 1::3]
        level = brain.teachers["level"](wavs).unflatten(1, (10, 3)).mean(2)
        rows = brain.modules.student(wavs, mask=mask)
        expected = brain.modules.codes(rows, codes[mask])
    assert torch.equal(targets["codes"], codes)
    torch.testing.assert_close(targets["level"], level)
    assert torch.equal(results["codes"]["loss"], expected["loss"])
    moved = step(brain, batch(clips(n_masked=10)))
    assert moved.abs().sum() > 0


def test_yardsticks_are_of_joined_frames(tmp_path):
    brain = build_brain(tmp_path, student={"subsample": 3})
    items = batch(clips(n_masked=10))
    with torch.no_grad():
        outputs = brain.compute_forward(items, sb.Stage.VALID)
        brain.compute_objectives(outputs, items, sb.Stage.VALID)
    hidden = outputs[1]["codes"][items.mask.data]
    commonest = [column.bincount().max() for column in hidden.T]
    share = sum(commonest).item() / hidden.numel()
    found = brain.yardsticks.read()
    assert found["codes_commonest"] == pytest.approx(share)


def test_a_mask_of_every_frame_is_refused(tmp_path):
    brain = build_brain(tmp_path, student={"subsample": 3})
    with pytest.raises(ValueError, match=r"mask: .*10 frames"):
        brain.compute_forward(batch(), sb.Stage.VALID)


def test_a_student_of_another_rate_is_not_continued(tmp_path):
    folder = export_student(tiny_student(subsample=3), tmp_path / "slow")
    modules = {"student": tiny_student(seed=1, subsample=3)}
    assert load_pretraining(modules, folder).filled == ["student"]
    modules = {"student": tiny_student()}
    with pytest.raises(CheckpointError, match=r"subsample: 3 \(it has .*: 1"):
        load_pretraining(modules, folder)
