"""RandomProjectionTeacher: codes by angle, dice by key, statistics by choice.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.teachers import (
    LogMelFrames,
    RandomProjectionTeacher,
    fit_statistics,
)
from tests.utils.teacher_frames import Given, clips_of, clusters

SIZES = {"codebook_size": 64, "codebook_dim": 8}


def build(features=None, **settings):
    settings = {"standardize": "clip", **SIZES, **settings}
    return RandomProjectionTeacher(features=features or Given(4), **settings)


def wavs(n_clips=6, seed=0):
    rows = clusters(12, 5 * n_clips, seed=seed)[1]
    return clips_of(rows.view(n_clips, -1, 4))


def test_codes_are_of_the_smallest_angle():
    teacher = build(n_codebooks=3, standardize="none")
    codes = teacher(wavs())
    assert codes.shape == (6, 60, 3) and codes.dtype == torch.int64
    assert (teacher.n_codebooks, teacher.codebook_size) == (3, 64)
    rows = Given(4)(wavs()).double()
    for number in range(3):
        points = rows @ teacher.projections[number].double()
        cosines = torch.nn.functional.cosine_similarity(
            points[:, :, None], teacher.codebooks[number].double(), dim=-1
        )
        assert torch.equal(codes[..., number], cosines.argmax(-1))
    assert codes.unique().numel() > 20


def test_codebooks_have_length_one():
    lengths = build(n_codebooks=2).codebooks.norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones(2, 64))


def test_loudness_of_a_frame_does_not_move_its_code():
    teacher = build(standardize="none")
    assert torch.equal(teacher(wavs()), teacher(3 * wavs()))


def test_dice_are_the_seeds_and_no_others():
    before = torch.random.get_rng_state()
    codes = build(n_codebooks=3)(wavs())
    torch.rand(3)
    assert torch.equal(build(n_codebooks=3)(wavs()), codes)
    # One codebook more leaves the others as they are.
    assert torch.equal(build(n_codebooks=2)(wavs()), codes[..., :2])
    other = build(n_codebooks=3, seed=1)(wavs())
    assert (other == codes).float().mean() < 0.1
    assert (codes[..., 0] == codes[..., 1]).float().mean() < 0.2
    torch.random.set_rng_state(before)
    build()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_fitted_statistics_undo_what_all_frames_share(tmp_path):
    """A large mean sends all frames to one side, unless it is taken away."""
    path = tmp_path / "statistics"
    clips = clips_of(50 + clusters(12, 30)[1].view(6, 60, 4))
    fit_statistics([clips], path, features=Given(4))
    used = {
        way: build(standardize=way, statistics=file)(clips).unique().numel()
        for way, file in (("none", None), ("fitted", path))
    }
    assert used["fitted"] > 5 * used["none"]


def test_codes_of_fitted_statistics_do_not_hang_on_the_clip(tmp_path):
    path = tmp_path / "statistics"
    fit_statistics([wavs()], path, features=Given(4))
    teacher = build(standardize="fitted", statistics=path)
    half = 30 * 320 + 80
    cut = teacher(wavs()[:, :half])
    assert torch.equal(cut, teacher(wavs())[:, : cut.shape[1]])


def test_without_statistics_the_default_says_what_it_needs():
    with pytest.raises(ValueError, match="fitted needs statistics"):
        RandomProjectionTeacher(features=Given(4))


def test_silence_has_codes():
    teacher = build(LogMelFrames(24_000, n_mels=40))
    codes = teacher(torch.zeros(2, 24_080))
    assert codes.shape == (2, 75, 1) and codes.unique().numel() == 1


def test_identities_tell_all_settings(tmp_path):
    path = tmp_path / "statistics"
    fit_statistics([wavs()], path, features=Given(4))
    ways = [
        {},
        {"n_codebooks": 2},
        {"codebook_size": 65},
        {"codebook_dim": 9},
        {"seed": 1},
        {"sample_rate": 16_000},
        {"features": Given(4, mark=1)},
        {"standardize": "clip"},
        {"standardize": "constants", "mean": 0.0, "scale": 1.0},
        {"standardize": "constants", "mean": 1.0, "scale": 1.0},
        {"standardize": "constants", "mean": 0.0, "scale": 2.0},
        {"statistics": path},
    ]
    found = [
        RandomProjectionTeacher.identity(
            **{"features": Given(4), **SIZES, **way}
        )
        for way in ways
    ]
    for index, identity in enumerate(found):
        assert identity not in found[:index]
    copy = tmp_path / "copy"
    copy.write_bytes(path.read_bytes())
    again = RandomProjectionTeacher.identity(
        features=Given(4), **SIZES, statistics=copy
    )
    assert again == found[-1]
