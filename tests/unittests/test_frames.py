"""The clock: lengths, centres and alignment, against the convolutions themselves.

Authors
 * The mert_sb developers 2026
"""

import math

import pytest
import torch

from mert_sb import frames
from mert_sb.student.frontend import KERNELS, STRIDES, ConvFrontend

HOP, FIELD = frames.HOP_LENGTH, frames.RECEPTIVE_FIELD
# Every centre that a teacher's first frame can have, on whole and half samples.
CENTRES = [half / 2 for half in range(-4_000, 719)]


def lengths():
    """All lengths up to two seconds, and those about every 1,000th frame."""
    yield from range(FIELD, 48_000)
    for frame in range(1_000, 200_000, 1_000):
        edge = FIELD + frame * HOP
        yield from (edge - 1, edge, edge + 1, edge + 319)


def test_frames_of_a_clip_are_what_the_convolutions_give():
    for n_samples in lengths():
        convolved = n_samples
        for kernel, stride in zip(KERNELS, STRIDES, strict=True):
            convolved = (convolved - kernel) // stride + 1
        assert frames.n_frames(n_samples) == convolved


@pytest.mark.parametrize("n_frames", [1, 2, 3, 50, 374, 376, 2_250, 45_000])
def test_frames_of_a_clip_are_what_the_front_end_gives(n_frames):
    # On the meta device shapes are worked out and nothing is computed.
    with torch.device("meta"):
        frontend = ConvFrontend(channels=2)
        for more in (0, 1, 160, 319):
            wavs = torch.empty(1, FIELD + (n_frames - 1) * HOP + more)
            assert frontend(wavs).shape[1] == n_frames
            assert frames.n_frames(wavs.shape[1]) == n_frames


def test_clips_shorter_than_the_receptive_field_have_no_frame():
    assert not any(frames.n_frames(n_samples) for n_samples in range(FIELD))


def test_samples_of_frames_are_the_fewest_that_give_them():
    for n_frames in range(1, 10_000):
        n_samples = frames.n_samples(n_frames)
        assert frames.n_frames(n_samples) == n_frames
        assert frames.n_frames(n_samples - 1) == n_frames - 1


def test_the_defaults_are_the_papers_five_seconds():
    assert [frames.n_frames(n) for n in (120_000, 120_400)] == [374, 376]
    assert frames.n_samples(376) == 120_400
    assert [frames.frame_rate(rate) for rate in (24_000, 16_000)] == [75, 50]


@pytest.mark.parametrize("frame", [0, 1, 7])
def test_a_frame_sees_its_receptive_field_and_nothing_else(frame):
    generator = torch.Generator().manual_seed(frame)
    frontend = ConvFrontend(channels=8, norm="layer").double()
    wavs = torch.rand(
        1, frames.n_samples(8), dtype=torch.float64, generator=generator
    ).requires_grad_()
    frontend(wavs)[0, frame].square().sum().backward()
    seen = wavs.grad[0].nonzero().flatten()
    first = frame * HOP
    assert seen.tolist() == list(range(first, first + FIELD))
    assert (seen[0] + seen[-1]) / 2 == frames.centre(frame)


def test_snapping_goes_back_to_a_frame_by_less_than_a_hop():
    for sample in range(5_000):
        snapped = frames.snap(sample)
        assert snapped % HOP == 0
        assert 0 <= sample - snapped < HOP


def test_frames_of_a_snapped_crop_are_frames_of_the_whole():
    frontend = ConvFrontend(channels=4, norm="layer").double()
    generator = torch.Generator().manual_seed(0)
    whole = torch.rand(1, 6_000, dtype=torch.float64, generator=generator)
    start = frames.snap(1_111)
    crop = whole[:, start : start + frames.n_samples(5)]
    first = start // HOP
    torch.testing.assert_close(
        frontend(crop), frontend(whole)[:, first : first + 5]
    )


def test_the_nearest_frame_of_a_teacher_is_chosen():
    for first_centre in CENTRES:
        index, offset = frames.alignment(first_centre)
        off = [first_centre + t * HOP - frames.FIRST_CENTRE for t in range(9)]
        assert index >= 0
        assert math.isclose(offset, off[index])
        assert math.isclose(abs(offset), min(map(abs, off)))


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


def test_aligned_rows_lie_on_the_students_frames():
    student = torch.tensor([frames.centre(frame) for frame in range(7)])
    for first_centre in CENTRES:
        teacher = first_centre + HOP * torch.arange(16)
        aligned = frames.align(teacher[None], 7, first_centre)
        assert aligned.shape == (1, 7)
        assert (aligned[0] - student).abs().max() <= HOP / 2


@pytest.mark.parametrize("first_centre", [159.5, 0.0])
def test_too_few_target_frames_are_refused(first_centre):
    start, _ = frames.alignment(first_centre)
    targets = torch.zeros(2, start + 5, 3)
    assert frames.align(targets, 5, first_centre).shape == (2, 5, 3)
    with pytest.raises(ValueError, match="6 student frames"):
        frames.align(targets, 6, first_centre)
