"""``mert-sb push``: an inference folder to the Hub.

Authors
 * The mert_sb developers 2026
"""

import sys

from mert_sb.inference.hub import push_folder

HELP = "upload a folder to the Hub"
DESCRIPTION = """\
A folder of `mert-sb convert` or `export` to the Hub, in one commit. The token is taken
from HF_TOKEN or from `hf auth login`; it may not be given here, where others would see
it in the list of processes.
"""
EPILOG = """\
examples:
  mert-sb push encoder me/my-encoder
  mert-sb push encoder me/my-encoder --private --revision v2
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
    >>> parser.parse_args(["encoder", "me/encoder", "--private"]).private
    True
    """
    parser.add_argument("folder", metavar="FOLDER", help="what to upload")
    parser.add_argument(
        "repository",
        metavar="OWNER/NAME",
        help="of the Hub; made if it does not exist",
    )
    parser.add_argument(
        "--private", action="store_true", help="make it private, if it is new"
    )
    parser.add_argument("--revision", help="branch; default: main")


def run(arguments):
    """Upload a folder.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code.
    """
    url = push_folder(
        arguments.folder,
        arguments.repository,
        private=arguments.private,
        revision=arguments.revision,
    )
    sys.stdout.write(f"{url}\n")
    return 0
