"""Fine-tuning with few labels: a pretrained student beside the same from its random start.

> python few_labels.py --encoder ../../results/demo/pretraining-<mark>/encoder

Both are trained as a whole on so many tracks of each class, validated on as many, with several
seeds of the head, and tested on the whole test of ``probes.py``. Prints means and standard
deviations and writes them to ``<output>/few_labels.md``. The same command goes on where a
stopped run was; other flags go to ``train.py``.

Authors
 * The mert_sb developers 2026
"""

import argparse
import json
import shlex
import sys
from itertools import product
from pathlib import Path

from make_dataset import make_dataset
from minimusic_prepare import LABELS
from notes import make_notes
from probes import (
    DATA,
    DOWNSTREAM,
    FOLDER,
    ROOT,
    SEED,
    markdown,
    open_search,
    shown,
)

# Column of the table: YAML of recipes/downstream/upstreams.
BEGINNINGS = {"pretrained": "mert_full", "from scratch": "random_full"}
# From scratch all layers learn at the head's rate; the pretrained one has no better.
RATES = {"lr": 0.001, "encoder_lr": 0.001, "layer_decay": 1.0}


def parse_arguments(arguments):
    """The command line, and what of it is for ``train.py``."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--encoder", type=Path, required=True, help="make demo leaves one")
    add("--labels", type=int, default=5, help="of each class")
    add("--tasks", default="key,pitch")
    add("--beginnings", default=",".join(BEGINNINGS), help="columns to fill")
    add("--seeds", default="1,2,3")
    add("--epochs", type=int, default=30)
    add("--made", action="store_true", help="pieces and notes are there")
    add("--hours", type=float, default=4.0, help="of pieces")
    add("--output", type=Path, default=ROOT / "results" / "minimusic")
    options, flags = parser.parse_known_args(arguments)
    options.tasks = options.tasks.split(",")
    options.beginnings = options.beginnings.split(",")
    if unknown := [b for b in options.beginnings if b not in BEGINNINGS]:
        parser.error(
            f"--beginnings: {', '.join(unknown)} is none of "
            f"{', '.join(BEGINNINGS)}"
        )
    if unknown := [task for task in options.tasks if task not in DATA]:
        parser.error(
            f"--tasks: {', '.join(unknown)} is none of {', '.join(DATA)}"
        )
    if not options.encoder.is_dir():
        parser.error(f"--encoder: {options.encoder} is not there")
    return options, flags


def fine_tune(task, beginning, output, options, flags):
    """All seeds of one of the two; what is finished is not repeated."""
    yaml = DOWNSTREAM / "upstreams" / f"{BEGINNINGS[beginning]}.yaml"
    given = {
        "task": task,
        "data_folder": options.output.resolve() / DATA[task],
        "upstream": yaml,
        "upstream_overrides": json.dumps(
            {"source": str(options.encoder.resolve())}
        ),
        "output_folder": output,
        "layers": "mix",
        "lrs": str(RATES["lr"]),
        "encoder_lr": RATES["encoder_lr"],
        "layer_decay": RATES["layer_decay"],
        "seeds": options.seeds,
        "number_of_epochs": options.epochs,
        "batch_size": 4,
        "labels_per_class": options.labels,
    }
    own = [part for k, v in given.items() for part in (f"--{k}", str(v))]
    command = [FOLDER / "train.py", FOLDER / "hparams" / "probe.yaml", *own]
    open_search().main([*map(str, command), *flags])


def read_table(options):
    """Header and rows of all results."""
    heads = ["task", "labels of each class", "metric", *BEGINNINGS]
    rows = []
    for task in options.tasks:
        cells, metrics = zip(
            *(
                shown(place(options, task, name), with_state=False)
                for name in BEGINNINGS
            ),
            strict=True,
        )
        start = [task, f"{options.labels} x {len(LABELS[task])}"]
        rows.append([*start, metrics[0].replace("_", " "), *cells])
    return heads, rows


def write_table(options, command):
    """Write ``few_labels.md``; its text."""
    text = (
        f"{markdown(*read_table(options))}\n\nTest, in per cent: mean ± standard "
        f"deviation over seeds of the head.\n\n    {command}\n"
    )
    path = options.output / "few_labels.md"
    path.write_text(text, encoding="utf-8")
    return text


def place(options, task, beginning):
    """Where the runs of one of the two are."""
    folder = f"few-{options.labels}-{beginning.replace(' ', '-')}"
    return options.output.resolve() / task / folder


def main(arguments):
    """Make the data, fine-tune, show the result."""
    options, flags = parse_arguments(arguments)
    kinds = {DATA[task] for task in options.tasks if not options.made}
    if "pieces" in kinds:
        make_dataset(options.output / "pieces", hours=options.hours, seed=SEED)
    if "notes" in kinds:
        make_notes(options.output / "notes")
    for task, beginning in product(options.tasks, options.beginnings):
        print(f"\n{task}, {beginning}", flush=True)
        fine_tune(
            task, beginning, place(options, task, beginning), options, flags
        )
    cells = product(options.tasks, BEGINNINGS)
    if all((place(options, *c) / "grid.json").is_file() for c in cells):
        command = shlex.join(["python", "few_labels.py", *arguments])
        print(f"\n{write_table(options, command)}")


if __name__ == "__main__":
    main(sys.argv[1:])
