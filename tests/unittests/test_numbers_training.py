"""Pretraining steps over numbers that are none: skipped, named, nothing harmed.

Authors
 * The mert_sb developers 2026
"""

import math

import pytest
import torch
from speechbrain.utils.autocast import TorchAutocast

from mert_sb.pretraining.recovery import Recovery
from tests.utils.poison import (
    BAD,
    adam_brain,
    changed,
    places,
    poisoned,
    snapshot,
    spoiled,
)
from tests.utils.pretraining_brain import batch, clips, step

OF_EACH_KIND = (
    "target level",
    "states codes",
    "times loss",
    "plus level",
    "gradient student.encoder.layers.0.attention.q_proj.weight",
)


@pytest.fixture
def brain(tmp_path):
    """A Brain that has stepped, so that its optimizer has a state."""
    brain = adam_brain(tmp_path)
    step(brain, batch(clips(1)))
    return brain


def numbered(seed, **changed):
    """A batch, some of its clips' fields replaced."""
    return batch([clip | changed for clip in clips(seed)])


def assert_skipped(brain, *batches, text="", caplog=None):
    """A step changes nothing and is counted; the one after it is made."""
    before, number = snapshot(brain), brain.optimizer_step
    step(brain, *batches)
    assert changed(before, snapshot(brain)) == []
    assert brain.skips.in_row == 1 and brain.skips.read() == 1
    assert brain.optimizer_step == number + 1
    if caplog is not None:
        assert f"Step {number + 1} skipped: {text}" in caplog.text
    assert step(brain, *[batch(clips(9))] * len(batches)).abs().sum() > 0
    assert brain.skips.in_row == 0
    assert all(v.isfinite().all() for v in snapshot(brain).values())


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
@pytest.mark.parametrize("place", OF_EACH_KIND)
def test_a_step_with_a_bad_number_changes_nothing(brain, place, value, caplog):
    if (place, value) == ("states codes", BAD["huge"]):
        pytest.skip("cosines of huge states are numbers")
    before = snapshot(brain)
    with poisoned(brain, place, value):
        step(brain, batch(clips(2)))
    if place == "plus level" and value == BAD["huge"]:
        assert changed(before, snapshot(brain))  # a number all the same
        return
    assert changed(before, snapshot(brain)) == []
    assert "Step 2 skipped" in caplog.text
    assert "2-0, 2-1, 2-2" in caplog.text
    assert brain.skips.read() == 1
    assert step(brain, batch(clips(3))).abs().sum() > 0


def test_all_places_are_found(brain):
    found = places(brain)
    assert set(OF_EACH_KIND) <= set(found) and len(found) > 40


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_clip_that_is_no_audio_is_skipped(brain, value, caplog):
    bad = clips(2)
    bad[1]["sig"] = spoiled(bad[1]["sig"], value)
    assert_skipped(brain, batch(bad), text="the loss is", caplog=caplog)


def test_a_batch_without_a_masked_frame_is_skipped(brain, caplog):
    nothing = numbered(2, mask=torch.zeros_like(clips(2)[0]["mask"]))
    assert_skipped(brain, nothing, text="no frame was masked", caplog=caplog)


@pytest.mark.parametrize("level", [0.0, 0.5, -1.0, 1e-30])
def test_silence_and_constants_are_learned_from(brain, level, caplog):
    signal = torch.full_like(clips(2)[0]["sig"], level)
    assert step(brain, numbered(2, sig=signal)).abs().sum() > 0
    assert "skipped" not in caplog.text
    assert all(v.isfinite().all() for v in snapshot(brain).values())


def test_of_several_micro_batches_the_bad_one_is_named(tmp_path, caplog):
    brain = adam_brain(tmp_path, run_opts={"grad_accumulation_factor": 3})
    bad = numbered(5, sig=torch.full_like(clips(5)[0]["sig"], math.nan))
    good = [batch(clips(4)), batch(clips(6))]
    assert_skipped(
        brain,
        *(good[0], bad, good[1]),
        text="the loss is not finite; clips: 5-0, 5-1, 5-2",
        caplog=caplog,
    )
    assert "4-0" not in caplog.text and "6-0" not in caplog.text


