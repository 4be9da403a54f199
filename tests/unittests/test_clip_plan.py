"""The plan of clips: what holds in each epoch, or is refused before training.

Authors
 * The mert_sb developers 2026
"""

import pytest
from speechbrain.dataio.dataset import DynamicItemDataset

from mert_sb import frames
from mert_sb.pretraining.crops import ClipPlan

PLAN = {"crop_frames": 74, "mask_probability": 0.8, "mask_length": 5}
TRAINING = {
    "number_of_epochs": 10,
    "optimizer_step_limit": 1_000,
    "grad_accumulation_factor": 2,
    "train_dataloader_opts": {"batch_size": 3, "drop_last": True},
}


def plan(**changes):
    return ClipPlan(**PLAN | changes)


def dataset(length=200_000):
    row = {"wav": "a.wav", "start": 0, "length": length}
    return DynamicItemDataset(dict.fromkeys(map(str, range(20)), row))


def check(checked, *, length=200_000, **changes):
    # 20 rows: 6 batches, 3 steps an epoch.
    datasets = {"train": dataset(length=length), "valid": dataset()}
    checked.check(datasets, TRAINING | changes)


def test_each_epoch_and_step_has_its_clips():
    found = plan(
        crop_frames=[[1, 30], [4, 74]],
        mask_probability=[[0, 0.4], [9, 0.8]],
        mask_length=[[0, 2], [6, 5]],
    )
    clip = found.at(3, 6)
    assert clip.epoch == 3
    assert (clip.frames, clip.samples) == (30, frames.n_samples(30))
    assert clip.spans == {"probability": 0.4, "length": 5}
    assert found.at(4, 9).frames == 74
    assert found.at(4, 9).spans == {"probability": 0.8, "length": 5}


def test_masks_are_of_the_frames_of_a_student_that_joins_some():
    # 74 frames are 24 of three, and two are left over.
    found = plan(subsample=3).at(1, 0)
    assert (found.frames, found.samples) == (24, frames.n_samples(74))
    assert plan(subsample=3).stored_frames({"cqt": "shelf"}) == 74
    # Spans that fit into 74 frames need not fit into 24.
    check(plan(mask_length=23))
    with pytest.raises(ValueError, match="of 23 do not fit into 24"):
        check(plan(mask_length=23, subsample=3))


def test_validation_is_always_as_the_end_of_training():
    found = plan(
        crop_frames=[[1, 30], [4, 74]], mask_probability=[[0, 0.4], [9, 0.8]]
    ).held_out
    assert found.epoch == 0
    assert (found.frames, found.samples) == (74, frames.n_samples(74))
    assert found.spans == {"probability": 0.8, "length": 5}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"crop_frames": 0}, "crop_frames.*whole numbers"),
        ({"crop_frames": 74.5}, "crop_frames.*whole numbers"),
        ({"crop_frames": 2, "subsample": 3}, "crop_frames.*3 or more"),
        ({"crop_frames": [[0, 74]]}, "crop_frames.*must begin at 1"),
        ({"mask_length": [[0, 2], [5, 0]]}, "mask_length.*whole numbers"),
        ({"mask_probability": 1.2}, "mask_probability.*from 0 to 1"),
        ({"mask_probability": [[1, 0.2]]}, "mask_probability.*begin at 0"),
    ],
)
def test_numbers_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        plan(**changes)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"crop_frames": [[1, 30], [11, 74]]}, "crop_frames.*epoch 11.*10"),
        # The tenth epoch begins at step 27.
        ({"mask_probability": [[0, 0.4], [28, 0.8]]}, "step 28.*step 27"),
        ({"mask_length": [[0, 2], [28, 5]]}, "mask_length.*step 28"),
        # In its sixth epoch the spans have grown, the clips have not.
        (
            {"mask_length": [[0, 5], [13, 30]], "crop_frames": [[1, 31]]},
            "mask spans of 30 do not fit into 31",
        ),
        ({"crop_frames": [[1, 30], [2, 700]]}, "crop_frames.*min_seconds"),
    ],
)
def test_plans_that_cannot_be_followed_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        check(plan(**changes))


def test_plans_that_can_be_followed_are_not():
    check(plan())
    check(plan(crop_frames=[[1, 30], [10, 74]]))
    check(plan(mask_probability=[[0, 0.4], [27, 0.8]]))
    # Clips grow before spans do.
    lengths = [[0, 5], [13, 30]]
    check(plan(mask_length=lengths, crop_frames=[[1, 31], [5, 74]]))
    check(plan(), number_of_epochs=0)


def test_the_step_limit_ends_training_too():
    stages = [[0, 0.4], [9, 0.8]]
    with pytest.raises(ValueError, match="step 9 .* begins at step 6"):
        check(plan(mask_probability=stages), optimizer_step_limit=9)
    check(plan(mask_probability=stages), optimizer_step_limit=10)
    check(plan(mask_probability=stages), optimizer_step_limit=None)


def test_one_long_epoch_has_no_steps_to_change_at():
    stages = plan(mask_probability=[[0, 0.4], [1, 0.8]])
    with pytest.raises(ValueError, match="step 1 .* begins at step 0"):
        check(stages, number_of_epochs=1)


def test_validation_rows_are_long_enough_too():
    datasets = {"train": dataset(), "valid": dataset(length=20_000)}
    with pytest.raises(ValueError, match="of 20000"):
        plan().check(datasets, TRAINING)


def test_targets_are_stored_for_one_length_only():
    several = plan(crop_frames=[[1, 30], [2, 74]])
    with pytest.raises(ValueError, match=r"stored: .*\[30, 74\].*live"):
        several.stored_frames({"cqt": "shelf"})
    assert several.stored_frames({}) == 74
    assert plan().stored_frames({"cqt": "shelf"}) == 74
