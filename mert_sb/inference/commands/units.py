"""``mert-sb units``: files to token sequences with times.

Authors
 * The mert_sb developers 2026
"""

import json
from pathlib import Path

import torch

from mert_sb.audio import DamagedAudioError
from mert_sb.inference.commands import arguments as values
from mert_sb.inference.commands.ending import report_done, report_skipped
from mert_sb.inference.commands.folder import workspace
from mert_sb.inference.commands.inputs import find_jobs
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.inference.units import UnitEncoder
from mert_sb.inference.units.kept import keep_settings
from mert_sb.progress import Progress
from mert_sb.writing import writing

HELP = "discrete units and tokens of audio files"
DESCRIPTION = """\
Units of audio files, states quantised by k-means, and the tokens that their strings
are made of, by a folder that recipes/units leaves. One output for each file, named as
the file without its suffix.

  tsv   <name>.tsv: a line for each token: start and end in seconds, the token, its
        units (where the folder collapses runs, a repeated unit stands once)
  json  <name>.json: "starts", "ends" and "tokens", a number for each token, and
        "units", one for each frame, "frame_rate" a second

Outputs that are there are left alone, so that a run that was stopped goes on; another
model or format wants another folder. Files that cannot be read are listed in
skipped.csv; the exit code is then 1.
"""
EPILOG = """\
examples:
  mert-sb units results/units/1337/inference music/ --output tokens
  mert-sb units results/units/1337/inference a.mp3 b.wav --output out --format json
"""
SOURCE = "inference folder of recipes/units, or Hub id"
SETTINGS_FILE = "mert-sb-units.json"


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
    >>> parser.parse_args(["folder", "a.wav", "--output", "out"]).format
    'tsv'
    """
    add_source(parser, "folder", SOURCE)
    add = parser.add_argument
    add(
        "inputs",
        metavar="FILE",
        nargs="+",
        help="audio file, or folder to search with all below it",
    )
    add("--output", metavar="FOLDER", required=True, help="made if absent")
    add("--format", choices=FORMATS, default="tsv", help="default: tsv")
    add(
        "--keep-suffix",
        action="store_true",
        help="name outputs a.wav.tsv, where a.wav lies beside a.mp3",
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
        help="windows encoded at once; default: 1",
    )
    add("--quiet", action="store_true", help="no progress, no summary")


def run(arguments):
    """Write units and tokens of files.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code: 1 if a file was skipped.
    """
    folder = Path(arguments.output)
    jobs = find_jobs(arguments.inputs, keep_suffix=arguments.keep_suffix)
    encoder = UnitEncoder.from_folder(
        arguments.folder,
        fetch_config=fetch_config(arguments),
        run_opts={"device": arguments.device} if arguments.device else None,
    )
    skipped = {}
    with workspace(folder) as place:
        keep_settings(folder / SETTINGS_FILE, _settings(encoder, arguments))
        paths = {job: folder / f"{job.name}.{arguments.format}" for job in jobs}
        todo = {job: path for job, path in paths.items() if not path.exists()}
        n_there = len(jobs) - len(todo)
        with Progress("units", len(todo), quiet=arguments.quiet) as progress:
            for job, path in todo.items():
                string, reason = _encode(
                    encoder, job.path, arguments.batch_size
                )
                if reason:
                    skipped[job] = reason
                    progress.update()
                    continue
                text = FORMATS[arguments.format](encoder, string)
                with writing(path, at=place):
                    (place / "output").write_text(text, encoding="utf-8")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    (place / "output").replace(path)
                seconds = len(string.units) / encoder.frame_rate
                progress.update(seconds=seconds)
        report_skipped(folder, skipped)
    if not arguments.quiet:
        n_done = len(jobs) - n_there - len(skipped)
        report_done(n_done, n_there, len(skipped), folder)
    return 1 if skipped else 0


def _settings(encoder, arguments):
    """What the outputs of one folder have in common."""
    units = encoder.settings._replace(results={})._asdict()
    options = {"format": arguments.format, "keep_suffix": arguments.keep_suffix}
    return {**options, "units": units}


def _encode(encoder, path, batch_size):
    """Units and tokens of a file, or why there are none."""
    try:
        return encoder.encode_file(path, batch_size=batch_size), None
    except DamagedAudioError as error:
        return None, error.reason
    except torch.OutOfMemoryError as error:
        raise ValueError(
            f"the device has not enough memory for {batch_size} windows; give a "
            "smaller --batch-size"
        ) from error
    except (OSError, ValueError) as error:
        return None, str(error).removeprefix(f"{path}: ")


def _as_tsv(encoder, string):
    """A line for each token."""
    lines = ["start\tend\ttoken\tunits"]
    rows = zip(string.starts, string.ends, string.tokens.tolist(), strict=True)
    for start, end, token in rows:
        units = " ".join(map(str, encoder.tokenizer.units(token)))
        lines.append(f"{start:.6f}\t{end:.6f}\t{token}\t{units}")
    return "\n".join(lines) + "\n"


def _as_json(encoder, string):
    """All of it."""
    lists = {name: value.tolist() for name, value in string._asdict().items()}
    for name in ("starts", "ends"):
        lists[name] = [round(seconds, 6) for seconds in lists[name]]
    return json.dumps({"frame_rate": encoder.frame_rate, **lists}) + "\n"


FORMATS = {"tsv": _as_tsv, "json": _as_json}
