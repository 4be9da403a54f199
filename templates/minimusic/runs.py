"""The runs that ``compare.py`` compares: what each is, and its pretraining.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import json
import shlex
import time
from pathlib import Path
from typing import NamedTuple

from demo import last_validation, pretrain, training_flags
from mert_sb.audio.manifest import find_audio
from mert_sb.audio.rows import write_rows
from mert_sb.inference.convert import read_checkpoint
from probes import open_search
from small import merge, read_flags, small_flags


class Run(NamedTuple):
    """One row of the table: its name, its YAML and the flags of its training."""

    name: str
    yaml: Path
    flags: list


def read_runs(options, given):
    """The runs that the command line names."""
    runs = []
    for text in options.runs:
        first, *own = [text] if Path(text).is_file() else shlex.split(text)
        name, equals, path = first.partition("=")
        if Path(first).is_file() or not equals:
            name, path = "", first
        path = Path(path).resolve()
        if not path.is_file():
            raise ValueError(f"--runs: there is no YAML {path}")
        sizes = small_flags(path) if options.small else {}
        steps = read_flags(training_flags(options.steps, options.precision))
        flags = merge(sizes, steps, given, read_flags(own))
        runs.append(Run(name or path.stem, path, flags))
    names = [run.name for run in runs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"--runs: {', '.join(twice)} comes twice; give names, NAME=YAML"
        )
    return runs


def listing(music):
    """A checksum of a folder's names and sizes."""
    rows = [
        f"{path} {(music / path).stat().st_size}\n"
        for path in find_audio(music)
    ]
    return hashlib.sha1("".join(rows).encode()).hexdigest()


def describe(run, music, output):
    """What a run is, to be kept beside it; another one of its name is refused."""
    search, path = open_search(), output / run.name / "begun.json"
    folders = ["--data_folder", "music", "--output_folder", run.name]
    begun = search.settings_of(str(run.yaml), [*folders, *run.flags])
    begun["music"] = listing(music)
    if path.is_file():
        search.refuse_changed(path, begun)
    return begun


def train_once(run, music, output):
    """Pretrain unless it is finished; minutes, and losses by teacher."""
    folder = output / run.name
    begun = describe(run, music, output)
    open_search().refuse_changed(folder / "begun.json", begun)
    path = folder / "spent.json"
    spent = {"minutes": 0.0, "finished": False}
    if path.is_file():
        spent = json.loads(path.read_text(encoding="utf-8"))
    if not spent["finished"]:
        began = time.perf_counter()
        try:
            pretrain(music, folder, run.flags, run.yaml)
            spent["finished"] = True
        finally:
            # What a run that was stopped took counts too.
            spent["minutes"] += (time.perf_counter() - began) / 60
            write_rows(path, spent)
    valid = last_validation(folder / "train_log.txt")
    losses = {
        key.removesuffix("_loss"): value
        for key, value in valid.items()
        if key.endswith("_loss")
    }
    return {"minutes": spent["minutes"], "losses": losses}


def begun_with(folder):
    """The encoder by whose settings the probes of a rival were begun, if they were.

    Students of the same settings start alike, but the path is part of the flags.
    """
    path, name = folder / "flags.json", "upstream_overrides: "
    if not path.is_file():
        return None
    flags = json.loads(path.read_text(encoding="utf-8"))["flags"]
    (given,) = [line for line in flags if line.startswith(name)]
    return Path(json.loads(given.removeprefix(name))["source"])


def mark_of(encoder):
    """A mark of all settings of a student."""
    settings = json.dumps(read_checkpoint(encoder).settings, sort_keys=True)
    return hashlib.sha1(settings.encode()).hexdigest()[:8]
