"""Shards: another part of the training rows in each epoch.

The original loads one of several manifests an epoch (``sharding_data``: 6 in its 330M),
because its labels would not fit into memory. Here a shard is a part of the one manifest:
an epoch is shorter, and one shard's files are read at a time.

Authors
 * The mert_sb developers 2026
"""

import math

from speechbrain.dataio.dataset import FilteredSortedDynamicItemDataset

from mert_sb.seeds import item_seed


class ShardedClips(FilteredSortedDynamicItemDataset):
    """A data set that is another part of its rows in each epoch.

    The rows of a file stay together; files are dealt out by chance, the same wherever
    the data lie. Shards are equally long: where rows run out, the last shards begin
    again with the first rows. ``n_shards`` epochs show every row, but for what
    ``drop_last`` drops.

    Arguments
    ---------
    dataset : DynamicItemDataset
        All rows.
    n_shards : int
        Shards; the original's ``sharding_data``, in the order of its
        ``load_random_data_shard: false``.
    seed : int
        Seed of the experiment.
    epoch : callable
        Gives the current epoch, counted from 1.

    Example
    -------
    >>> from speechbrain.dataio.dataset import DynamicItemDataset
    >>> rows = {name: {"wav": name, "length": 9} for name in "abcde"}
    >>> whole = DynamicItemDataset(rows, output_keys=["id"])
    >>> epochs = [
    ...     ShardedClips(whole, 2, seed=1337, epoch=lambda: epoch)
    ...     for epoch in (1, 2)
    ... ]
    >>> [len(shard) for shard in epochs]
    [3, 3]
    """

    def __init__(self, dataset, n_shards, *, seed, epoch):
        first = {}
        for item in dataset.data_ids:
            first.setdefault(dataset.data[item]["wav"], item)

        def place(item):
            file = first[dataset.data[item]["wav"]]
            return item_seed(seed, 0, file, "shard"), file

        super().__init__(dataset, sorted(dataset.data_ids, key=place))
        self.n_shards = n_shards
        self.epoch = epoch

    def __len__(self):
        return math.ceil(len(self.data_ids) / self.n_shards)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"no row {index} in a shard of {len(self)}")
        shard = (self.epoch() - 1) % self.n_shards
        return super().__getitem__(
            (shard * len(self) + index) % len(self.data_ids)
        )


def one_shard_an_epoch(dataset, hparams):
    """The training rows as the YAML's ``shards`` divides them.

    Arguments
    ---------
    dataset : DynamicItemDataset
        All rows.
    hparams : dict
        With ``shards``, ``seed``, ``epoch_counter`` and ``number_of_epochs``.

    Returns
    -------
    DynamicItemDataset
        The same where ``shards`` is 1, else a ``ShardedClips``.

    Raises
    ------
    ValueError
        If there are more shards than rows or epochs.

    Example
    -------
    >>> one_shard_an_epoch("all rows", {"shards": 1})
    'all rows'
    """
    shards = hparams["shards"]
    if type(shards) is not int or shards < 1:
        raise ValueError(f"shards: {shards!r} is no whole number from 1")
    if shards == 1:
        return dataset
    if shards > min(len(dataset), hparams["number_of_epochs"]):
        raise ValueError(
            f"shards: {shards} need as many epochs and rows, but there are "
            f"{hparams['number_of_epochs']} epochs and {len(dataset)} rows; some "
            "would never be heard"
        )
    counter = hparams["epoch_counter"]
    return ShardedClips(
        dataset,
        shards,
        seed=hparams["seed"],
        epoch=lambda: counter.current,
    )
