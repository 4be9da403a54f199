"""Cached states as data sets: what a probe trains on.

B batch, N states, D width.

Authors
 * The mert_sb developers 2026
"""

from typing import Any, NamedTuple

import torch
from torch.utils.data import Dataset

from mert_sb.downstream.cache import cache_key


class CachedClip(NamedTuple):
    """A clip, or a batch of them.

    Arguments
    ---------
    id : str
        Of the clip.
    states : torch.Tensor
        ``(N, D)``; of a batch ``(B, N, D)``.
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
    >>> CachedClips(dataset, shelf)[0].target
    tensor(3)
    """

    def __init__(self, dataset, shelf):
        self.shelf = shelf
        self.keys = [
            cache_key(dataset.data[item] | {"id": item})
            for item in dataset.data_ids
        ]
        with dataset.output_keys_as(["id", "track", "target"]):
            self.labels = [dataset[index] for index in range(len(dataset))]

    def __len__(self):
        return len(self.keys)

    def __getitem__(self, index):
        label = self.labels[index]
        return CachedClip(
            label["id"],
            torch.from_numpy(self.shelf[self.keys[index]].copy()),
            torch.as_tensor(label["target"]),
            label["track"],
        )
