"""``mert-sb convert``: any checkpoint to our inference folder.

Authors
 * The mert_sb developers 2026
"""

import argparse
import sys
from pathlib import Path

from mert_sb.inference.checkpoint import build_student
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.inference.commands.targets import add_target, check_target
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.export import CARD, HPARAMS, STUDENT, export_student

HELP = "make our inference folder of any checkpoint"
DESCRIPTION = """\
Our inference folder of any checkpoint: weights as safetensors, hyperparams.yaml, and a
model card, to be loaded with MusicEncoder.from_hparams or pushed to the Hub. What the
card is not told, it says it does not know.
"""
EPILOG = """\
examples:
  mert-sb convert checkpoint.pt encoder --name "My encoder" --licence cc-by-4.0
  mert-sb convert MERT-v1-95M encoder --data "160,000 h" --teachers RVQ CQT
"""


def add_arguments(parser):
    """Add the command's arguments.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        The command's.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["a.pt", "b", "--metric", "loss=1.5"]).metric
    [('loss', 1.5)]
    """
    add_source(parser, "source")
    add_target(parser, "folder", "made if absent")
    add = parser.add_argument_group("model card").add_argument
    add("--name", help="title")
    add("--data", help="what it was trained on, and how much")
    add("--teachers", nargs="+", help="what it learned to predict")
    add("--licence", help="a Hub identifier such as cc-by-nc-4.0")
    add(
        "--metric",
        action="append",
        type=_metric,
        metavar="NAME=VALUE",
        help="a held-out number; may be given several times",
    )


def run(arguments):
    """Convert a checkpoint.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code.
    """
    folder = Path(arguments.folder)
    paths = [folder / name for name in (HPARAMS, STUDENT, CARD)]
    check_target(paths, overwrite=arguments.overwrite)
    source = fetch_config(arguments)
    student = build_student(read_checkpoint(arguments.source, source))
    card = {
        "name": arguments.name,
        "data": arguments.data,
        "teachers": arguments.teachers,
        "licence": arguments.licence,
        "metrics": dict(arguments.metric or ()),
    }
    said = {key: value for key, value in card.items() if value}
    export_student(student, folder, **said)
    sys.stdout.write(f"{folder}\n")
    return 0


def _metric(text):
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not like loss=1.5"
        ) from error
