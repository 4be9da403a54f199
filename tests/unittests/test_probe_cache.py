"""The feature cache encodes what it lacks, and nothing passes for something else.

Authors
 * The mert_sb developers 2026
"""

import os

import numpy as np
import pytest
import soundfile as sf
import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.utils.data_pipeline import provides, takes

from mert_sb.downstream import cache
from mert_sb.downstream.base import Setup
from mert_sb.downstream.cache import cache_key, cache_states
from mert_sb.downstream.upstreams import MelStatistics
from mert_sb.store import Shelf, ShelfWriter


class Loud(MelStatistics):
    """Means beyond what float16 holds."""

    def forward(self, wavs, wav_lens=None):
        return super().forward(wavs, wav_lens) + 1e5


@pytest.fixture
def clips(tmp_path):
    """A data set of clips of two lengths; and a way to make it anew."""

    def write(index, seed):
        rng = np.random.default_rng(seed)
        path = tmp_path / f"{index}.wav"
        sf.write(
            path, rng.uniform(-0.5, 0.5, 9_000 + 500 * (index % 2)), 24_000
        )
        return path

    @takes("wav")
    @provides("sig")
    def audio_pipeline(wav):
        return torch.from_numpy(sf.read(wav, dtype="float32")[0])

    rows = {}
    for index in range(5):
        path = str(write(index, index))
        length = 9_000 + 500 * (index % 2)
        rows[str(index)] = {"wav": path, "start": 0, "length": length}

    def dataset(names="01234"):
        chosen = {name: dict(rows[name]) for name in names}
        return DynamicItemDataset(chosen, [audio_pipeline])

    dataset.write = write
    return dataset


def encoded(monkeypatch):
    """Names of the clips that are encoded from now on."""
    names, whole = [], cache._encode

    def spy(upstream, rows, *options):
        names.extend(rows.data_ids)
        return whole(upstream, rows, *options)

    monkeypatch.setattr(cache, "_encode", spy)
    return names


def states_of(shelf, dataset):
    return {
        name: shelf[cache_key(row | {"id": name})]
        for name, row in dataset.data.items()
    }


def test_states_are_those_of_each_clip_alone(clips, tmp_path):
    upstream, dataset = MelStatistics(), clips()
    shelf = cache_states(
        upstream, [dataset], tmp_path / "c", dtype="float32", batch_size=2
    )
    for name, states in states_of(shelf, dataset).items():
        wav, _ = sf.read(dataset.data[name]["wav"], dtype="float32")
        expected = upstream(torch.from_numpy(wav)[None])[0]
        assert np.allclose(states, expected, atol=1e-5)


def test_only_what_is_lacking_is_encoded(clips, tmp_path, monkeypatch):
    names = encoded(monkeypatch)
    folder = tmp_path / "c"
    cache_states(MelStatistics(), [clips("012")], folder, shard_size=2)
    assert sorted(names) == ["0", "1", "2"]
    names.clear()
    shelf = cache_states(MelStatistics(), [clips("12"), clips()], folder)
    assert sorted(names) == ["3", "4"]
    assert len(shelf) == 5


def test_changed_audio_of_the_same_size_is_encoded_anew(
    clips, tmp_path, monkeypatch
):
    folder, dataset = tmp_path / "c", clips()
    before = states_of(
        cache_states(MelStatistics(), [dataset], folder), dataset
    )
    size = os.path.getsize(dataset.data["0"]["wav"])
    path = clips.write(0, seed=99)
    os.utime(path, ns=(1, 1))
    assert os.path.getsize(path) == size
    names = encoded(monkeypatch)
    after = states_of(cache_states(MelStatistics(), [dataset], folder), dataset)
    assert names == ["0"]
    assert not np.array_equal(after["0"], before["0"])
    assert np.array_equal(after["1"], before["1"])


def test_states_that_float16_cannot_hold_are_refused(clips, tmp_path):
    with pytest.raises(ValueError, match="not finite as float16; use dtype"):
        cache_states(Loud(), [clips()], tmp_path / "c")
    cache_states(Loud(), [clips()], tmp_path / "d", dtype="float32")


def test_two_processes_may_write_one_shard(tmp_path):
    arrays = {"a": np.zeros((1, 4), np.float16)}
    first, second = (
        ShelfWriter(tmp_path, {"x": 1}, dtype="float16") for _ in range(2)
    )
    first.write("s", arrays)
    second.write("s", arrays)
    assert len(Shelf(tmp_path)) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "shard-s",
        "shelf.json",
    ]


def test_a_setup_is_compared_key_by_key(tmp_path):
    path = tmp_path / "setup.ckpt"
    Setup(layer="mix", lr=0.1, upstream={"a": (1, 2)}).save(path)
    Setup(layer="mix", lr=0.1, upstream={"a": [1, 2]}).load(path, True)
    with pytest.raises(ValueError, match=r"lr 0.1, not 0.2; give another"):
        Setup(layer="mix", lr=0.2, upstream={"a": [1, 2]}).load(path, True)
