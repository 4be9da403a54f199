"""Whole recordings as clips: as long as they are, each frame counting alike.

Authors
 * The mert_sb developers 2026
"""

from types import SimpleNamespace

import pytest
import torch
from speechbrain.dataio.dataset import DynamicItemDataset

from mert_sb import frames
from mert_sb.pretraining.crops import ClipPlan
from tests.utils.music_folders import prepare, skipped, write
from tests.utils.pretraining_brain import batch, build_brain, clips, step

TRAINING = {
    "sample_rate": 24_000,
    "number_of_epochs": 10,
    "optimizer_step_limit": 1_000,
    "grad_accumulation_factor": 2,
    "train_dataloader_opts": {"batch_size": 1},
    "valid_dataloader_opts": {"batch_size": 1},
    "mixture": SimpleNamespace(probability=0.0),
    "hiding": SimpleNamespace(from_batch=False),
}


def plan(**changes):
    spans = {"mask_probability": 0.8, "mask_length": 5}
    return ClipPlan(crop_frames=None, **spans | changes)


def rows(*lengths):
    """A data set of recordings."""
    return DynamicItemDataset(
        {
            f"song {n}": {"wav": "a", "length": length}
            for n, length in enumerate(lengths)
        }
    )


def check(checked, *lengths, **changes):
    datasets = {"train": rows(*lengths), "valid": rows(48_000)}
    checked.check(datasets, TRAINING | changes)


def test_a_clip_is_as_long_as_its_row():
    for clip in (plan().at(3, 7), plan().held_out):
        for length in (400, 719, 720, 1_000_000):
            found = clip.of(length)
            assert found.frames == frames.n_frames(length)
            assert length - 320 < found.samples <= length
            assert found.epoch == clip.epoch and found.spans == clip.spans


def test_crops_are_the_same_of_every_row():
    clip = ClipPlan(
        crop_frames=74, mask_probability=0.8, mask_length=5
    ).held_out
    assert clip.of(1_000_000) is clip


def test_rows_of_any_length_are_taken(caplog):
    caplog.set_level("INFO")
    check(plan(), 48_000, 9_999, 2_400_000)
    assert "train: clips are whole rows, the longest song 2 of 100 s" in (
        caplog.text
    )
    check(plan(mask_probability=[[0, 0.4], [3, 0.8]]), 48_000, 48_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train_dataloader_opts": {"batch_size": 8}},
            "train_dataloader_opts.batch_size: 8 .*grad_accumulation_factor: 8",
        ),
        (
            {"valid_dataloader_opts": {"batch_size": 2}},
            "valid_dataloader_opts.batch_size: 2 with crop_frames: null",
        ),
        (
            {"mixture": SimpleNamespace(probability=0.5)},
            "mixture.probability: 0.5 .*probability: 0.0",
        ),
        (
            {"hiding": SimpleNamespace(from_batch=True)},
            "hiding.replace_from: batch .*sample",
        ),
    ],
)
def test_what_needs_company_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        check(plan(), 48_000, **changes)


def test_masks_must_fit_into_the_shortest_row():
    # 7 frames have room for two spans of 5, 6 have not.
    check(plan(), 48_000, frames.n_samples(7))
    with pytest.raises(ValueError, match="song 1, the shortest.*min_seconds"):
        check(plan(), 48_000, frames.n_samples(6))
    # Nor where spans have grown by the time of the third epoch.
    stages = plan(mask_length=[[0, 5], [2, 9]])
    with pytest.raises(ValueError, match="song 1, .*spans of 9"):
        check(stages, 48_000, frames.n_samples(8), 48_000, 48_000)


def test_stages_of_masks_must_come_as_elsewhere():
    late = plan(mask_probability=[[0, 0.4], [999, 0.8]])
    with pytest.raises(ValueError, match="step 999 on would never come"):
        check(late, 48_000, 48_000)


def test_targets_of_whole_rows_are_not_stored():
    with pytest.raises(ValueError, match="stored: .*crop_frames: null.*live"):
        plan().stored_frames({"cqt": "shelf"})
    assert plan().stored_frames({}) is None


def test_each_masked_frame_counts_alike_whatever_the_length(tmp_path):
    options = {"train_dataloader_opts": {"batch_size": 1}}
    short, long = (clips(n, 1, n_frames) for n, n_frames in ((0, 20), (1, 90)))
    apart = [
        step(build_brain(tmp_path / name, **options), batch(part))
        for name, part in (("a", short), ("b", long))
    ]
    brain = build_brain(
        tmp_path / "c", run_opts={"grad_accumulation_factor": 2}, **options
    )
    together = step(brain, batch(short), batch(long))
    counts = [int(part[0]["mask"].sum()) for part in (short, long)]
    assert counts[1] > 3 * counts[0]
    expected = (counts[0] * apart[0] + counts[1] * apart[1]) / sum(counts)
    torch.testing.assert_close(together, expected, rtol=1e-3, atol=1e-5)


def test_files_stay_whole_where_no_segment_is_asked_for(tmp_path):
    for name, seconds in (("a", 2.0), ("b", 75.3), ("c", 0.5)):
        write(tmp_path / "data" / f"{name}.wav", seconds=seconds)
    found = prepare(tmp_path, segment_seconds=None)["train"]
    lengths = {
        item: (row["start"], row["length"]) for item, row in found.items()
    }
    assert lengths == {"a.wav": (0, 48_000), "b.wav": (0, 1_807_200)}
    assert "short" in skipped(tmp_path)["c.wav"]
