"""The console script ``mert-sb``.

Exit codes: 0 all is well; 1 some files were skipped; 2 the command, the model or the
machine is at fault, with one line that says what to do; 130 interrupted.

Authors
 * The mert_sb developers 2026
"""

import argparse
import sys

from speechbrain.utils.logger import get_logger

from mert_sb.inference.commands import (
    beats,
    convert,
    encode,
    export,
    inspection,
    predict,
    push,
    report,
    separate,
    units,
)
from mert_sb.inference.commands.ending import printable
from mert_sb.inference.commands.loading import LoaderError
from mert_sb.inference.commands.settings import VERSION

logger = get_logger(__name__)

COMMANDS = {
    "encode": encode,
    "predict": predict,
    "beats": beats,
    "separate": separate,
    "units": units,
    "report": report,
    "inspect": inspection,
    "convert": convert,
    "export": export,
    "push": push,
}
# Errors whose message says all; others are mistakes of ours and keep their traceback.
KNOWN = (OSError, ValueError, ImportError, LoaderError)
EPILOG = """\
examples:
  mert-sb encode MERT-v1-95M music/ --output features
  mert-sb predict results/genre/1234/inference song.mp3
  mert-sb beats results/beat/1234/inference song.mp3
  mert-sb separate results/separation/1234/inference song.mp3
  mert-sb units results/units/1337/inference music/ --output tokens
  mert-sb report results/cpu/1337
  mert-sb inspect checkpoint.pt
  mert-sb convert checkpoint.pt encoder --name "My encoder"
  mert-sb export encoder original --to huggingface
  mert-sb push encoder me/my-encoder
"""


def build_parser():
    """The tree of commands and their arguments.

    Returns
    -------
    argparse.ArgumentParser
        Which gives a namespace whose ``run`` is the command.

    Example
    -------
    >>> arguments = build_parser().parse_args(["inspect", "a.pt"])
    >>> arguments.run is inspection.run
    True
    """
    parser = argparse.ArgumentParser(
        prog="mert-sb",
        description="Music encoders: features of files, predictions, reports "
        "of runs, and checkpoints in and out.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"mert-sb {VERSION}"
    )
    commands = parser.add_subparsers(
        metavar="COMMAND", required=True, dest="command"
    )
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.DESCRIPTION,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv=None):
    """Run a command.

    Arguments
    ---------
    argv : list of str, optional
        The command line without the program; None: ``sys.argv``'s.

    Returns
    -------
    int
        Exit code.

    Example
    -------
    >>> main(["inspect", "absent"])
    2
    """
    arguments = build_parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("mert-sb: interrupted\n")
        return 130
    except KNOWN as error:
        logger.debug("", exc_info=True)
        message = printable(" ".join(str(error).split()))
        sys.stderr.write(f"mert-sb: {message or type(error).__name__}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
