"""Shards: another part of the rows in each epoch, all of them in the end.

Authors
 * The mert_sb developers 2026
"""

from types import SimpleNamespace

import pytest
from speechbrain.dataio.dataset import DynamicItemDataset

from mert_sb.pretraining.shards import ShardedClips, one_shard_an_epoch

SHARDING = {"seed": 1, "number_of_epochs": 10}


def rows(n=20, files=4):
    """Rows of a few files, ``n`` in all."""
    return {
        f"{row % files}--{row:04d}": {"wav": f"/data/{row % files}.wav"}
        for row in range(n)
    }


def dataset(**changes):
    return DynamicItemDataset(rows(**changes), output_keys=["id"])


def shards(data, n_shards, epoch, seed=1337):
    sharded = ShardedClips(data, n_shards, seed=seed, epoch=lambda: epoch)
    return [sharded[index]["id"] for index in range(len(sharded))]


@pytest.mark.parametrize("n_rows, n_shards", [(20, 4), (21, 4), (5, 4), (7, 7)])
def test_as_many_epochs_as_shards_show_every_row(n_rows, n_shards):
    data = dataset(n=n_rows)
    epochs = [shards(data, n_shards, 1 + epoch) for epoch in range(n_shards)]
    length = -(-n_rows // n_shards)
    assert [len(set(epoch)) for epoch in epochs] == [length] * n_shards
    assert set().union(*map(set, epochs)) == set(data.data_ids)
    # Then from the beginning.
    assert shards(data, n_shards, 1 + n_shards) == epochs[0]


def test_rows_of_a_file_share_a_shard_and_files_are_dealt_by_seed():
    data = dataset(n=40, files=10)
    files = [{item[0] for item in shards(data, 5, 1 + i)} for i in range(5)]
    assert [len(found) for found in files] == [2] * 5
    assert set().union(*files) == set("0123456789")
    others = [{i[0] for i in shards(data, 5, 1, seed=s)} for s in range(9)]
    assert len(set(map(frozenset, others))) > 1


def test_shards_do_not_depend_on_where_the_data_lie():
    moved = {
        item: row | {"wav": row["wav"].replace("/data", "/elsewhere")}
        for item, row in rows().items()
    }
    moved = DynamicItemDataset(moved, output_keys=["id"])
    assert shards(moved, 3, 2) == shards(dataset(), 3, 2)


def test_a_shard_ends():
    sharded = ShardedClips(dataset(), 4, seed=1, epoch=lambda: 1)
    assert [item["id"] for item in sharded] == shards(dataset(), 4, 1, seed=1)
    with pytest.raises(IndexError):
        sharded[5]


def test_the_counter_turns_the_shards_over():
    counter = SimpleNamespace(current=1)
    hparams = SHARDING | {"shards": 4, "epoch_counter": counter}
    sharded = one_shard_an_epoch(dataset(), hparams)
    first = [item["id"] for item in sharded]
    counter.current = 2
    second = [item["id"] for item in sharded]
    assert not set(first) & set(second)
    assert second == shards(dataset(), 4, 2, seed=1)


@pytest.mark.parametrize("n_shards", [0, -1, 2.0, True, 11, 21])
def test_impossible_shards_are_refused(n_shards):
    with pytest.raises(ValueError, match="shards: "):
        one_shard_an_epoch(dataset(), SHARDING | {"shards": n_shards})
