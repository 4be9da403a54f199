"""``mert-sb encode``: features of many files, resumable.

Authors
 * The mert_sb developers 2026
"""

import argparse
from pathlib import Path

from mert_sb.inference.commands import arguments as values
from mert_sb.inference.commands.batching import PATIENCE, Batcher
from mert_sb.inference.commands.ending import report_done, report_skipped
from mert_sb.inference.commands.folder import prepare, workspace
from mert_sb.inference.commands.inputs import find_jobs
from mert_sb.inference.commands.loading import reading
from mert_sb.inference.commands.runner import Runner
from mert_sb.inference.commands.settings import describe
from mert_sb.inference.commands.sources import add_source, fetch_config
from mert_sb.inference.commands.writers import STORES
from mert_sb.inference.encoder import MusicEncoder
from mert_sb.inference.files import CHUNK_SECONDS
from mert_sb.progress import Progress

HELP = "write features of audio files"
DESCRIPTION = """\
Features of audio files, one output for each, named as the file without its suffix.

  npy   <name>.npy: states (layers, frames, width), or (frames, width) for one layer
  npz   <name>.npz: states, and times in seconds
  hdf5  <name>.h5: the same two as data sets

Frame t is centred on (first_centre + hop_length * t) / sample_rate seconds; these
numbers are in encode.json, with all settings. Whole outputs are not computed again: a
run that was stopped goes on where it was, with the same settings only. One run at a
time may write into a folder.

Files that cannot be read are listed in skipped.csv; the exit code is then 1.
"""
EPILOG = """\
examples:
  mert-sb encode m-a-p/MERT-v1-95M music/ --output features
  mert-sb encode MERT-v1-330M music/ --output means --pool mean --format hdf5
  mert-sb encode results/encoder a.mp3 b.wav --output out --layers 6 --device cuda
"""
# Options that features depend on.
SETTINGS = (
    "format",
    "keep_suffix",
    "pool",
    "dtype",
    "precision",
    "chunk_seconds",
    "overlap_seconds",
)


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
    >>> parser.parse_args(["model", "music", "--output", "out"]).inputs
    ['music']
    """
    add_source(parser, "model")
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="audio file, or folder to search with all below it",
    )
    _add_what(parser)
    _add_how(parser)


def _add_what(parser):
    """Options that say what is written."""
    what = parser.add_argument_group("what is written")
    add = what.add_argument
    add("--output", metavar="FOLDER", required=True, help="made if absent")
    add("--format", choices=STORES, default="npy", help="default: npy")
    add(
        "--layers",
        type=values.layers,
        metavar="all|mean|6|6,7",
        help="0 is the input of the first layer; default: all",
    )
    add(
        "--pool",
        choices=("none", "mean"),
        default="none",
        help="mean: over time; default: none",
    )
    add("--dtype", choices=("float32", "float16"), default="float32")
    add(
        "--keep-suffix",
        action="store_true",
        help="name outputs a.wav.npy, where a.wav lies beside a.mp3",
    )
    add(
        "--chunk-seconds",
        type=values.seconds,
        metavar="S",
        default=CHUNK_SECONDS,
        help="longer files are encoded in windows of this length; none: in one "
        "pass; default: %(default)g",
    )
    add(
        "--overlap-seconds",
        type=values.seconds,
        metavar="S",
        default=argparse.SUPPRESS,
        help="of neighbouring windows; default: 3, or more where the model's "
        "frames are slow",
    )
    add(
        "--overwrite",
        action="store_true",
        help="compute again what is there, with other settings if need be",
    )


def _add_how(parser):
    """Options that features do not depend on, but for rounding."""
    add = parser.add_argument_group("how").add_argument
    add(
        "--workers",
        type=values.number(0),
        metavar="N",
        default=2,
        help="processes that read files; 0: this one reads; default: 2",
    )
    add(
        "--batch-size",
        type=values.number(1),
        metavar="N",
        default=1,
        help="windows encoded at once; default: 1",
    )
    add(
        "--device",
        type=values.device,
        help="cpu, cuda, cuda:1; default: a GPU if there is one",
    )
    add("--precision", choices=("fp32", "bf16", "fp16"), default="fp32")
    add("--compile", action="store_true", help="by torch.compile")
    add("--quiet", action="store_true", help="no progress, no summary")


def run(arguments):
    """Encode files.

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
    store = STORES[arguments.format](folder)
    jobs = find_jobs(arguments.inputs, keep_suffix=arguments.keep_suffix)
    encoder = _open_encoder(arguments)
    vars(arguments).setdefault("overlap_seconds", encoder.overlap_seconds)
    layers, settings = _settings(encoder.student, arguments)
    with workspace(folder) as place:
        names = {job.name for job in jobs}
        there = prepare(folder, settings, names, overwrite=arguments.overwrite)
        batcher = Batcher(arguments.batch_size)
        runner = Runner(
            encoder,
            store,
            place,
            batcher,
            layers=layers,
            pool=arguments.pool,
            dtype=arguments.dtype,
        )
        todo = [job for job in jobs if job.name not in there]
        try:
            _encode_all(runner, todo, arguments)
        finally:
            report_skipped(folder, runner.skipped)
    if not arguments.quiet:
        report_done(runner.n_done, len(there), len(runner.skipped), folder)
    return 1 if runner.skipped else 0


def _open_encoder(arguments):
    """The model, with SpeechBrain's options of running it."""
    run_opts = {
        "precision": arguments.precision,
        "compile": arguments.compile,
    }
    if arguments.device:
        run_opts["device"] = arguments.device
    return MusicEncoder.from_original(
        arguments.model,
        fetch_config=fetch_config(arguments),
        run_opts=run_opts,
    )


def _settings(student, arguments):
    """The layers as the encoder takes them, and what encode.json says."""
    values.check_chunks(
        arguments.chunk_seconds,
        arguments.overlap_seconds,
        student.settings["sample_rate"],
        student.settings["subsample"],
    )
    layers = values.known_layers(
        arguments.layers, student.settings["num_layers"]
    )
    options = {name: getattr(arguments, name) for name in SETTINGS}
    options["layers"] = "all" if layers is None else layers
    return layers, describe(student, options)


def _encode_all(runner, jobs, arguments):
    """Read and encode, saying how far it is."""
    options = {
        "sample_rate": runner.encoder.hparams.sample_rate,
        "subsample": runner.encoder.subsample,
        "chunk_seconds": arguments.chunk_seconds,
        "overlap_seconds": arguments.overlap_seconds,
    }
    n_workers = min(arguments.workers, len(jobs))
    ahead = n_workers + PATIENCE * arguments.batch_size
    with (
        Progress("encode", len(jobs), quiet=arguments.quiet) as progress,
        reading(jobs, options, n_workers=n_workers, ahead=ahead) as messages,
        runner,
    ):
        for message in messages:
            runner.take(message)
            _show(progress, runner)
        runner.finish()
        _show(progress, runner)


def _show(progress, runner):
    """Count the files that were finished or given up."""
    progress.update(
        runner.n_done + len(runner.skipped) - progress.done,
        seconds=runner.seconds_done - progress.audio,
    )
