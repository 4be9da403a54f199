"""Batches of cached states: gathered at once, the same as clip by clip.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from torch.utils.data import default_collate

from mert_sb.downstream import cached
from mert_sb.downstream.cache import cache_key
from mert_sb.downstream.cached import CachedClips
from mert_sb.store import Shelf, ShelfWriter


@pytest.fixture
def clips(tmp_path):
    """Six clips of three states, their targets and tracks."""
    wav = tmp_path / "a.wav"
    wav.touch()
    row = {"wav": str(wav), "start": 0, "length": 400}
    rows = {
        f"clip-{index}": row | {"track": f"song-{index // 2}", "target": index}
        for index in range(6)
    }
    dice = np.random.default_rng(0)
    states = {
        cache_key(row | {"id": name}): dice.standard_normal((3, 8))
        for name, row in rows.items()
    }
    ShelfWriter(tmp_path / "cache", {}, dtype="float16").write("0", states)
    return CachedClips(DynamicItemDataset(rows), Shelf(tmp_path / "cache"))


def equal(ours, theirs):
    """Whether two batches are the same."""
    return (
        ours.id == list(theirs.id)
        and ours.track == list(theirs.track)
        and ours.states.dtype == theirs.states.dtype == torch.float16
        and torch.equal(ours.states, theirs.states)
        and torch.equal(ours.target, theirs.target)
    )


@pytest.mark.parametrize("most_bytes", [0, 2**20])
@pytest.mark.parametrize("layer", [None, 0, 2])
def test_a_batch_is_its_clips(clips, monkeypatch, layer, most_bytes):
    monkeypatch.setattr(cached, "MOST_BYTES", most_bytes)
    indices = [4, 0, 0, 5]
    whole = default_collate([clips[index] for index in indices])
    assert whole.target.tolist() == indices
    assert list(whole.track) == ["song-2", "song-0", "song-0", "song-2"]
    clips.keep(layer)
    batch = clips.__getitems__(indices)
    assert equal(batch, default_collate([clips[index] for index in indices]))
    chosen = whole.states if layer is None else whole.states[:, layer]
    assert torch.equal(batch.states, chosen)


def test_only_what_fits_is_kept_in_memory(clips, monkeypatch):
    monkeypatch.setattr(cached, "MOST_BYTES", 6 * 8 * 2)
    reads = []
    shelf = clips.shelf
    monkeypatch.setattr(
        clips, "shelf", type("", (), {"__getitem__": lambda _, key: (
            reads.append(key), shelf[key])[1]})()
    )  # fmt: skip
    for layer, more in ((1, 0), (None, 2)):
        clips.keep(layer)
        before = len(reads)
        clips.__getitems__([0, 1])
        assert len(reads) - before == more
