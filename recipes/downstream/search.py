"""The benchmark's grid on any recipe beside this file: layers, rates, seeds.

> cd GTZAN
> python ../search.py train.py hparams/genre.yaml --data_folder /path/to/gtzan
> python ../search.py train.py hparams/genre.yaml --data_folder /path/to/gtzan \
>     --layers mix,7 --lrs 1e-3,5e-3 --seeds 1,2,3 --output_folder results/small

Other flags go to the recipe. All settings share one cache, so the upstream encodes once.
``<output_folder>/<layer>-<lr>/<seed>`` has each run's results, ``grid.csv`` the mean and
standard deviation over seeds, ``grid.json`` the setting of the best mean validation metric.
Stopped, it goes on where it was with the same command. Checkpoints and manifests of a
finished run are deleted, unless --keep is given; to predict with a setting, train it with
the recipe. Of cached states on a CPU several runs go at once, one a core and at most four;
--jobs says another number (each may hold 2 GiB of states).

Authors
 * The mert_sb developers 2026
"""

import argparse
import csv
import hashlib
import json
import os
import re
import shutil
import sys
import time
from contextlib import closing
from itertools import islice, product
from pathlib import Path

import speechbrain as sb
import yaml
from hyperpyyaml import resolve_references

from mert_sb.downstream.cache import fingerprint
from mert_sb.downstream.grid import (
    BENCHMARK_RATES,
    Setting,
    parse_layers,
    parse_numbers,
)
from mert_sb.downstream.grid_runs import Task, jobs_of, run_tasks
from mert_sb.downstream.grid_table import choose, csv_rows, summarize, table
from mert_sb.downstream.open import read_upstream
from mert_sb.hparams import load_hparams
from mert_sb.overrides import place_overrides
from mert_sb.progress import Progress
from mert_sb.recipe import run
from mert_sb.writing import whole

# What the grid sets in each run.
OWN = ("layer", "lr", "save_folder", "seed")
# Run options that may change before a grid is continued.
HARMLESS = {"device", "noprogressbar"}


def _read_arguments(arguments):
    """The grid's own flags, and those of the recipe."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False, usage="search.py train.py YAML [flags]"
    )
    parser.add_argument("script")
    parser.add_argument("hparams_file")
    parser.add_argument("--layers", default="all")
    rates = ",".join(map(str, BENCHMARK_RATES))
    parser.add_argument("--lrs", default=rates)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--output_folder", type=Path)
    parser.add_argument("--cache", type=yaml.safe_load, default={})
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--jobs", type=int)
    for name in OWN:
        parser.add_argument(f"--{name}")
    options, flags = parser.parse_known_args(arguments)
    if options.jobs is not None and options.jobs < 1:
        parser.error(f"--jobs: {options.jobs} is less than 1")
    given = [f"--{name}" for name in OWN if vars(options)[name] is not None]
    if given:
        parser.error(
            f"{', '.join(given)}: the grid sets it; see --layers, --lrs, --seeds"
        )
    for flag in ("--debug", "--test_only"):
        if flag in flags:
            parser.error(f"{flag}: a grid trains and tests; leave it out")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        parser.error("run the grid in one process, without torchrun")
    if options.output_folder is None:
        stem = Path(options.hparams_file).stem
        options.output_folder = Path("results") / stem / "grid"
    options.cache = {
        "folder": str(options.output_folder / "cache"),
        **options.cache,
    }
    return options, flags


def _open_grid(options, flags):
    """What the recipe's YAML and its upstream's say."""
    folder = options.output_folder / "opened"
    arguments = _recipe_arguments(options, flags, folder)
    path, run_opts, overrides = sb.parse_arguments(arguments)
    hparams = load_hparams(path, overrides)
    shutil.rmtree(folder, ignore_errors=True)
    settings = read_upstream(
        Path(options.script).parent / hparams["upstream"],
        hparams["upstream_overrides"],
    )
    layers = parse_layers(options.layers, settings["upstream"].n_states)
    identity = fingerprint(settings["upstream"]) | {
        "cached": settings["cached"]
    }
    if options.jobs is None:
        options.jobs = jobs_of(run_opts["device"], settings["cached"])
    return layers, hparams["family"].MONITOR, identity


def _recipe_arguments(options, flags, folder, **changed):
    """The command line of one run."""
    changed |= {"output_folder": folder, "cache": json.dumps(options.cache)}
    own = [part for k, v in changed.items() for part in (f"--{k}", str(v))]
    return [options.hparams_file, *flags, *own]


def _check_folder(options, flags, identity):
    """Refuse to go on with results of other flags or of another upstream."""
    wanted = settings_of(options.hparams_file, flags)
    wanted["upstream"] = json.loads(json.dumps(identity))
    refuse_changed(options.output_folder / "flags.json", wanted)


def settings_of(hparams_file, flags):
    """What a run is: its YAML with all overrides, and the flags, comparable."""
    _, run_opts, overrides = sb.parse_arguments([hparams_file, *flags])
    placed = place_overrides(hparams_file, overrides)
    with open(hparams_file, encoding="utf-8") as file:
        text = resolve_references(file, placed).getvalue()
    lines = re.sub(r"(^|\s)#.*", "", text, flags=re.MULTILINE).splitlines()
    settings = "\n".join(line.rstrip() for line in lines if line.strip())
    given = [
        f"{name}: {run_opts[name]}"
        for name in run_opts.overridden_args - HARMLESS
    ]
    return {
        "yaml": hashlib.blake2b(settings.encode(), digest_size=16).hexdigest(),
        "flags": sorted([*given, *(overrides or "").splitlines()]),
    }


def refuse_changed(path, wanted):
    """Refuse to go on with what was begun otherwise; else write what it is."""
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        changed = [key for key in wanted if found.get(key) != wanted[key]]
        if changed:
            before, now = (
                {key: table.get(key) for key in changed}
                for table in (found, wanted)
            )
            raise ValueError(
                f"{path}: this was begun with another {', '.join(changed)}: "
                f"{before}, not {now}; choose another output folder, or the same "
                f"{', '.join(wanted)}"
            )
    _write(path, wanted)


def _write(path, content):
    """Write JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as aside:
        text = json.dumps(content, indent=2) + "\n"
        aside.write_text(text, encoding="utf-8")


