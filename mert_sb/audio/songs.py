"""Songs of several files that belong together: which can be used, and what is odd.

Authors
 * The mert_sb developers 2026
"""

import logging
import os
from typing import NamedTuple

import torch

from mert_sb.audio.channels import stream_channels
from mert_sb.audio.reader import audio_info
from mert_sb.audio.resample import check_rates, resampled_length
from mert_sb.audio.rows import write_table
from mert_sb.audio.survey import survey
from mert_sb.progress import Progress

logger = logging.getLogger(__name__)

# Of the mixture's power, what its stems may leave without a remark.
MOST_LEFT = 1e-4


class Song(NamedTuple):
    """A usable song.

    Arguments
    ---------
    files : list of str
        Names of its files.
    length : int
        Samples at the student's rate.

    Example
    -------
    >>> Song(["guitar.wav", "rest.wav"], 24_000).length
    24000
    """

    files: list
    length: int


def examined_songs(
    data_folder,
    save_folder,
    files,
    *,
    with_mixture,
    sample_rate,
    n_workers,
    verify,
):
    """Examine songs; write ``skipped.csv`` and ``remarks.csv``.

    A song is skipped if one of its files cannot be used or differs from the others in
    length, rate or channels. Remarks are on silent files, and on mixtures that are not
    the sum of their stems.

    Arguments
    ---------
    data_folder : str or Path
        Where the audio is.
    save_folder : pathlib.Path
        Where the tables and the journal, ``prepare.jsonl``, go.
    files : dict of str to list of str
        From a song's folder to the paths of its files, all below ``data_folder``.
    with_mixture : bool
        Whether the last file of each is the mixture of the others.
    sample_rate : int
        The student's rate in Hz.
    n_workers : int
        Processes that examine files.
    verify : bool
        Whether to decode files to their end, and to add stems up.

    Returns
    -------
    dict of str to Song
        The usable ones, by folder.

    Example
    -------
    >>> import numpy as np, soundfile as sf
    >>> folder = getfixture("tmp_path")
    >>> for name, seconds in (("x", 1), ("y", 2)):
    ...     sf.write(folder / f"{name}.wav", np.ones(8_000 * seconds), 8_000)
    >>> examined_songs(
    ...     folder,
    ...     folder,
    ...     {".": ["x.wav", "y.wav"]},
    ...     with_mixture=False,
    ...     sample_rate=24_000,
    ...     n_workers=1,
    ...     verify=True,
    ... )
    {}
    >>> (folder / "skipped.csv").read_text().splitlines()[1]
    '.,"files differ in length: x.wav 8000, y.wav 16000"'
    """
    findings = survey(
        data_folder,
        save_folder / "prepare.jsonl",
        [path for paths in files.values() for path in paths],
        verify=verify,
        n_workers=n_workers,
    )
    songs, skipped, remarks = {}, [], []
    added = with_mixture and verify
    with Progress("add-stems", len(files) if added else 0, "song") as progress:
        for folder, paths in files.items():
            found = {os.path.basename(path): findings[path] for path in paths}
            paths = [os.path.join(data_folder, path) for path in paths]
            reason = _fault(found, paths, sample_rate)
            if reason:
                skipped.append((folder, reason))
                progress.update()
                continue
            count, rate, _ = next(iter(found.values()))
            length = resampled_length(count, rate, sample_rate)
            songs[folder] = Song(list(found), length)
            remarks += [(folder, remark) for remark in _silent_files(found)]
            if added:
                remarks += [(folder, remark) for remark in _left_over(paths)]
            progress.update(seconds=count / rate)
    _report(save_folder / "skipped.csv", "reason", skipped)
    _report(save_folder / "remarks.csv", "remark", remarks)
    return songs


def _fault(found, paths, sample_rate):
    """Why a song cannot be used, or an empty text."""
    for name, finding in found.items():
        if finding.reason and not finding.reason.startswith("silent"):
            return f"{name}: {finding.reason}"
    channels = [audio_info(path).n_channels for path in paths]
    kinds = {
        "length": [finding.n_samples for finding in found.values()],
        "rate": [finding.sample_rate for finding in found.values()],
        "channels": channels,
    }
    for kind, values in kinds.items():
        if len(set(values)) > 1:
            each = zip(found, values, strict=True)
            listed = ", ".join(f"{name} {value}" for name, value in each)
            return f"files differ in {kind}: {listed}"
    if channels[0] > 2:
        return f"{channels[0]} channels, but one or two are wanted"
    try:
        check_rates(kinds["rate"][0], sample_rate)
    except ValueError as error:
        return str(error)
    return ""


def _silent_files(found):
    """Remarks on files in which nothing is heard."""
    return [
        f"{name} is silent; its SDR is not defined, and in no mean"
        for name, finding in found.items()
        if finding.reason
    ]


def _left_over(paths):
    """A remark if the mixture, the last file, is not the sum of the others."""
    power, left = 0.0, 0.0
    # The files are as long, so their blocks are too.
    for *stems, mixture in zip(*map(stream_channels, paths), strict=True):
        rest = mixture - torch.stack(stems).sum(0)
        power += mixture.double().square().sum().item()
        left += rest.double().square().sum().item()
    if left <= MOST_LEFT * power:
        return []
    share = 100 * left / power if power else float("inf")
    return [f"the stems leave {share:.3g} % of the mixture's power"]


def _report(path, column, rows):
    """Write a table of songs, and say what is in it."""
    write_table(path, ["song", column], rows)
    for folder, text in rows:
        logger.warning("%s: %s (%s)", folder, text, path.name)
