"""Which files the commands read, and what the outputs of ``encode`` are called.

A file's output has the file's name, a file of a folder its path below the folder, in
both cases without the suffix. Names must differ: where ``a.wav`` lies beside
``a.mp3``, ``--keep-suffix`` keeps them apart (``a.wav.npy``), for all files, since a
name must not depend on what else is encoded.

Authors
 * The mert_sb developers 2026
"""

import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mert_sb.audio.names import find_audio
from mert_sb.audio.reader import audio_info


class Job(NamedTuple):
    """A file to encode.

    Arguments
    ---------
    path : str
        Where it is.
    name : str
        Of its output, with forward slashes, without the format's suffix.

    Example
    -------
    >>> Job("music/a.wav", "a").name
    'a'
    """

    path: str
    name: str


def find_jobs(inputs, *, keep_suffix=False):
    """List the files to encode.

    Arguments
    ---------
    inputs : list of str
        Files, and folders to search with all below them.
    keep_suffix : bool
        Whether names keep the suffix of the file.

    Returns
    -------
    list of Job
        In the inputs' order, each file once.

    Raises
    ------
    FileNotFoundError
        If an input does not exist.
    ValueError
        If a folder has no audio, or two files would have one name.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "music"
    >>> (folder / "b").mkdir(parents=True)
    >>> (folder / "b" / "a.wav").touch()
    >>> [job.name for job in find_jobs([folder])]
    ['b/a']
    """
    taken = {}
    for path, relative in found_files(inputs):
        name = PurePosixPath(relative)
        name = str(name if keep_suffix else name.with_suffix(""))
        former = taken.setdefault(name, path)
        if os.path.realpath(former) != os.path.realpath(path):
            raise ValueError(
                f"{former} and {path} would both be {name!r} in the output: give "
                "--keep-suffix if their suffixes differ, else a folder above both "
                "or another --output for each"
            )
    return [Job(path, name) for name, path in taken.items()]


def found_files(inputs):
    """Paths of files, and what names of outputs are made from.

    Arguments
    ---------
    inputs : list of str
        Files, and folders to search with all below them.

    Returns
    -------
    iterator of tuple of (str, str)
        Path, and the part of it below the folder that was given.

    Raises
    ------
    FileNotFoundError
        If an input does not exist.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.wav").touch()
    >>> [name for _, name in found_files([folder, folder / "a.wav"])]
    ['a.wav', 'a.wav']
    """
    for place in map(str, inputs):
        if os.path.isdir(place):
            for relative in find_audio(place):
                yield os.path.join(place, relative), relative
        elif os.path.exists(place):
            yield place, Path(place).name
        else:
            raise FileNotFoundError(
                f"{place}: no such file or folder; check the inputs"
            )


def seconds_of(path, skipped=()):
    """How long a file is, for the rate that is shown.

    Arguments
    ---------
    path : str
        An audio file.
    skipped : container of str
        Files that could not be read.

    Returns
    -------
    float
        Seconds by its header; 0 if it could not be read.

    Example
    -------
    >>> seconds_of("a.wav", skipped={"a.wav": "damaged"})
    0.0
    """
    if path in skipped:
        return 0.0
    info = audio_info(path)
    return info.n_samples / info.sample_rate
