"""Fit discrete units of a trained student, and tokens over them, to a folder of music.

> python train.py hparams/units.yaml --data_folder /path/to/music \
>     --source /path/to/encoder --layer 7

The same command goes on after a stop: a fitted codebook, written strings and a trained
tokenizer are kept, and other settings refused. At the end ``<output_folder>/inference``
holds what ``UnitEncoder.from_folder`` and ``mert-sb units`` open, and ``results.json`` the
measurements.

Authors
 * The mert_sb developers 2026
"""

import json
import sys
from pathlib import Path

import torch
from speechbrain.utils.logger import get_logger

from mert_sb import frames
from mert_sb.audio.rows import read_rows
from mert_sb.hparams import refuse_unused
from mert_sb.inference import MusicEncoder
from mert_sb.inference.staging import staged_file
from mert_sb.inference.units import write_units
from mert_sb.inference.units.measures import Explained, measure_strings
from mert_sb.inference.units.states import quantize_file
from mert_sb.progress import Progress
from mert_sb.recipe import KEYS, keep_script, open_recipe
from units_prepare import prepare_units

logger = get_logger(__name__)


def open_files(hparams, split, subsample):
    """Files of a manifest.

    Arguments
    ---------
    hparams : dict
        From the YAML.
    split : str
        ``train`` or ``valid``.
    subsample : int
        The student's, whose frames are counted.

    Returns
    -------
    dict of str to tuple of (str, int)
        Path and number of frames by id.
    """
    path = Path(hparams["save_folder"]) / f"{split}.json"
    rows = read_rows(path)
    root = str(hparams["data_folder"])
    return {
        key: (
            row["wav"].replace("{data_root}", root),
            frames.n_frames(row["length"], subsample),
        )
        for key, row in rows.items()
    }


def open_student(hparams, run_opts):
    """The student, if it is for the rate of the YAML.

    Arguments
    ---------
    hparams : dict
        From the YAML.
    run_opts : speechbrain.RunOptions
        Of the command line.

    Returns
    -------
    mert_sb.inference.MusicEncoder
        On the run's device.
    """
    encoder = MusicEncoder.from_original(hparams["source"], run_opts=run_opts)
    rate = encoder.hparams.sample_rate
    if hparams["sample_rate"] != rate:
        raise ValueError(
            f"sample_rate: {hparams['sample_rate']}, but {hparams['source']} is "
            f"for {rate} Hz; give --sample_rate {rate}"
        )
    return encoder


def measure(fit, codebook, tokenizer, strings, held_out):
    """What units and tokens are worth, on training files and on held-out ones.

    Arguments
    ---------
    fit : mert_sb.inference.units.UnitFit
        With the student.
    codebook : mert_sb.inference.units.Codebook
        Fitted.
    tokenizer : mert_sb.inference.units.UnitTokenizer
        Trained.
    strings : list of torch.Tensor
        Units of the training files.
    held_out : dict of str to tuple of (str, int)
        Files that nothing was fitted to.

    Returns
    -------
    dict of str to dict
        Measurements by split.
    """
    explained = Explained(codebook.mean)
    how = {"explained": explained, **fit.windows}
    others = []
    with Progress("measure", len(held_out)) as progress:
        for path, n_frames in held_out.values():
            others.append(quantize_file(fit.encoder, codebook, path, **how))
            progress.update(seconds=n_frames / fit.encoder.frame_rate)
    how = {
        "collapse": fit.settings["collapse"],
        "frame_rate": fit.encoder.frame_rate,
    }
    return {
        "train": measure_strings(strings, tokenizer, **how),
        "valid": explained.result() | measure_strings(others, tokenizer, **how),
    }


def main(arguments):
    """Fit, measure, and write the inference folder.

    Arguments
    ---------
    arguments : list of str
        ``sys.argv[1:]``.

    Returns
    -------
    dict of str to dict
        Measurements by split, as in ``results.json``.
    """
    hparams, run_opts, hparams_file = open_recipe(prepare_units, arguments)
    if torch.distributed.is_initialized():
        raise ValueError("units are fitted by one process; leave out torchrun")
    keep_script(main, hparams["output_folder"])
    encoder = open_student(hparams, run_opts)
    train, valid = (
        open_files(hparams, split, encoder.subsample)
        for split in ("train", "valid")
    )
    fit = hparams["fit"](encoder, hparams["save_folder"], train)
    refuse_unused(hparams, hparams_file, KEYS | {"card"})
    codebook, noted = fit.codebook()
    strings = fit.strings(codebook)
    tokenizer = fit.tokenizer(strings, len(codebook))
    results = measure(fit, codebook, tokenizer, strings, valid)
    results["train"] = noted | results["train"]
    output = Path(hparams["output_folder"])
    write_units(
        output / "inference",
        encoder.student,
        codebook,
        tokenizer.model,
        layer=fit.windows["layers"],
        chunk_seconds=fit.windows["chunk_seconds"],
        overlap_seconds=fit.windows["overlap_seconds"],
        collapse=fit.settings["collapse"],
        results=results,
        **hparams["card"],
    )
    with staged_file(output / "results.json") as staging:
        staging.write_text(json.dumps(results, indent=2) + "\n")
    for split, measured in results.items():
        for name, value in measured.items():
            logger.info("%s %s: %.4g", split, name, value)
    logger.info("The units lie in %s", output / "inference")
    return results


if __name__ == "__main__":
    results = main(sys.argv[1:])