def _tasks(options, flags, settings, seeds):
    """The recipe's command line for each setting and seed."""
    tasks = []
    if options.jobs > 1:
        # The grid has a bar; several runs' would be drawn over one another.
        flags = [*flags, "--noprogressbar"]
    for setting, seed in product(settings, seeds):
        folder = options.output_folder / setting.name / str(seed)
        own = {"layer": setting.layer, "lr": setting.rate, "seed": seed}
        arguments = _recipe_arguments(options, flags, folder, **own)
        tasks.append(Task(arguments, folder))
    return tasks


def _results(options, tasks):
    """Results of each task, in their order, with a bar of those that were not there."""
    there = [task.is_done for task in tasks]
    with Progress("grid", len(tasks), "run") as progress:
        progress.skip(sum(there))
        found = run_tasks(
            run,
            options.script,
            tasks,
            folder=options.output_folder,
            jobs=options.jobs,
            keep=options.keep,
        )
        with closing(found):
            for was_there, result in zip(there, found, strict=True):
                progress.update(not was_there)
                yield result


def _check_data(folder, results, known):
    """Refuse to compare runs on data that changed in between."""
    known |= {result["setup"]["data"] for result in results}
    if len(known) > 1:
        raise ValueError(
            f"{folder}: its runs, or those before it, had other data (files that "
            "came or went, other windows); choose another --output_folder"
        )


def _write_csv(path, rows):
    """Write ``grid.csv``."""
    with (
        whole(path) as aside,
        open(aside, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def main(arguments):
    """Run the grid."""
    options, flags = _read_arguments(arguments)
    seeds = parse_numbers("seeds", options.seeds, int)
    lrs = parse_numbers("lrs", options.lrs, float)
    layers, monitor, identity = _open_grid(options, flags)
    _check_folder(options, flags, identity)
    settings = [Setting(layer, lr) for layer in layers for lr in lrs]
    summaries, known, start = [], set(), time.perf_counter()
    Progress.silence("--noprogressbar" in flags)
    tasks = _tasks(options, flags, settings, seeds)
    # Closed: after an error no more runs begin.
    with closing(_results(options, tasks)) as found:
        for setting in settings:
            results = list(islice(found, len(seeds)))
            _check_data(options.output_folder / setting.name, results, known)
            summaries.append(summarize(setting, results))
            rows = csv_rows(summaries, monitor)
            _write_csv(options.output_folder / "grid.csv", rows)
        # Its bar ends behind the last.
        next(found, None)
    best = choose(summaries, monitor, len(seeds))
    report = {"monitor": monitor, "settings": len(settings), "seeds": seeds}
    path = options.output_folder / "grid.json"
    _write(path, report | {"best": best})
    seconds = time.perf_counter() - start
    sys.stdout.write(
        f"{table(summaries, monitor, best)}\n"
        f"{len(settings)} settings, {seconds:.0f} s; {path}\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
