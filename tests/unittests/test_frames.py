"""The clock: lengths, centres and alignment, against the convolutions themselves.

Authors
 * The mert_sb developers 2026
"""

import math

import pytest
import torch
from hypothesis import given, strategies as st

from mert_sb import frames
from mert_sb.student.frontend import KERNELS, STRIDES, ConvFrontend

SECONDS_30 = 30 * 24_000


def convolved_length(n_samples):
    """Frames by going through the convolutions one by one."""
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        n_samples = (n_samples - kernel) // stride + 1
    return n_samples


@given(st.integers(frames.RECEPTIVE_FIELD, 100 * SECONDS_30))
def test_frames_of_a_clip_are_what_the_convolutions_give(n_samples):
    assert frames.n_frames(n_samples) == convolved_length(n_samples)


@given(st.integers(frames.RECEPTIVE_FIELD, SECONDS_30))
def test_frames_of_a_clip_are_what_the_front_end_gives(n_samples):
    # On the meta device shapes are worked out and nothing is computed.
    with torch.device("meta"):
        feats = ConvFrontend(channels=2)(torch.empty(1, n_samples))
    assert feats.shape[1] == frames.n_frames(n_samples)


@given(st.integers(0, frames.RECEPTIVE_FIELD - 1))
def test_clips_shorter_than_the_receptive_field_have_no_frame(n_samples):
    assert frames.n_frames(n_samples) == 0


@given(st.integers(1, 10**7))
def test_samples_of_frames_are_the_fewest_that_give_them(n_frames):
    n_samples = frames.n_samples(n_frames)
    assert frames.n_frames(n_samples) == n_frames
    assert frames.n_frames(n_samples - 1) == n_frames - 1


def test_the_defaults_are_the_papers_five_seconds():
    assert [frames.n_frames(n) for n in (120_000, 120_400)] == [374, 376]
    assert frames.n_samples(376) == 120_400
    assert frames.frame_rate(24_000), frames.frame_rate(16_000) == (75, 50)


@pytest.mark.parametrize("frame", [0, 1, 7])
def test_a_frame_sees_its_receptive_field_and_nothing_else(frame):
    generator = torch.Generator().manual_seed(frame)
    frontend = ConvFrontend(channels=8, norm="layer").double()
    wavs = torch.rand(
        1, frames.n_samples(8), dtype=torch.float64, generator=generator
    ).requires_grad_()
    frontend(wavs)[0, frame].square().sum().backward()
    seen = wavs.grad[0].nonzero().flatten()
    first = frame * frames.HOP_LENGTH
    assert seen.tolist() == list(range(first, first + frames.RECEPTIVE_FIELD))
    assert (seen[0] + seen[-1]) / 2 == frames.centre(frame)


@given(st.integers(0, 10**9))
def test_snapping_goes_back_to_a_frame_by_less_than_a_hop(sample):
    snapped = frames.snap(sample)
    assert snapped % frames.HOP_LENGTH == 0
    assert 0 <= sample - snapped < frames.HOP_LENGTH


def test_frames_of_a_snapped_crop_are_frames_of_the_whole():
    frontend = ConvFrontend(channels=4, norm="layer").double()
    generator = torch.Generator().manual_seed(0)
    whole = torch.rand(1, 6_000, dtype=torch.float64, generator=generator)
    start = frames.snap(1_111)
    crop = whole[:, start : start + frames.n_samples(5)]
    first = start // frames.HOP_LENGTH
    torch.testing.assert_close(
        frontend(crop), frontend(whole)[:, first : first + 5]
    )


@given(st.floats(-2_000, 359))
def test_the_nearest_frame_of_a_teacher_is_chosen(first_centre):
    index, offset = frames.alignment(first_centre)
    distances = [
        abs(first_centre + frame * frames.HOP_LENGTH - frames.FIRST_CENTRE)
        for frame in range(10)
    ]
    assert index >= 0
    assert math.isclose(distances[index], min(distances), abs_tol=1e-9)
    assert math.isclose(abs(offset), distances[index], abs_tol=1e-9)


@pytest.mark.parametrize(
    ("first_centre", "index", "offset"),
    [
        (159.5, 0, -40.0),  # EnCodec: samples 320 t to 320 t + 319
        (0.0, 1, 120.5),  # a centred transform
        (-frames.CENTRED_PADDING, 1, 0.5),  # the same, padded in front
        (200.0, 0, 0.5),  # log-mel frames
        (frames.FIRST_CENTRE, 0, 0.0),  # the student itself
    ],
)
def test_alignment_of_the_teachers(first_centre, index, offset):
    assert frames.alignment(first_centre) == (index, offset)


@given(st.floats(-2_000, 359), st.integers(1, 50))
def test_aligned_rows_lie_on_the_students_frames(first_centre, n_frames):
    lies_on = first_centre + frames.HOP_LENGTH * torch.arange(
        n_frames + 9, dtype=torch.float64
    )
    aligned = frames.align(lies_on[None], n_frames, first_centre)
    student = [frames.centre(frame) for frame in range(n_frames)]
    assert aligned.shape == (1, n_frames)
    off = aligned[0] - torch.tensor(student, dtype=torch.float64)
    assert off.abs().max() <= frames.HOP_LENGTH / 2 + 1e-9


@pytest.mark.parametrize("first_centre", [159.5, 0.0])
def test_too_few_target_frames_are_refused(first_centre):
    start, _ = frames.alignment(first_centre)
    targets = torch.zeros(2, start + 5, 3)
    assert frames.align(targets, 5, first_centre).shape == (2, 5, 3)
    with pytest.raises(ValueError, match="6 student frames"):
        frames.align(targets, 6, first_centre)
