"""Extraction: stored targets are the live ones, each window once, whole shards only.

Authors
 * The mert_sb developers 2026
"""

import shutil
from functools import partial

import numpy as np
import pytest
import torch

from mert_sb import frames
from mert_sb.pretraining.extract import (
    Extraction,
    fingerprint,
    open_stored,
    row_key,
)
from mert_sb.store import Shelf, ShelfWriter
from mert_sb.teachers import Teacher

CROP_FRAMES, CROP_STEP = 12, 5
CROP = frames.n_samples(CROP_FRAMES)


class Loudness(Teacher):
    """Two codes a frame that depend on all of the clip before it."""

    def __init__(self, *, sample_rate=24_000, levels=1_000):
        super().__init__(sample_rate=sample_rate)
        self.levels = levels
        self.batches = []

    @classmethod
    def identity(cls, **settings):
        return super().identity(**{"levels": 1_000, **settings})

    def frame_targets(self, wavs):
        self.batches.append(len(wavs))
        power = wavs.cumsum(-1).abs().unfold(1, 400, 320).mean(-1)
        codes = torch.stack([power, power.flip(1)], dim=-1)
        return (10 * codes).long().clamp(0, self.levels - 1)


class Pitch(Teacher):
    """Features, which are not stored."""

    def frame_targets(self, wavs):
        return wavs.unfold(1, 400, 320).mean(-1, keepdim=True)


class Tracks(torch.utils.data.Dataset):
    """Tracks of several lengths and their windows."""

    def __init__(self, n=11):
        generator = torch.Generator().manual_seed(0)
        self.wavs = [
            torch.randn(CROP + 320 * (3 * k % 17), generator=generator)
            for k in range(n)
        ]
        self.read = []

    def __len__(self):
        return len(self.wavs)

    def __getitem__(self, index):
        self.read.append(index)
        windows = self.wavs[index].unfold(0, CROP, 320 * CROP_STEP)
        return {"key": f"track/{index}", "windows": windows}


STAMP = fingerprint(
    partial(Loudness, sample_rate=24_000),
    crop_frames=CROP_FRAMES,
    crop_step=CROP_STEP,
)


def test_steps_that_store_frames_many_times_over_are_refused():
    sizes = {"crop_frames": 376, "crop_step": 47}
    assert sizes.items() <= fingerprint(partial(Loudness), **sizes).items()
    with pytest.raises(ValueError, match="46 frames.* at least 47"):
        fingerprint(partial(Loudness), crop_frames=376, crop_step=46)


def test_keys_of_rows_tell_apart_where_they_lie():
    rows = [("a", 0, 5), ("b", 0, 5), ("a", 320, 5), ("a", 0, 6)]
    assert len({row_key(*row) for row in rows}) == 4


def extraction(folder, teacher=None, **options):
    writer = ShelfWriter(folder, STAMP, dtype="uint16")
    settings = {"sample_rate": 24_000, "shard_size": 3, "batch_size": 4}
    return Extraction(teacher or Loudness(), writer, **(settings | options))


def assert_stored_is_live(folder, tracks):
    shelf = Shelf(folder, STAMP)
    teacher = Loudness()
    assert len(shelf) == len(tracks)
    for index, wav in enumerate(tracks.wavs):
        stored = shelf[f"track/{index}"]
        starts = range(0, len(wav) - CROP + 1, 320 * CROP_STEP)
        assert stored.shape == (len(starts), CROP_FRAMES, 2)
        for window, start in zip(stored, starts, strict=True):
            live = teacher(wav[None, start : start + CROP])[0]
            np.testing.assert_array_equal(window, live.numpy())


def shards(folder):
    return sorted(path.name for path in folder.glob("shard-*"))


