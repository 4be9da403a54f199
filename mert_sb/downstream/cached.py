"""Cached states as data sets: what a probe trains on.

A batch is gathered at once, from memory where the states that the probe looks at fit:
reading clips one by one takes as long as the training itself.

B batch, N states, D width.

Authors
 * The mert_sb developers 2026
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from mert_sb.downstream.cache import cache_key

# Of a split, in memory; more is read from the shelf, batch by batch.
MOST_BYTES = 2**31


class CachedClip(NamedTuple):
    """A clip, or a batch of them.

    Arguments
    ---------
    id : str
        Of the clip.
    states : torch.Tensor
        ``(N, D)``, or ``(D,)`` of one; of a batch ``(B, N, D)`` or ``(B, D)``.
    target : torch.Tensor
        Of the clip's track.
    track : str
        Its track.

    Example
    -------
    >>> clip = CachedClip("a--0000", torch.zeros(13, 768), torch.tensor(3), "a")
    >>> clip.to("cpu").track
    'a'
    """

    id: Any
    states: torch.Tensor
    target: torch.Tensor
    track: Any

    def to(self, device):
        """On a device.

        Arguments
        ---------
        device : torch.device or str
            Where to.

        Returns
        -------
        CachedClip
            There.
        """
        return self._replace(
            states=self.states.to(device), target=self.target.to(device)
        )


class CachedClips(Dataset):
    """Clips whose states are on a shelf.

    Arguments
    ---------
    dataset : DynamicItemDataset
        With ``id``, ``track`` and ``target``, read once.
    shelf : mert_sb.store.Shelf
        Of ``cache_states``.

    Example
    -------
    >>> import soundfile
    >>> from speechbrain.dataio.dataset import DynamicItemDataset
    >>> from speechbrain.utils.data_pipeline import provides, takes
    >>> from mert_sb.downstream.cache import cache_states
    >>> from mert_sb.downstream.upstreams import MelStatistics
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", torch.rand(9_000).numpy(), 24_000)
    >>> @takes("wav")
    ... @provides("sig")
    ... def audio_pipeline(wav):
    ...     return torch.from_numpy(soundfile.read(wav)[0])
    >>> row = {"wav": str(folder / "a.wav"), "start": 0, "length": 9_000}
    >>> row |= {"track": "a", "target": 3}
    >>> dataset = DynamicItemDataset({"a": row}, [audio_pipeline])
    >>> upstream = MelStatistics(n_mels=64)
    >>> shelf = cache_states(upstream, [dataset], folder / "cache")
    >>> clips = CachedClips(dataset, shelf)
    >>> clips[0].target
    tensor(3)
    >>> clips.keep(layer=0)
    >>> clips.__getitems__([0, 0]).states.shape
    torch.Size([2, 128])
    """

    def __init__(self, dataset, shelf):
        self.shelf, self.layer, self._kept = shelf, None, None
        self.keys = [
            cache_key(dataset.data[item] | {"id": item})
            for item in dataset.data_ids
        ]
        with dataset.output_keys_as(["id", "track", "target"]):
            labels = [dataset[index] for index in range(len(dataset))]
        self.ids = [label["id"] for label in labels]
        self.tracks = [label["track"] for label in labels]
        self.targets = torch.stack(
            [torch.as_tensor(label["target"]) for label in labels]
        )

    def keep(self, layer=None):
        """Read what a probe needs into memory, if it is not too much.

        Arguments
        ---------
        layer : int, optional
            From now on clips have this state alone, ``(D,)``; None: all of them.
        """
        self.layer, self._kept = layer, None
        first = self._read(0)
        if len(self) * first.nbytes <= MOST_BYTES:
            kept = np.empty((len(self), *first.shape), first.dtype)
            for index in range(len(self)):
                kept[index] = self._read(index)
            self._kept = torch.from_numpy(kept)

    def _read(self, index):
        """States of a clip, a view of the shelf's file."""
        states = self.shelf[self.keys[index]]
        return states if self.layer is None else states[self.layer]

    def __len__(self):
        return len(self.keys)

    def __getitem__(self, index):
        return CachedClip(
            self.ids[index],
            torch.from_numpy(self._read(index).copy()),
            self.targets[index],
            self.tracks[index],
        )

    def __getitems__(self, indices):
        """A batch at once, which PyTorch's loader asks for.

        Arguments
        ---------
        indices : list of int
            Of the clips.

        Returns
        -------
        CachedClip
            Of them all.
        """
        if self._kept is None:
            states = torch.from_numpy(
                np.stack([self._read(index) for index in indices])
            )
        else:
            states = self._kept[indices]
        return CachedClip(
            [self.ids[index] for index in indices],
            states,
            self.targets[indices],
            [self.tracks[index] for index in indices],
        )


def as_it_is(batch):
    """Collate what is a batch already.

    Arguments
    ---------
    batch : CachedClip
        From ``CachedClips.__getitems__``.

    Returns
    -------
    CachedClip
        The same.

    Example
    -------
    >>> as_it_is("a batch")
    'a batch'
    """
    return batch
