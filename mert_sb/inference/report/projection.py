"""Clips in two dimensions: principal components of what a probe saw of them.

The cache of a run has states by clip, pooled over time; the probe's layer or learned mix
makes features of them. No label is used, so classes that lie apart do so by themselves.

K tracks, N states, D width.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mert_sb.store import Shelf

MOST_TRACKS = 2_000


class Projection(NamedTuple):
    """Tracks in the plane.

    Arguments
    ---------
    tracks : list of str
        K names.
    points : numpy.ndarray
        ``(K, 2)``.
    explained : tuple of (float, float)
        Shares of the variance along both axes.

    Example
    -------
    >>> Projection(["a"], np.zeros((1, 2)), (0.5, 0.25)).explained
    (0.5, 0.25)
    """

    tracks: list
    points: np.ndarray
    explained: tuple


def find_cache(run):
    """The cache that a run was probed on.

    Arguments
    ---------
    run : mert_sb.inference.report.task_files.TaskRun
        Of a clip-level task.

    Returns
    -------
    pathlib.Path
        The folder of the upstream's states.

    Raises
    ------
    FileNotFoundError
        If it is not there, with what to do.

    Example
    -------
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> find_cache(TaskRun(Path("."), {"setup": {"cached": False}}, {}, ""))
    Traceback (most recent call last):
        ...
    FileNotFoundError: the run was not on cached states, ...
    """
    if not run.setup.get("cached"):
        raise FileNotFoundError(
            "the run was not on cached states, of which the figure is made"
        )
    cache = run.settings.get("cache")
    if not isinstance(cache, dict) or "folder" not in cache:
        raise FileNotFoundError(
            f"{run.folder}: its hyperparams.yaml does not name the cache"
        )
    upstream = Path(str(run.settings.get("upstream", ""))).stem
    name = f"{upstream}-{run.setup['upstream']['weights'][:8]}"
    places = [root / cache["folder"] / name for root in _roots(run)]
    for place in places:
        if (place / "shelf.json").is_file():
            return place
    raise FileNotFoundError(
        f"its cache is not there any more ({' or '.join(map(str, places))}); start "
        "its train.py again with another output_folder, which fills it"
    )


def _roots(run):
    """Folders that paths of the run may be relative to."""
    roots = [Path()]
    given = Path(str(run.settings.get("output_folder", "")))
    actual = run.folder.resolve()
    n_parts = len(given.parts)
    if not given.is_absolute() and actual.parts[-n_parts:] == given.parts:
        roots.append(Path(*actual.parts[: len(actual.parts) - n_parts]))
    return roots


def track_features(folder, weights, tracks):
    """What a probe saw of tracks: the mean over their clips.

    Arguments
    ---------
    folder : pathlib.Path
        Of the cache.
    weights : sequence of float
        N, of the states.
    tracks : list of str
        Names of tracks; of more than ``MOST_TRACKS`` every so many are taken.

    Returns
    -------
    tuple of (list of str, numpy.ndarray)
        Those of the tracks that are in the cache, and ``(K, D)``.

    Raises
    ------
    ValueError
        If the cache has a clip twice, or fewer than three of the tracks.

    Example
    -------
    >>> from mert_sb.store import ShelfWriter
    >>> folder = getfixture("tmp_path")
    >>> writer = ShelfWriter(folder, {}, dtype="float32")
    >>> keys = ["a@0+9#1-1", "b--0000@0+9#1-1", "b--0001@9+9#1-1", "c@0+9#1-1"]
    >>> states = {key: np.full((2, 3), n) for n, key in enumerate(keys)}
    >>> writer.write("0", states)
    >>> names, features = track_features(folder, [0.0, 1.0], ["a", "b", "c"])
    >>> names, features[:, 0].tolist()
    (['a', 'b', 'c'], [0.0, 1.5, 3.0])
    """
    step = -(-len(tracks) // MOST_TRACKS)
    wanted = list(dict.fromkeys(tracks))[::step]
    clips = _clips(folder, set(wanted))
    found = [track for track in wanted if track in clips]
    if len(found) < 3:
        raise ValueError(
            f"{folder}: the cache has {len(found)} of the test's {len(wanted)} "
            "tracks; start the run's train.py again with another output_folder"
        )
    mix = np.asarray(weights, dtype=np.float32)
    shelf = Shelf(folder)
    features = [
        np.mean([mix @ shelf[k].astype(np.float32) for k in clips[track]], 0)
        for track in found
    ]
    return found, np.stack(features)


def _clips(folder, wanted):
    """Keys of the cache by track."""
    clips, seen = {}, set()
    for key in Shelf(folder):
        item = key.rpartition("@")[0]
        track = item if item in wanted else item.rpartition("--")[0]
        if track not in wanted:
            continue
        if item in seen:
            raise ValueError(
                f"{folder}: the cache has {item!r} twice, of files or windows that "
                "changed; give the run a cache of its own (--cache)"
            )
        seen.add(item)
        clips.setdefault(track, []).append(key)
    return clips


def project(features):
    """The two directions along which features differ most.

    Arguments
    ---------
    features : numpy.ndarray
        ``(K, D)``, K at least 3.

    Returns
    -------
    tuple of (numpy.ndarray, tuple of (float, float))
        ``(K, 2)`` coordinates, and the shares of the variance. A direction's sign
        is such that its largest weight is positive.

    Example
    -------
    >>> points, explained = project(
    ...     np.array([[0.0, 0], [4, 0], [2, 1], [2, -1]])
    ... )
    >>> points.round(3).tolist()
    [[-2.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    >>> [round(share, 2) for share in explained]
    [0.8, 0.2]
    """
    values = torch.from_numpy(np.asarray(features, dtype=np.float64))
    values = values - values.mean(0)
    _, sizes, directions = torch.linalg.svd(values, full_matrices=False)
    variances = sizes.square()
    total = variances.sum().clamp_min(torch.finfo(variances.dtype).tiny)
    first = torch.zeros(2, values.shape[1], dtype=values.dtype)
    first[: len(directions[:2])] = directions[:2]
    largest = first.abs().argmax(1, keepdim=True)
    first = first * first.gather(1, largest).sign()
    explained = torch.zeros(2, dtype=values.dtype)
    explained[: len(variances[:2])] = variances[:2] / total
    # Minus zero is nobody's coordinate.
    points = (values @ first.T).numpy() + 0.0
    return points, tuple(explained.tolist())


def project_run(run, tracks):
    """A run's test tracks in the plane.

    Arguments
    ---------
    run : mert_sb.inference.report.task_files.TaskRun
        Of a clip-level task.
    tracks : list of str
        Of the test.

    Returns
    -------
    Projection
        Of those in the cache.

    Raises
    ------
    FileNotFoundError
        If there is no cache.
    ValueError
        If it does not fit.

    Example
    -------
    >>> from mert_sb.inference.report.task_files import TaskRun
    >>> run = TaskRun(Path("."), {"setup": {"cached": False}}, {}, "")
    >>> project_run(run, [])
    Traceback (most recent call last):
        ...
    FileNotFoundError: the run was not on cached states, ...
    """
    folder = find_cache(run)
    weights = run.results["weights_of_states"]
    names, features = track_features(folder, weights, tracks)
    return Projection(names, *project(features))
