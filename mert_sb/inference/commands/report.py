"""``mert-sb report``: a page of figures and tables about what a recipe left behind.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

from mert_sb.inference.commands.ending import printable
from mert_sb.inference.report.figures import open_figure
from mert_sb.inference.report.kinds import build_page

HELP = "draw what a run has learned"
DESCRIPTION = """\
A page of figures and tables, report.html, which needs no other file, and the same as
report.md with figures/*.png. What a folder is, its files tell. Several folders are
compared on one page.
"""
EPILOG = """\
examples:
  mert-sb report results/cpu/1337
  mert-sb report results/cpu/1337 --output pages/cpu
"""


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
    >>> parser.parse_args(["results/cpu/1337"]).folders
    ['results/cpu/1337']
    """
    parser.add_argument(
        "folders", metavar="FOLDER", nargs="+", help="a recipe's output folder"
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        help="where the page is to be; made if absent. Of one folder: there, unless "
        "given",
    )


def run(arguments):
    """Make a report.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If several folders are given and no place for their page, or they are of no
        kind that is known.
    """
    output = arguments.output
    if output is None and len(arguments.folders) > 1:
        raise ValueError(
            f"{len(arguments.folders)} folders have one page: give --output DIR"
        )
    # Said before anything long is done.
    open_figure()
    page = build_page(arguments.folders)
    path = page.write(Path(output or arguments.folders[0]))
    sys.stdout.write(f"{printable(str(path))}\n")
    return 0
