"""``mert-sb beats``: beats, downbeats and tempo of files.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

from mert_sb.inference.beats.files import write_clicks, write_tracked
from mert_sb.inference.beats.tracker import BeatTracker
from mert_sb.inference.commands import arguments as values
from mert_sb.inference.commands.ending import printable
from mert_sb.inference.commands.inputs import found_files, seconds_of
from mert_sb.inference.commands.skipping import skipping, tell_skipped
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.progress import Progress

CLICKS = ".clicks.wav"
HELP = "track beats and downbeats of audio files"
DESCRIPTION = """\
Beats of songs of any length, by a tracker that a recipe trained (train_beats.py of
recipes/downstream/GTZAN), which leaves the folder "inference". Of song.mp3 it writes
song.mp3.beats: a row a beat, its time in seconds, a tab, and its place in the bar, 1 at
downbeats. A line is printed for each file.

Files that cannot be read are listed at the end; the exit code is then 1.
"""
EPILOG = """\
examples:
  mert-sb beats results/beat/1234/inference song.mp3
  mert-sb beats results/beat/1234/inference music/ --output beats --click
"""
SOURCE = "inference folder of train_beats.py, or Hub id"
COLUMNS = ("bpm", "beats", "downbeats")


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
    >>> parser.parse_args(["folder", "a.wav", "--click"]).click
    True
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
        help="where to write; default: beside each file",
    )
    add(
        "--click",
        action="store_true",
        help="write song.mp3.clicks.wav too: the song with clicks on its beats, "
        "higher ones on downbeats",
    )
    add(
        "--device",
        type=values.device,
        help="cpu, cuda, cuda:1; default: a GPU if there is one",
    )
    add(
        "--batch-size",
        type=values.number(1),
        metavar="N",
        default=1,
        help="windows at once; default: 1",
    )
    add("--quiet", action="store_true", help="no progress")


def run(arguments):
    """Track.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code: 1 if a file was skipped.
    """
    places = find_places(arguments.inputs, arguments.output)
    tracker = BeatTracker.from_folder(
        arguments.folder,
        fetch_config=fetch_config(arguments),
        run_opts={"device": arguments.device} if arguments.device else None,
    )
    width = max(len(printable(path)) for path in [*places, "file"])
    _put("file", COLUMNS, width)
    skipped = {}
    with Progress("beats", len(places), quiet=arguments.quiet) as progress:
        for path, place in places.items():
            with skipping(path, skipped, "give a smaller --batch-size"):
                tracked = tracker.track_file(
                    path, batch_size=arguments.batch_size
                )
            if path not in skipped:
                # What cannot be written is no fault of the file's: it ends the run.
                write_tracked(f"{place}.beats", tracked)
                if arguments.click:
                    write_clicks(f"{place}{CLICKS}", path, tracked)
                counts = (len(tracked.beats), len(tracked.downbeats))
                _put(path, (f"{tracked.tempo:.1f}", *counts), width)
            progress.update(seconds=seconds_of(path, skipped))
    return tell_skipped(skipped)


def find_places(inputs, output):
    """Where what is written for each file goes, without suffixes.

    Arguments
    ---------
    inputs : list of str
        Files, and folders to search with all below them.
    output : str or None
        A folder; None: beside each file.

    Returns
    -------
    dict of str to str
        By the file's path, in the inputs' order.

    Raises
    ------
    FileNotFoundError
        If an input does not exist.
    ValueError
        If what two files give would go to one place.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.wav").touch()
    >>> list(find_places([folder], "out").values())
    ['out/a.wav']
    """
    # What --click wrote is no song, unless it is named.
    named = set(map(str, inputs))
    found = {
        path: name
        for path, name in found_files(inputs)
        if path in named or not name.endswith(CLICKS)
    }
    if output is None:
        return {path: path for path in found}
    places = {path: str(Path(output) / name) for path, name in found.items()}
    taken = {}
    for path, place in places.items():
        if taken.setdefault(place, path) != path:
            raise ValueError(
                f"{taken[place]} and {path} would both be {place}.beats; give a "
                "folder above both, or another --output for each"
            )
    return places


def _put(name, cells, width):
    """Write a line at once: the next file may take long."""
    cells = "".join(f"  {cell:>9}" for cell in cells)
    Progress.write(f"{printable(name):<{width}}{cells}")
