"""Targets of commands that write a model.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path


def add_target(parser, name, help):
    """Add a target's place and whether it may be replaced.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of a command.
    name : str
        What the command calls the target.
    help : str
        What it is.

    Example
    -------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_target(parser, "folder", "made if absent")
    >>> parser.parse_args(["encoder", "--overwrite"]).overwrite
    True
    """
    parser.add_argument(name, metavar=name.upper(), help=help)
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what is there"
    )


def check_target(paths, *, overwrite):
    """Refuse to replace files, unless that is wanted.

    Arguments
    ---------
    paths : iterable of pathlib.Path
        That a command will write, or that would be mixed up with those.
    overwrite : bool
        Whether they may be there.

    Raises
    ------
    FileExistsError
        If one is there.

    Example
    -------
    >>> check_target([Path("absent.onnx")], overwrite=False)
    """
    there = [str(path) for path in paths if Path(path).exists()]
    if there and not overwrite:
        raise FileExistsError(
            f"{', '.join(there)}: there already; give --overwrite or another place"
        )
