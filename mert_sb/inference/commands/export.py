"""``mert-sb export``: any checkpoint to the original's layouts, or to ONNX.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

from mert_sb.inference.checkpoint import build_student
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.inference.commands.targets import add_target, check_target
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.fairseq import write_fairseq
from mert_sb.inference.huggingface import CONFIG, PREPROCESSOR, WEIGHTS
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.inference.onnx import export_onnx

HELP = "write a checkpoint for other programs"
DESCRIPTION = """\
Any checkpoint for other programs:

  huggingface   a folder in the published models' layout
  fairseq       a .pt file; pretraining heads are kept where the source has them
  onnx          an .onnx file that gives all hidden states
"""
EPILOG = """\
examples:
  mert-sb export encoder original --to huggingface
  mert-sb export MERT-v1-95M mert.onnx --to onnx
"""
# Layout -> suffix of the file, None for a folder.
LAYOUTS = {"huggingface": None, "fairseq": ".pt", "onnx": ".onnx"}


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
    >>> parser.parse_args(["encoder", "a.pt", "--to", "fairseq"]).target
    'a.pt'
    """
    add_source(parser, "source")
    add_target(parser, "target", "folder for huggingface, else a file")
    parser.add_argument("--to", choices=LAYOUTS, required=True)


def run(arguments):
    """Export a checkpoint.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code.
    """
    target = Path(arguments.target)
    check_target(_paths(target, arguments.to), overwrite=arguments.overwrite)
    source = fetch_config(arguments)
    checkpoint = read_checkpoint(arguments.source, source)
    student = build_student(checkpoint)
    if arguments.to == "huggingface":
        write_huggingface(student, target)
    elif arguments.to == "fairseq":
        write_fairseq(student, target, heads=checkpoint.heads)
    else:
        export_onnx(student, target)
    sys.stdout.write(f"{target}\n")
    return 0


def _paths(target, layout):
    """Files that must not be there."""
    suffix = LAYOUTS[layout]
    if suffix is None:
        if target.is_file():
            raise NotADirectoryError(
                f"{target}: is a file, and {layout} is a folder; give another "
                "target"
            )
        return [target / name for name in (CONFIG, PREPROCESSOR, *WEIGHTS)]
    if target.suffix != suffix or target.is_dir():
        raise ValueError(f"{target}: {layout} is a file *{suffix}; name it so")
    return [target]
