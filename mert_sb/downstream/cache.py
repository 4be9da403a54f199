"""The feature cache: one pass of a frozen upstream, then probes train in seconds.

Mean over time comes before any layer is chosen, so ``(N, D)`` a clip is all that a probe
needs: 20 kB for the 95M in float16. Keys name the clip's file, place and size, the
fingerprint the upstream; another upstream's cache is refused.

S samples, N states, D width.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import os

import torch
from speechbrain.dataio.dataloader import make_dataloader
from speechbrain.utils.logger import get_logger

from mert_sb.downstream.base import checksum
from mert_sb.progress import Progress
from mert_sb.store import Shelf, ShelfWriter

logger = get_logger(__name__)


def cache_key(row):
    """The key of a clip.

    Arguments
    ---------
    row : dict
        With ``id``, ``wav`` (a path), ``start`` and ``length``.

    Returns
    -------
    str
        Changes with the clip, and with the file's size and time.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> _ = path.write_bytes(b"RIFF")
    >>> cache_key({"id": "a", "wav": str(path), "start": 0, "length": 400})
    'a@0+400#4-...'
    """
    status = os.stat(row["wav"])
    where = f"{row['id']}@{row['start']}+{row['length']}"
    return f"{where}#{status.st_size}-{status.st_mtime_ns}"


def fingerprint(upstream):
    """What identifies an upstream.

    Arguments
    ---------
    upstream : torch.nn.Module
        Frozen.

    Returns
    -------
    dict
        Its settings as text, rate, and a checksum of its tensors.

    Example
    -------
    >>> from mert_sb.downstream.upstreams import MelStatistics
    >>> fingerprint(MelStatistics(sample_rate=16_000))["sample_rate"]
    16000
    """
    return {
        "upstream": type(upstream).__name__,
        "settings": upstream.settings,
        "sample_rate": upstream.sample_rate,
        "weights": checksum(upstream.state_dict()),
    }


def cache_states(
    upstream,
    datasets,
    folder,
    *,
    device="cpu",
    batch_size=8,
    num_workers=0,
    shard_size=512,
    dtype="float16",
):
    """Encode all clips that the cache lacks.

    Arguments
    ---------
    upstream : torch.nn.Module
        Gives ``(B, N, D)`` of clips ``(B, S)``.
    datasets : iterable of DynamicItemDataset
        With ``id``, ``wav``, ``start``, ``length`` and, computed, ``sig``.
    folder : str
        Of the cache; several experiments of one upstream may share it.
    device : str
        Where the upstream runs.
    batch_size : int
        Clips at once, of one length: padding would move a group norm.
    num_workers : int
        Processes that read audio.
    shard_size : int
        Clips of a shard; a killed run loses one.
    dtype : str
        ``float16`` or ``float32``.

    Returns
    -------
    Shelf
        ``(N, D)`` by ``cache_key``.

    Raises
    ------
    ValueError
        If the folder holds another upstream's states.

    Example
    -------
    >>> import soundfile
    >>> from speechbrain.dataio.dataset import DynamicItemDataset
    >>> from speechbrain.utils.data_pipeline import provides, takes
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
    >>> shelf[cache_key(row | {"id": "a"})].shape
    (1, 128)
    """
    writer = ShelfWriter(folder, fingerprint(upstream), dtype=dtype)
    upstream = upstream.to(device).eval()
    for dataset in datasets:
        shards = list(_shards(dataset, Shelf(folder), shard_size))
        total = sum(len(ids) for _, ids in shards)
        with Progress("cache", total, "clip") as progress:
            for name, ids in shards:
                logger.info("Cache: encoding %d clips into %s", len(ids), name)
                rows = dataset.filtered_sorted(
                    key_test={"id": set(ids).__contains__}
                )
                states = _encode(
                    upstream, rows, device, batch_size, num_workers, progress
                )
                writer.write(
                    name,
                    {
                        cache_key(dataset.data[i] | {"id": i}): states[i]
                        for i in ids
                    },
                )
    return Shelf(folder)


def _shards(dataset, shelf, shard_size):
    """Names and ids of shards of what is lacking; a name says what is in it."""
    keys = {i: cache_key(row | {"id": i}) for i, row in dataset.data.items()}
    lacking = [i for i, key in keys.items() if key not in shelf]
    lacking.sort(key=lambda i: (dataset.data[i]["length"], i))
    for start in range(0, len(lacking), shard_size):
        part = lacking[start : start + shard_size]
        content = "\n".join(keys[i] for i in part).encode()
        yield hashlib.blake2b(content, digest_size=8).hexdigest(), part


@torch.no_grad()
def _encode(upstream, rows, device, batch_size, num_workers, progress):
    """States of clips by id."""
    by_length = {}
    for index, item in enumerate(rows.data_ids):
        by_length.setdefault(rows.data[item]["length"], []).append(index)
    batches = [
        indices[start : start + batch_size]
        for indices in by_length.values()
        for start in range(0, len(indices), batch_size)
    ]
    with rows.output_keys_as(["id", "sig"]):
        loader = make_dataloader(
            rows,
            batch_sampler=batches,
            num_workers=num_workers,
            # Or a run that fills the cache would draw other dropouts than the next.
            generator=torch.Generator(),
        )
        found = {}
        for batch in loader:
            states = upstream(batch.sig.data.to(device)).cpu().numpy()
            found |= dict(zip(batch.id, states, strict=True))
            seconds = batch.sig.data.numel() / upstream.sample_rate
            progress.update(len(states), seconds=seconds)
    return found
