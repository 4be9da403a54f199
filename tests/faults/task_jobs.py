"""A probe and the encoding of a folder, in small, to be killed.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

from mert_sb.inference import export_student
from tests.faults.life import Job
from tests.samples.make_gtzan import make_gtzan
from tests.utils.encode_command import OPTIONS, write_audio
from tests.utils.originals import tiny_student
from tests.utils.source_tree import ROOT

HERE = Path(__file__).parent
GTZAN = ROOT / "recipes" / "downstream" / "GTZAN"
MODEL = "model"


def make_model(folder):
    """An encoder's folder below a folder."""
    return export_student(tiny_student(normalize_wavs=True), folder / MODEL)


def probe_job(folder, upstream="mert"):
    """Genre of GTZAN: on cached states, or with the upstream trained.

    Arguments
    ---------
    folder : pathlib.Path
        Gets ``gtzan``, ``model`` and ``run``, where the job writes.
    upstream : str
        One of ``recipes/downstream/upstreams``.

    Returns
    -------
    Job
        To be killed.
    """
    make_gtzan(folder / "gtzan", seconds=1.0)
    model, output = make_model(folder), folder / "run"
    flags = {
        "data_folder": folder / "gtzan",
        "output_folder": output,
        "upstream": f"../upstreams/{upstream}.yaml",
        "upstream_overrides": f"{{source: {model}}}",
        "layer": "mix",
        "batch_size": 5,
        "number_of_epochs": 8 if upstream == "mert" else 3,
        "ckpt_interval_steps": 2,
        "device": "cpu",
        "prepare": "{n_workers: 1, allow_missing: True}",
        "cache": f"{{num_workers: 0, folder: {output / 'cache'}}}",
    }
    script, yaml = GTZAN / "train.py", GTZAN / "hparams" / "genre.yaml"
    given = [f"--{key}={value}" for key, value in flags.items()]
    return Job(
        f"probing {upstream}",
        [sys.executable, str(script), str(yaml), "--noprogressbar", *given],
        output,
        GTZAN,
        (
            "results.json",
            "predictions.csv",
            "inference/*",
            "cache/*/*",
            "cache/*/*/*",
            "save/*.json",
            "save/skipped.csv",
        ),
    )


def encode_job(folder, form="npy", n_files=24, workers=0):
    """``mert-sb encode`` of a folder of music with a damaged file.

    Arguments
    ---------
    folder : pathlib.Path
        Gets ``music``, ``model`` and ``run``, where the job writes.
    form : str
        Of the outputs.
    n_files : int
        Files of music.
    workers : int
        Processes that read.

    Returns
    -------
    Job
        To be killed.
    """
    for index in range(n_files):
        suffix = ("wav", "flac", "mp3")[index % 3]
        name = f"{'sub/' if index % 2 else ''}{index:02d}.{suffix}"
        write_audio(folder / "music" / name, 1.0 + index % 4)
    (folder / "music" / "damaged.mp3").write_text("no music\n" * 500)
    places = [make_model(folder), folder / "music", "--output", folder / "run"]
    options = ["--format", form, "--workers", str(workers), "--device", "cpu"]
    script = [sys.executable, str(HERE / "console.py"), "encode"]
    return Job(
        f"encoding to {form}, {workers} loaders",
        [*script, *map(str, places), *OPTIONS, *options],
        folder / "run",
        folder,
        ("**/*",),
        # One file was left out.
        code=1,
    )
