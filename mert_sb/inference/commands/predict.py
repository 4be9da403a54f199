"""``mert-sb predict``: what a trained task says of files.

Authors
 * The mert_sb developers 2026
"""

import json

from mert_sb.inference.commands import arguments as values
from mert_sb.inference.commands.ending import printable
from mert_sb.inference.commands.inputs import found_files, seconds_of
from mert_sb.inference.commands.skipping import skipping, tell_skipped
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.inference.predictors import open_task
from mert_sb.progress import Progress

HELP = "classify, tag or rate audio files"
DESCRIPTION = """\
Predictions of a task that was trained by a recipe of recipes/downstream, which leaves
the folder "inference". A line is a file, a label and its probability (of a regression:
a name and its number). Long files are cut into the windows that training had.

Files that cannot be read are listed at the end; the exit code is then 1.
"""
EPILOG = """\
examples:
  mert-sb predict results/genre/1234/inference song.mp3
  mert-sb predict results/tagging/1234/inference music/ --top 5 --json
"""
SOURCE = "inference folder of a recipe, or Hub id"
# Without --top: the label, the likeliest tags, all numbers.
TOP = {"single_label": 1, "key": 1, "multi_label": 5, "regression": None}


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
    >>> parser.parse_args(["folder", "a.wav", "b.wav", "--json"]).inputs
    ['a.wav', 'b.wav']
    """
    add_source(parser, "folder", SOURCE)
    add = parser.add_argument
    add(
        "inputs",
        metavar="FILE",
        nargs="+",
        help="audio file, or folder to search with all below it",
    )
    add("--json", action="store_true", help="a JSON object a file and line")
    add(
        "--top",
        type=values.number(1),
        metavar="K",
        help="the K likeliest labels; default: 1, of tags 5",
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
        default=8,
        help="windows at once; default: 8",
    )
    add("--quiet", action="store_true", help="no progress")


def run(arguments):
    """Predict.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code: 1 if a file was skipped.
    """
    # Each once.
    paths = list(dict(found_files(arguments.inputs)))
    model = open_task(
        arguments.folder,
        fetch_config=fetch_config(arguments),
        run_opts={"device": arguments.device} if arguments.device else None,
    )
    options = {
        "top_k": arguments.top or TOP[model.task.family],
        "batch_size": arguments.batch_size,
    }
    write = _write_json if arguments.json else _table(paths, model.task.labels)
    skipped = {}
    with Progress("predict", len(paths), quiet=arguments.quiet) as progress:
        for path in paths:
            with skipping(path, skipped, "give a smaller --batch-size"):
                write(path, model.predict_file(path, **options))
            progress.update(seconds=seconds_of(path, skipped))
    return tell_skipped(skipped)


def _write_json(path, prediction):
    """A line of JSON."""
    line = {"file": path, "prediction": prediction}
    _put(json.dumps(line, ensure_ascii=False))


def _table(paths, labels):
    """A writer of lines whose columns fit all that is to come."""
    first = max(len(printable(path)) for path in [*paths, "file"])
    second = max(map(len, [*labels, "prediction"]))

    def write(path, prediction):
        for label, score in prediction.items():
            name = printable(path)
            _put(f"{name:<{first}}  {label:<{second}}  {score:.4f}")

    _put(f"{'file':<{first}}  {'prediction':<{second}}  score")
    return write


def _put(line):
    """Write a line at once: the next file may take long."""
    Progress.write(printable(line))