@pytest.mark.parametrize("batch_size", [1, 4, 1_000])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_stored_targets_are_the_live_ones(tmp_path, batch_size, num_workers):
    tracks = Tracks()
    options = {"batch_size": batch_size, "num_workers": num_workers}
    seconds = extraction(tmp_path, **options).run(tracks)
    assert_stored_is_live(tmp_path, tracks)
    windows = sum((len(w) - CROP) // 320 // CROP_STEP + 1 for w in tracks.wavs)
    assert seconds == pytest.approx(windows * CROP / 24_000)


def test_windows_of_many_tracks_share_a_batch(tmp_path):
    teacher = Loudness()
    extraction(tmp_path, teacher).run(Tracks())
    assert set(teacher.batches[:1]) == {4}
    # Only the last of a shard may be smaller.
    assert sum(size < 4 for size in teacher.batches) <= 4
    assert max(teacher.batches) == 4


def test_a_second_run_does_nothing(tmp_path):
    tracks = Tracks()
    extraction(tmp_path).run(tracks)
    tracks.read.clear()
    assert extraction(tmp_path).run(tracks) == 0.0
    assert not tracks.read


def test_a_run_goes_on_with_the_missing_shards_alone(tmp_path):
    tracks = Tracks()
    extraction(tmp_path).run(tracks)
    assert len(shards(tmp_path)) == 4
    shutil.rmtree(tmp_path / "shard-3-000000003")
    tracks.read.clear()
    extraction(tmp_path).run(tracks)
    assert tracks.read == [3, 4, 5]
    assert_stored_is_live(tmp_path, tracks)


def test_a_kill_costs_no_more_than_a_shard(tmp_path):
    class Killed(Loudness):
        def frame_targets(self, wavs):
            if len(self.batches) == 5:
                raise KeyboardInterrupt
            return super().frame_targets(wavs)

    tracks = Tracks()
    with pytest.raises(KeyboardInterrupt):
        extraction(tmp_path, Killed()).run(tracks)
    done = len(shards(tmp_path))
    assert 0 < done < 4
    tracks.read.clear()
    extraction(tmp_path).run(tracks)
    assert tracks.read == list(range(3 * done, 11))
    assert_stored_is_live(tmp_path, tracks)


def test_a_run_may_go_on_with_another_shard_size(tmp_path):
    tracks = Tracks()
    extraction(tmp_path, shard_size=2).run(tracks, rank=0, world=3)
    extraction(tmp_path, shard_size=4).run(tracks)
    shelf = Shelf(tmp_path)
    assert all(f"track/{index}" in shelf for index in range(11))


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_ranks_cover_every_track_once(tmp_path, world):
    alone = []
    for rank in range(world):
        tracks = Tracks()
        extraction(tmp_path / "all").run(tracks, rank=rank, world=world)
        # On a shelf of its own it cannot see what the others have done.
        tracks.read.clear()
        extraction(tmp_path / str(rank)).run(tracks, rank=rank, world=world)
        alone += tracks.read
    assert sorted(alone) == list(range(11))
    assert_stored_is_live(tmp_path / "all", Tracks())


def test_prefixes_keep_data_sets_apart(tmp_path):
    tracks = Tracks()
    for prefix in ("train-", "valid-"):
        part = Tracks(6)
        if prefix == "valid-":
            part.wavs = tracks.wavs[6:]
            part = Renamed(part)
        extraction(tmp_path).run(part, prefix=prefix)
    assert shards(tmp_path)[0] == "shard-train-3-000000000"
    assert_stored_is_live(tmp_path, tracks)


class Renamed(torch.utils.data.Dataset):
    """The last tracks under their own numbers."""

    def __init__(self, tracks):
        self.tracks = tracks

    def __len__(self):
        return len(self.tracks)

    def __getitem__(self, index):
        return self.tracks[index] | {"key": f"track/{index + 6}"}


def test_a_teacher_of_features_is_refused_and_leaves_no_shard(tmp_path):
    with pytest.raises(ValueError, match="Pitch gives features.*live"):
        extraction(tmp_path, Pitch(sample_rate=24_000)).run(Tracks())
    assert [path.name for path in tmp_path.iterdir()] == ["shelf.json"]
    assert len(Shelf(tmp_path)) == 0


def test_stored_shelves_open_by_teacher(tmp_path):
    extraction(tmp_path).run(Tracks())
    teachers = {"codes": partial(Loudness, sample_rate=24_000), "cqt": Pitch}
    shelves = open_stored(
        {"codes": tmp_path},
        teachers,
        crop_frames=CROP_FRAMES,
        crop_step=CROP_STEP,
    )
    assert list(shelves) == ["codes"]
    assert len(shelves["codes"]) == 11


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop_step": 6}, "crop_step is 5, not 6"),
        ({"crop_frames": 13}, "crop_frames is 12, not 13"),
        ({"sample_rate": 16_000}, "sample_rate is 24000, not 16000"),
        ({"levels": 500}, "levels is 1000, not 500"),
        ({"teacher": Pitch}, "teacher is 'Loudness', not 'Pitch'"),
    ],
)
def test_a_shelf_of_another_experiment_is_refused(tmp_path, changes, message):
    extraction(tmp_path).run(Tracks(3))
    wanted = {"crop_frames": CROP_FRAMES, "crop_step": CROP_STEP} | changes
    teacher = wanted.pop("teacher", Loudness)
    settings = {"sample_rate": 24_000} | {
        key: wanted.pop(key)
        for key in ("sample_rate", "levels")
        if key in wanted
    }
    with pytest.raises(ValueError, match=message) as error:
        open_stored(
            {"codes": tmp_path},
            {"codes": partial(teacher, **settings)},
            **wanted,
        )
    assert str(tmp_path) in str(error.value)


def test_a_shelf_of_no_teacher_is_refused_by_name(tmp_path):
    with pytest.raises(KeyError, match="encodek.*codes"):
        open_stored(
            {"encodek": tmp_path},
            {"codes": partial(Loudness)},
            crop_frames=CROP_FRAMES,
            crop_step=CROP_STEP,
        )
