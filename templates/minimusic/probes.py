"""What a pretrained student knows of minimusic, beside two plain rivals.

> python probes.py --encoder ../../results/demo/pretraining-<mark>/encoder

Makes pieces (of another seed than the demo's) and single notes, and probes the student, the
same student untrained, and statistics of log-mel bands on key, style, instrument and pitch:
each state and their mix, three seeds, on cached states. Validation chooses among the states.
Prints the means and standard deviations of the test, and writes them to
``<output>/probes.md``, once all upstreams were probed (``--upstreams untrained,log-mel`` begins
with these). The same command goes on where a stopped run was; other flags go to ``train.py``.

Authors
 * The mert_sb developers 2026
"""

import argparse
import importlib.util
import json
import shlex
import sys
import time
from itertools import product
from pathlib import Path

from make_dataset import make_dataset
from minimusic_prepare import LABELS
from notes import make_notes

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
DOWNSTREAM = ROOT / "recipes" / "downstream"
DATA = {
    "key": "pieces",
    "style": "pieces",
    "instrument": "notes",
    "pitch": "notes",
}
# Column of the table: YAML of recipes/downstream/upstreams.
UPSTREAMS = {"pretrained": "mert", "untrained": "random", "log-mel": "mel"}
SEED = 2  # the demo's pieces are of seed 1


def parse_arguments(arguments):
    """The command line, and what of it is for ``train.py``."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], allow_abbrev=False
    )
    parser.add_argument(
        "--encoder", type=Path, required=True, help="make demo leaves one"
    )
    parser.add_argument("--hours", type=float, default=4.0, help="of pieces")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "results" / "minimusic"
    )
    parser.add_argument(
        "--made", action="store_true", help="pieces and notes are there"
    )
    parser.add_argument(
        "--upstreams", default=",".join(UPSTREAMS), help="columns to fill"
    )
    parser.add_argument("--layers", default="all", help="see search.py")
    parser.add_argument("--seeds", default="1,2,3", help="of the probes")
    options, flags = parser.parse_known_args(arguments)
    options.upstreams = options.upstreams.split(",")
    if unknown := set(options.upstreams) - set(UPSTREAMS):
        parser.error(
            f"--upstreams: {', '.join(sorted(unknown))} is none of "
            f"{', '.join(UPSTREAMS)}"
        )
    if not options.encoder.is_dir():
        parser.error(
            f"--encoder: {options.encoder} is not there; make demo leaves one in "
            "results/demo/pretraining-<mark>/encoder"
        )
    return options, flags


def open_search():
    """The grid of ``recipes/downstream``."""
    path = DOWNSTREAM / "search.py"
    spec = importlib.util.spec_from_file_location("search", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def probe(task, upstream, output, *, data, cache, source, grid, flags=()):
    """Search the states of an upstream; what is finished is not repeated.

    ``data`` has pieces and notes, ``cache`` is for states, ``source`` is the encoder's
    folder, and ``grid`` says layers and seeds.
    """
    given = {
        "task": task,
        "data_folder": data / DATA[task],
        "upstream": DOWNSTREAM / "upstreams" / f"{UPSTREAMS[upstream]}.yaml",
        "output_folder": output,
        "cache": json.dumps({"folder": str(cache)}),
        **grid,
        "lrs": "1e-3",
    }
    if upstream == "log-mel":
        given["layers"] = "0"  # it has no others
    else:
        given["upstream_overrides"] = json.dumps({"source": str(source)})
    own = [part for k, v in given.items() for part in (f"--{k}", str(v))]
    command = [FOLDER / "train.py", FOLDER / "hparams" / "probe.yaml", *own]
    open_search().main([*map(str, command), *flags])


def read_result(folder):
    """The metric of a finished search, and its chosen setting."""
    report = json.loads((folder / "grid.json").read_text(encoding="utf-8"))
    return report["monitor"], report["best"]


def shown(folder, *, with_state):
    """A cell of the table, and the name of the metric."""
    monitor, best = read_result(folder)
    test = best["test"][monitor]
    spread = "" if test["std"] is None else f" ± {100 * test['std']:.1f}"
    state = f" ({best['layer']})" if with_state else ""
    return f"{100 * test['mean']:.1f}{spread}{state}", monitor


def read_table(output):
    """Header and rows of all results."""
    heads = ["task", "classes", "metric", *UPSTREAMS]
    rows = []
    for task in DATA:
        cells, metrics = zip(
            *(
                shown(output / task / upstream, with_state=name != "mel")
                for upstream, name in UPSTREAMS.items()
            ),
            strict=True,
        )
        start = [task, str(len(LABELS[task])), metrics[0].replace("_", " ")]
        rows.append([*start, *cells])
    return heads, rows


def markdown(heads, rows):
    """A table as text."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_table(output, command):
    """Write ``probes.md`` of all results; its text."""
    table = markdown(*read_table(output))
    text = (
        f"{table}\n\nTest, in per cent: mean ± standard deviation over seeds of the "
        "probe (state chosen in validation).\n\n"
        f"    {command}\n"
    )
    (output / "probes.md").write_text(text, encoding="utf-8")
    return text


def main(arguments):
    """Make the data, probe, show the result."""
    options, flags = parse_arguments(arguments)
    begin = time.perf_counter()
    if not options.made:
        make_dataset(options.output / "pieces", hours=options.hours, seed=SEED)
        print(f"Pieces: {time.perf_counter() - begin:.0f} s", flush=True)
        make_notes(options.output / "notes")
        took = time.perf_counter() - begin
        print(f"Pieces and notes: {took:.0f} s", flush=True)
    data = options.output.resolve()
    for task, upstream in product(DATA, options.upstreams):
        print(f"\n{task}, {upstream}", flush=True)
        probe(
            task,
            upstream,
            data / task / upstream,
            data=data,
            cache=data / "cache",
            source=options.encoder.resolve(),
            grid={"layers": options.layers, "seeds": options.seeds},
            flags=flags,
        )
    columns = product(DATA, UPSTREAMS)
    if all((data.joinpath(*c) / "grid.json").is_file() for c in columns):
        command = shlex.join(["python", "probes.py", *arguments])
        print(f"\n{write_table(options.output, command)}")
    print(f"Done in {(time.perf_counter() - begin) / 60:.1f} minutes.")


if __name__ == "__main__":
    main(sys.argv[1:])
