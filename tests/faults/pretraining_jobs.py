"""What of the AudioFolder recipe is killed, in small.

Authors
 * The mert_sb developers 2026
"""

import os
import shutil
import signal

from tests.faults.life import Job
from tests.integration.launch import FLAGS, RECIPE, command, finish
from tests.samples.make_samples import make_audio
from tests.utils.music_folders import bad_files, write
from tests.utils.processes import family, words

ENCODER = "encoder/*"
MANIFESTS = ("save/*.json", "save/skipped.csv")
FITTED = "save/*.safetensors"
# What k-means of MFCC has no use for.
OTHERS = ("codebook_size", "n_codebooks", "n_cqt_bins", "teachers")


def make_music(folder):
    """Music, and an output folder to begin with.

    Arguments
    ---------
    folder : pathlib.Path
        Gets ``audio`` and ``fitted``, an output folder with a teacher and the journal
        of ``audio``.

    Returns
    -------
    pathlib.Path
        The same.
    """
    make_audio(folder / "audio")
    output = folder / "whole"
    finish(command("train.py", folder / "audio", output, number_of_epochs=0))
    (folder / "fitted" / "save").mkdir(parents=True)
    for name in ("mel_rvq.safetensors", "prepare.jsonl"):
        shutil.copy(output / "save" / name, folder / "fitted" / "save")
    return folder


def make_files(folder, count):
    """Many short files, and one of each kind that cannot be used.

    Arguments
    ---------
    folder : pathlib.Path
        Gets them.
    count : int
        How many can be used.

    Returns
    -------
    pathlib.Path
        The same.
    """
    bad_files(folder)
    for index in range(count):
        suffix = ("wav", "flac", "ogg", "mp3")[index % 4]
        rate = (24_000, 44_100, 48_000)[index % 3]
        write(folder / f"{index}.{suffix}", 1 + index % 5, rate)
    return folder


def prepare_job(files, fitted, folder, n_workers=1):
    """Manifests alone: nothing is fitted or trained."""
    prepare = FLAGS["prepare"].replace(
        "n_workers: 1", f"n_workers: {n_workers}"
    )
    flags = {"number_of_epochs": 0, "prepare": prepare}
    given = folder.with_name("given")
    (given / "save").mkdir(parents=True, exist_ok=True)
    shutil.copy(fitted / "save" / "mel_rvq.safetensors", given / "save")
    return Job(
        f"preparing, {n_workers} at once",
        command("train.py", files, folder, **flags),
        folder,
        RECIPE,
        MANIFESTS,
        given,
    )


def extract_job(audio, fitted, folder):
    """The shelf of a teacher."""
    flags = {
        "crop_step": 37,
        "stored": f"{{mel_rvq: {folder / 'shelf'}}}",
        "extraction": "{batch_size: 4, num_workers: 1, shard_size: 2}",
        "prepare": FLAGS["prepare"].replace("2.0", "1.0"),
    }
    return Job(
        "extracting",
        command("extract_targets.py", audio, folder, **flags),
        folder,
        RECIPE,
        ("shelf/*", "shelf/*/*"),
        fitted,
    )


def fit_job(audio, folder, teacher):
    """A teacher's codebooks: ``mel_rvq``, or k-means of ``mfcc``."""
    fits = {
        "mel_rvq": "{mel_rvq: {n_mels: 32, n_iterations: 60}}",
        "mfcc": "{mfcc: {restarts: 3, n_iterations: 100}}",
    }
    flags = {"number_of_epochs": 0, "fits": fits[teacher]}
    arguments = command("train.py", audio, folder, **flags)
    if teacher == "mfcc":
        arguments[2] = str(RECIPE / "teachers" / "kmeans-mfcc.yaml")
        for key in OTHERS:
            place = arguments.index(f"--{key}")
            del arguments[place : place + 2]
    return Job(
        f"fitting {teacher}", arguments, folder, RECIPE, (FITTED, ENCODER)
    )


def train_job(audio, fitted, folder, n_workers=0, **flags):
    """Pretraining, with processes that load or without."""
    flags["train_dataloader_opts"] = f"{{num_workers: {n_workers}}}"
    return Job(
        f"pretraining, {n_workers} loaders",
        command("train.py", audio, folder, **flags),
        folder,
        RECIPE,
        (*MANIFESTS, FITTED, ENCODER),
        fitted,
    )


def ranks_job(audio, fitted, folder):
    """Pretraining on two processes; one is killed, or torchrun, which started them."""
    flags = {"train_dataloader_opts": "{num_workers: 0, batch_size: 2}"}
    return Job(
        "pretraining, one rank of two or torchrun",
        command("train.py", audio, folder, processes=2, **flags),
        folder,
        RECIPE,
        (FITTED, ENCODER),
        fitted,
        strike=strike_rank,
    )


def strike_rank(run, rng):
    """Kill one of the three; see ``tests.faults.life.strike``."""
    number = rng.choice((signal.SIGKILL, signal.SIGTERM))
    ranks = sorted(
        process.pid
        for process in family(run.pid)
        if process.pid != run.pid and "train.py" in words(process)
    )
    if len(ranks) != 2:
        raise ProcessLookupError("they end by themselves")
    name = rng.choice(("rank 0", "rank 1", "torchrun"))
    if name == "torchrun":
        os.kill(run.pid, number)
        return f"{number.name} to {name}", {-number, 1}
    os.kill(ranks[int(name[-1])], number)
    return f"{number.name} to {name}", {0, 1}
