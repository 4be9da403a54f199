"""Commands that write, in small, each into a folder of its own on a small disk.

Authors
 * The mert_sb developers 2026
"""

import json
import shutil

from mert_sb.inference import export_student
from tests.faults.full_disk import Job
from tests.integration.launch import RECIPE, command, finish
from tests.samples.make_gtzan import make_gtzan
from tests.samples.make_samples import make_audio
from tests.utils.music_folders import write
from tests.utils.originals import tiny_student
from tests.utils.separators import MEL, noise, song, write as write_separator
from tests.utils.source_tree import ROOT
from tests.utils.unit_folders import write_folder as write_units

DOWNSTREAM = ROOT / "recipes" / "downstream"
UNITS = ROOT / "recipes" / "units"
MAIN = ROOT / "tests" / "faults" / "mert_sb_command.py"
FITTED = ("mel_rvq.safetensors", "prepare.jsonl")
SAVED = ("save/*.json", "save/skipped.csv", "save/*.safetensors")


def make_inputs(folder):
    """What the jobs read.

    Arguments
    ---------
    folder : pathlib.Path
        Gets ``audio`` for pretraining and ``fitted``, an output folder with a teacher;
        ``gtzan`` and ``encoder`` for probing; ``music``, and folders of models.

    Returns
    -------
    pathlib.Path
        The same.
    """
    make_audio(folder / "audio")
    output = folder / "output"
    finish(command("train.py", folder / "audio", output, number_of_epochs=0))
    (folder / "fitted" / "save").mkdir(parents=True)
    for name in FITTED:
        shutil.copy(output / "save" / name, folder / "fitted" / "save")
    make_gtzan(folder / "gtzan", seconds=1.0)
    export_student(tiny_student(normalize_wavs=True), folder / "encoder")
    write_units(folder / "units")
    write_separator(folder / "stems", **MEL)
    for index in range(4):
        write(folder / "music" / f"{index}.wav", 1.5 + index)
    (folder / "songs").mkdir()
    for index in range(2):
        song(folder / "songs" / f"{index}.wav", noise(2, 60_000, index))
    return folder


def _pretraining(name, script, given, inputs, folder, results, **flags):
    arguments = command(script, inputs / "audio", folder, **flags)
    return Job(name, arguments[1:], folder, RECIPE, results, given)


def pretraining(inputs, folder):
    """From music to an encoder: manifests, a fitted teacher, checkpoints, logs."""
    results = (*SAVED, "encoder/*")
    return _pretraining(
        "pretraining", "train.py", None, inputs, folder, results
    )


def going_on(inputs, folder):
    """The same where manifests and the teacher are there: checkpoints and logs."""
    return _pretraining(
        *("going on", "train.py", inputs / "fitted", inputs, folder),
        (*SAVED, "encoder/*"),
        ckpt_interval_steps=1,
    )


def extracting(inputs, folder):
    """A shelf of targets."""
    flags = {
        "crop_step": 37,
        "stored": f"{{mel_rvq: {folder / 'shelf'}}}",
        "extraction": "{batch_size: 4, num_workers: 0, shard_size: 2}",
        "prepare": "{min_seconds: 1.0, segment_seconds: 1.0, valid_share: 0.2, "
        "n_workers: 1}",
    }
    return _pretraining(
        *("extracting", "extract_targets.py", inputs / "fitted", inputs),
        *(folder, ("shelf/*", "shelf/*/*", "save/*.json")),
        **flags,
    )


def _flags(**flags):
    """As a command line."""
    for key, value in flags.items():
        yield f"--{key}"
        yield json.dumps(value) if isinstance(value, dict) else str(value)


def probing(inputs, folder):
    """A cache of states, a probe's checkpoints and logs, results."""
    flags = _flags(
        data_folder=inputs / "gtzan",
        output_folder=folder,
        upstream=DOWNSTREAM / "upstreams" / "mert.yaml",
        upstream_overrides={"source": str(inputs / "encoder")},
        batch_size=5,
        number_of_epochs=3,
        layer="mix",
        device="cpu",
        prepare={"n_workers": 1, "allow_missing": True},
        cache={
            "num_workers": 0,
            "folder": str(folder / "cache"),
        },
    )
    recipe = DOWNSTREAM / "GTZAN"
    yaml = recipe / "hparams" / "genre.yaml"
    arguments = [recipe / "train.py", yaml, "--noprogressbar", *flags]
    results = ("save/*.json", "save/*.csv", "cache/*/*/*", "cache/*/*.json")
    results += ("results.json", "predictions.csv", "inference/*")
    return Job("probing", arguments, folder, recipe, results)


def units_recipe(inputs, folder):
    """Units: states, a codebook, strings, a tokenizer, an inference folder."""
    flags = _flags(
        data_folder=inputs / "music",
        source=inputs / "encoder",
        output_folder=folder,
        layer=2,
        codebook_size=8,
        vocab_size=14,
        share=0.5,
        device="cpu",
        prepare={"n_workers": 1, "valid_share": 0.4},
        fit={"windows": {"chunk_seconds": 1.5, "overlap_seconds": 0.5}},
    )
    arguments = [UNITS / "train.py", UNITS / "hparams" / "units.yaml", *flags]
    results = ("save/*.json", "save/*.csv", "save/*.safetensors")
    results += ("inference/*", "results.json")
    return Job("fitting units", arguments, folder, UNITS, results)


def _command(name, folder, results, *arguments):
    arguments = [MAIN, *arguments, "--device", "cpu", "--quiet"]
    return Job(name, arguments, folder, folder.parent, results)


def encoding(inputs, folder, form):
    """Features of files, by ``mert-sb encode``."""
    chunks = ("--chunk-seconds", "1.5", "--overlap-seconds", "0.5")
    return _command(
        f"encoding {form}",
        folder,
        ("*",),
        *("encode", inputs / "encoder", inputs / "music", "--output", folder),
        *(*chunks, "--workers", "0", "--format", form),
    )


def tokens(inputs, folder):
    """Units of files, by ``mert-sb units``."""
    return _command(
        "units of files",
        folder,
        ("*",),
        *("units", inputs / "units", inputs / "music", "--output", folder),
    )


def stems(inputs, folder):
    """Stems of songs, by ``mert-sb separate``."""
    return _command(
        "separating",
        folder,
        ("*/*",),
        *("separate", inputs / "stems", inputs / "songs"),
        # Floating-point WAV files say when they were written.
        *("--output", folder, "--no-wiener", "--pcm"),
    )
