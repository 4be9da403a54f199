"""Fill a shelf with a teacher's targets, for training without the teacher.

Targets depend on where a clip begins and ends (a recurrent codec remembers its past, a
spectrum is padded at its edges), so they are computed window by window, each window being
just a clip that training may draw: stored and live targets are the same numbers. Windows
start every ``crop_step`` frames.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.logger import get_logger

from mert_sb.progress import Progress
from mert_sb.store import Shelf

logger = get_logger(__name__)

# How often a frame may be stored, in clips that overlap.
MOST_OVERLAP = 8


def fingerprint(factory, *, crop_frames, crop_step):
    """What the stored targets of a teacher depend on.

    Arguments
    ---------
    factory : functools.partial
        The teacher's ``!name:`` entry in the YAML.
    crop_frames : int
        Frames of a clip.
    crop_step : int
        Frames between the starts of clips.

    Returns
    -------
    dict
        Plain values.

    Example
    -------
    >>> from functools import partial
    >>> from mert_sb.store import differences
    >>> class Codec:
    ...     @classmethod
    ...     def identity(cls, **settings):
    ...         return settings
    >>> fingerprint(partial(Codec, sample_rate=8), crop_frames=2, crop_step=1)
    {'sample_rate': 8, 'crop_frames': 2, 'crop_step': 1}
    """
    if crop_frames > MOST_OVERLAP * crop_step:
        raise ValueError(
            f"crop_step: a clip of {crop_frames} frames every {crop_step} frames "
            f"would be stored {crop_frames // crop_step} times over; give a step of "
            f"at least {-(-crop_frames // MOST_OVERLAP)}, half a clip does well"
        )
    return {
        **factory.func.identity(**factory.keywords),
        "crop_frames": crop_frames,
        "crop_step": crop_step,
    }


def row_key(item, start, length):
    """Key of a row's targets on the shelf.

    Where the row lies is part of it: rows cut anew have the old ids.

    Arguments
    ---------
    item : str
        The row's id.
    start : int
        Its first sample in the file.
    length : int
        Its samples.

    Returns
    -------
    str
        The key.

    Example
    -------
    >>> row_key("a--0001", 720_000, 720_000)
    'a--0001@720000+720000'
    """
    return f"{item}@{start}+{length}"


def open_stored(folders, teachers, *, crop_frames, crop_step):
    """The shelves named in the YAML, refused unless they fit the experiment.

    Arguments
    ---------
    folders : dict of str to str
        Shelf of each stored teacher (the YAML's ``stored``).
    teachers : dict of str to functools.partial
        All teachers of the experiment.
    crop_frames : int
        Frames of a clip.
    crop_step : int
        Frames between the starts of clips.

    Returns
    -------
    dict of str to Shelf
        By teacher.

    Raises
    ------
    KeyError
        If ``stored`` names what is no teacher.
    ValueError
        If a shelf was made by another teacher, at another rate or step.

    Example
    -------
    >>> open_stored({}, {}, crop_frames=376, crop_step=188)
    {}
    """
    unknown = set(folders) - set(teachers)
    if unknown:
        raise KeyError(
            f"stored: {sorted(unknown)} are no teachers of this experiment, which "
            f"are {sorted(teachers)}"
        )
    return {
        name: Shelf(
            folder,
            wanted=fingerprint(
                teachers[name], crop_frames=crop_frames, crop_step=crop_step
            ),
        )
        for name, folder in folders.items()
    }


class Extraction:
    """Runs a teacher over the windows of tracks, a shard at a time.

    Arguments
    ---------
    teacher : mert_sb.teachers.Teacher
        On its device.
    writer : ShelfWriter
        Of the shelf.
    sample_rate : int
        In Hz, for the rate that is shown.
    batch_size : int
        Windows a batch, all of one length.
    num_workers : int
        Reading processes.
    shard_size : int
        Items a shard: what a kill can cost.

    Example
    -------
    >>> from mert_sb.store import ShelfWriter
    >>> folder = getfixture("tmpdir")
    >>> writer = ShelfWriter(folder, {"teacher": "mean"}, dtype="uint16")
    >>> items = [{"key": "a", "windows": torch.ones(3, 10)}]
    >>> Extraction(
    ...     lambda wavs: wavs.long().view(-1, 5, 2), writer, sample_rate=10
    ... ).run(items)
    3.0
    >>> Shelf(folder)["a"].shape
    (3, 5, 2)
    """

    def __init__(
        self,
        teacher,
        writer,
        *,
        sample_rate,
        batch_size=16,
        num_workers=0,
        shard_size=256,
    ):
        self.teacher = teacher
        self.writer = writer
        self.sample_rate = sample_rate
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.shard_size = shard_size

    def run(self, dataset, *, prefix="", rank=0, world=1, device="cpu"):
        """Extract what is not on the shelf yet.

        Arguments
        ---------
        dataset : torch.utils.data.Dataset
            Items with ``key`` (``row_key``) and ``windows`` ``(W, S)``.
        prefix : str
            Of the shards' names, to keep data sets apart.
        rank : int
            This process; it takes every ``world``-th shard.
        world : int
            Number of processes.
        device : str
            Where the teacher is.

        Returns
        -------
        float
            Seconds of audio done in this run.
        """
        starts = range(0, len(dataset), self.shard_size)
        # The first item's number names a shard: shards of another size overlap,
        # and what they hold twice is the same.
        mine = [
            (f"{prefix}{self.shard_size}-{start:09d}", start)
            for number, start in enumerate(starts)
            if number % world == rank
        ]
        missing = [pair for pair in mine if not self.writer.done(pair[0])]
        logger.info(
            "%d of %d shards are on the shelf",
            len(mine) - len(missing),
            len(mine),
        )
        shards = {
            name: range(start, min(start + self.shard_size, len(dataset)))
            for name, start in missing
        }
        total = sum(map(len, shards.values()))
        with Progress("extract", total, "row", quiet=rank > 0) as progress:
            for name, rows in shards.items():
                shard = torch.utils.data.Subset(dataset, rows)
                self.writer.write(name, self._shard(shard, device, progress))
        return progress.audio

    def _shard(self, shard, device, progress):
        """Arrays of one shard."""
        loader = torch.utils.data.DataLoader(
            shard,
            batch_size=None,
            num_workers=self.num_workers,
            collate_fn=_as_is,
        )
        ids, counts, windows, targets = [], [], [], []
        for item in loader:
            ids.append(item["key"])
            counts.append(len(item["windows"]))
            windows.extend(item["windows"])
            while len(windows) >= self.batch_size:
                batch = torch.stack(windows[: self.batch_size])
                del windows[: self.batch_size]
                targets.append(self.teacher(batch.to(device)).cpu())
            samples = item["windows"].numel()
            progress.update(seconds=samples / self.sample_rate)
        if windows:
            targets.append(self.teacher(torch.stack(windows).to(device)).cpu())
        if targets[0].is_floating_point():
            raise ValueError(
                f"{type(self.teacher).__name__} gives features, not codes; only "
                "codes are stored, leave this teacher live"
            )
        parts = torch.cat(targets).split(counts)
        return {key: part.numpy() for key, part in zip(ids, parts, strict=True)}


def _as_is(item):
    """No collation: an item is a track's windows."""
    return item
