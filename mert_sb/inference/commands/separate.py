"""``mert-sb separate``: stems of files.

Authors
 * The mert_sb developers 2026
"""

import os
import sys
from pathlib import Path

import torch

from mert_sb.audio import DamagedAudioError
from mert_sb.audio.names import find_audio
from mert_sb.inference.commands import arguments as values
from mert_sb.inference.commands.report import printable
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.inference.separation.separator import Separator

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
    for path, folder in folders.items():
        try:
            separator.separate_file(
                path,
                folder,
                share_residual=not arguments.raw,
                subtype="PCM_24" if arguments.pcm else "FLOAT",
            )
        except DamagedAudioError as error:
            skipped[path] = error.reason
        except torch.OutOfMemoryError as error:
            raise ValueError(
                "the device has not enough memory; give --device cpu, or lower "
                f"window_seconds in task.json of {arguments.folder}"
            ) from error
        except (OSError, ValueError) as error:
            skipped[path] = str(error).removeprefix(f"{path}: ")
        else:
            sys.stdout.write(f"{printable(folder)}\n")
            sys.stdout.flush()
    if skipped:
        lines = [f"{len(skipped)} skipped"]
        lines += [f"  {path}: {reason}" for path, reason in skipped.items()]
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
    return 1 if skipped else 0


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
    folders, taken = {}, {}
    for given in map(str, inputs):
        if os.path.isdir(given):
            names = find_audio(given)
            found = {os.path.join(given, name): name for name in names}
            # Stems of an earlier run are no songs.
            found = {p: n for p, n in found.items() if not _within(p, output)}
        elif os.path.exists(given):
            found = {given: Path(given).name}
        else:
            raise FileNotFoundError(
                f"{given}: no such file or folder; check the inputs"
            )
        folders |= {p: os.path.join(output, n) for p, n in found.items()}
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