def test_a_gradient_names_all_clips_of_its_step(brain, caplog):
    with poisoned(brain, "gradient level.projection.weight", math.nan):
        step(brain, batch(clips(2)))
    text = "the gradient is not finite; clips: 2-0, 2-1, 2-2"
    assert text in caplog.text


def test_too_many_in_a_row_end_with_their_clips(brain):
    brain.checkpointer.add_recoverable("student", brain.modules["student"])
    saved = snapshot(brain)
    brain.checkpointer.save_checkpoint()
    with poisoned(brain, "times loss", math.nan):
        for number in range(brain.nonfinite_patience):
            step(brain, batch(clips(20 + number)))
        with pytest.raises(FloatingPointError) as caught:
            step(brain, batch(clips(30)))
    message = str(caught.value)
    for number in (*range(20, 20 + brain.nonfinite_patience), 30):
        assert f"{number}-0, {number}-1, {number}-2" in message
    assert "4 steps in a row" in message and "nonfinite_patience" in message
    assert "Lower the learning rate" in message
    assert changed(saved, snapshot(brain)) == []
    brain.checkpointer.recover_if_possible()
    assert changed(saved, snapshot(brain)) == []


def test_skips_between_good_steps_never_end_a_run(brain):
    for number in range(3 * brain.nonfinite_patience):
        with poisoned(brain, "times loss", math.nan):
            step(brain, batch(clips(number)))
        step(brain, batch(clips(number)))
    assert brain.skips.read() == 3 * brain.nonfinite_patience


def test_a_log_line_counts_what_was_skipped(tmp_path, monkeypatch):
    brain = adam_brain(tmp_path, recovery=Recovery(), log_interval=2)
    lines = []
    monkeypatch.setattr(brain, "log", lambda **stats: lines.append(stats))
    with poisoned(brain, "times loss", math.nan):
        step(brain, batch(clips(1)))
    for number in (2, 3, 4):
        step(brain, batch(clips(number)))
    assert [line["train_stats"]["skipped"] for line in lines] == [1, 0]


def test_a_return_ends_the_row_and_forgets_no_skipped_step(brain, monkeypatch):
    monkeypatch.setattr(brain, "save_in_epoch", lambda: None)
    with poisoned(brain, "times loss", math.nan):
        step(brain, batch(clips(2)))
    brain.start_anew()
    assert brain.skips.in_row == 0 and brain.skips.read() == 1


@pytest.fixture
def scaled(brain):
    """The same with a loss scale, as fp16 has on a GPU."""
    brain.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    return brain


def test_a_scale_that_overflows_fp16_is_lowered_and_nothing_harmed(
    scaled, caplog
):
    # SpeechBrain itself refuses fp16 on a CPU; PyTorch does not.
    scaled.training_ctx = TorchAutocast(device_type="cpu", dtype=torch.float16)
    scaled.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    before, skipped = snapshot(scaled), 0
    while not changed(before, snapshot(scaled)):
        scale = scaled.scaler.get_scale()
        step(scaled, batch(clips(skipped)))
        if changed(before, snapshot(scaled)):
            break
        skipped += 1
        assert scaled.scaler.get_scale() == scale / 2
    assert 5 < skipped <= 30 and scaled.skips.read() == skipped
    assert caplog.text.count("the gradient is not finite") == skipped
    assert all(v.isfinite().all() for v in snapshot(scaled).values())


@pytest.mark.parametrize("place", OF_EACH_KIND)
def test_a_scaled_step_with_a_bad_number_changes_nothing(scaled, place):
    before = snapshot(scaled)
    with poisoned(scaled, place, math.nan):
        step(scaled, batch(clips(2)))
    assert changed(before, snapshot(scaled)) == []
    assert step(scaled, batch(clips(3))).abs().sum() > 0


def test_a_scaled_step_without_a_masked_frame_changes_nothing(scaled, caplog):
    # Its gradients are zeros, and zeros are finite to the scaler.
    nothing = numbered(2, mask=torch.zeros_like(clips(2)[0]["mask"]))
    assert_skipped(scaled, nothing, text="no frame was masked", caplog=caplog)


def test_a_scaled_step_whose_norm_alone_overflows_changes_nothing(scaled):
    # Each number is finite, and their squares are not.
    before = snapshot(scaled)
    with poisoned(scaled, "times loss", 1e28):
        step(scaled, batch(clips(2)))
    assert changed(before, snapshot(scaled)) == []
