"""``mert-sb separate``: stems of files.

Authors
 * The mert_sb developers 2026
"""

import os
from pathlib import Path

from mert_sb.inference.commands import arguments as values
from mert_sb.inference.commands.ending import printable
from mert_sb.inference.commands.inputs import found_files, seconds_of
from mert_sb.inference.commands.skipping import skipping, tell_skipped
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.inference.separation.separator import Separator
from mert_sb.progress import Progress

HELP = "separate audio files into stems"
DESCRIPTION = """\
Stems of songs of any length, by a separator that a recipe trained (train.py of
recipes/downstream/MUSDB18), which leaves the folder "inference". Of song.mp3 it writes
FOLDER/song.mp3/<stem>.wav, at the song's own rate, mono or stereo. The stems add up to
the song.

Files that cannot be read are listed at the end; the exit code is then 1.
"""
EPILOG = """\
examples:
  mert-sb separate results/separation/1234/inference song.mp3
  mert-sb separate results/separation/1234/inference music/ --output stems --pcm
"""
SOURCE = "inference folder of the recipe MUSDB18, or Hub id"


def add_arguments(parser):
    """Add the command's arguments.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        The command's.

    Example
    -------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["folder", "a.wav"]).output
    'stems'
    """
    add_source(parser, "folder", SOURCE)
    add = parser.add_argument
    add(
        "inputs",
        metavar="FILE",
        nargs="+",
        help="audio file, or folder to search with all below it",
    )
    add(
        "--output",
        metavar="FOLDER",
        default="stems",
        help="gets a folder for each file; default: stems",
    )
    add(
        "--no-wiener",
        action="store_true",
        help="plain masks: faster, and takes no further library",
    )
    add(
        "--raw",
        action="store_true",
        help="stems as estimated; what they leave of the song is in none",
    )
    add(
        "--pcm",
        action="store_true",
        help="24-bit files, clipped at full scale; default: 32-bit float",
    )
    add(
        "--device",
        type=values.device,
        help="cpu, cuda, cuda:1; default: a GPU if there is one",
    )
    add("--quiet", action="store_true", help="no progress")


def run(arguments):
    """Separate.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code: 1 if a file was skipped.
    """
    folders = find_folders(arguments.inputs, arguments.output)
    separator = Separator.from_folder(
        arguments.folder,
        wiener=not arguments.no_wiener,
        fetch_config=fetch_config(arguments),
        run_opts={"device": arguments.device} if arguments.device else None,
    )
    skipped = {}
    remedy = (
        "give --device cpu, or lower window_seconds in task.json of "
        f"{arguments.folder}"
    )
    with Progress("separate", len(folders), quiet=arguments.quiet) as progress:
        for path, folder in folders.items():
            with skipping(path, skipped, remedy):
                separator.separate_file(
                    path,
                    folder,
                    share_residual=not arguments.raw,
                    subtype="PCM_24" if arguments.pcm else "FLOAT",
                )
                Progress.write(printable(folder))
            progress.update(seconds=seconds_of(path, skipped))
    return tell_skipped(skipped)


def find_folders(inputs, output):
    """Where each file's stems go.

    Arguments
    ---------
    inputs : list of str
        Files, and folders to search with all below them.
    output : str
        A folder.

    Returns
    -------
    dict of str to str
        By the file's path, in the inputs' order.

    Raises
    ------
    FileNotFoundError
        If an input does not exist.
    ValueError
        If two files' stems would go to one place.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.wav").touch()
    >>> list(find_folders([folder], "out").values())
    ['out/a.wav']
    """
    # Stems of an earlier run are no songs, unless they are named.
    named, taken = set(map(str, inputs)), {}
    folders = {
        path: os.path.join(output, name)
        for path, name in found_files(inputs)
        if path in named or not _within(path, output)
    }
    for path, folder in folders.items():
        if taken.setdefault(folder, path) != path:
            raise ValueError(
                f"{taken[folder]} and {path} would both be in {folder}; give a "
                "folder above both, or another --output for each"
            )
    return folders


def _within(path, folder):
    """Whether a path lies in a folder."""
    return Path(folder).resolve() in Path(path).resolve().parents
