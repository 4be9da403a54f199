"""Teachers side by side: pretrain with each, probe, and write one table and one figure.

> cd templates/minimusic
> AF=../../recipes/pretrain/AudioFolder
> python compare.py --runs mel-rvq-cqt=$AF/hparams/cpu.yaml $AF/teachers/*.yaml
> python compare.py --runs "$AF/hparams/cpu.yaml" "fast=$AF/teachers/cqt.yaml --lr 0.004" \
>     --music /path/to/folder --steps 2000 --output ../../results/mine --precision bf16

Each YAML is pretrained by ``recipes/pretrain/AudioFolder/train.py``, all with the same seed,
steps and music (the demo's, if none is given), into ``<output>/<name>``; its encoder is then
probed on minimusic as ``probes.py`` does. Rivals are the same students untrained and
statistics of log-mel bands. Flags that are none of these go to ``train.py``; those of one run
stand in quotes beside its YAML. ``--small`` brings YAMLs of Music4ALL to the sizes of
``cpu.yaml``. ``compare.md`` and ``compare.png`` are written after each run. Stopped, it goes on
with the same command; of a run whose YAML, flags or music changed since it says so and stops.

Authors
 * The mert_sb developers 2026
"""

import argparse
import shlex
import sys
from pathlib import Path

from comparison import Row, Score, draw, markdown
from demo import HOURS
from make_dataset import make_dataset
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.report.figures import open_figure
from notes import make_notes
from probes import DATA, ROOT, SEED, probe, read_result
from runs import begun_with, describe, mark_of, read_runs, train_once
from small import read_flags

RATE = 24_000  # of log-mel statistics


def parse_arguments(arguments):
    """The command line, and what of it is for ``train.py``."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--runs", nargs="+", required=True, metavar="[NAME=]YAML[ FLAGS]")
    add("--music", type=Path, help="a folder; the demo's pieces if omitted")
    add("--steps", type=int, default=900, help="of each pretraining")
    add("--precision", default="fp32", help="of each pretraining")
    add("--small", action="store_true", help="sizes of cpu.yaml")
    add("--tasks", default="key,instrument,pitch")
    add("--layers", default="all", help="see search.py")
    add("--seeds", default="1,2,3", help="of the probes")
    add("--probe_flags", default="", help="for the probes' train.py, quoted")
    add("--hours", type=float, default=4.0, help="of pieces to probe on")
    results = ROOT / "results"
    add("--data", type=Path, default=results / "minimusic", help="to probe on")
    add("--output", type=Path, default=results / "compare")
    options, flags = parser.parse_known_args(arguments)
    options.tasks = options.tasks.split(",")
    if unknown := [task for task in options.tasks if task not in DATA]:
        parser.error(
            f"--tasks: {', '.join(unknown)} is none of {', '.join(DATA)}"
        )
    if options.music and not options.music.is_dir():
        parser.error(f"--music: there is no folder {options.music}")
    try:
        open_figure()
        runs = read_runs(options, read_flags(flags))
    except (ImportError, ValueError) as error:
        parser.error(str(error))
    return options, runs


def make_music(options):
    """What to pretrain on, and what to probe on."""
    kinds = {DATA[task] for task in options.tasks}
    if "pieces" in kinds:
        make_dataset(options.data / "pieces", hours=options.hours, seed=SEED)
    if "notes" in kinds:
        make_notes(options.data / "notes")
    if options.music:
        return options.music
    folder = ROOT / "results" / "demo" / "minimusic"
    make_dataset(folder, hours=HOURS)
    return folder / "audio"


def probe_all(upstream, folder, source, options):
    """Scores by task of an upstream."""
    rate = RATE
    if upstream != "log-mel":
        rate = read_checkpoint(source).settings["sample_rate"]
    flags = ["--sample_rate", str(rate), *shlex.split(options.probe_flags)]
    scores = {}
    for task in options.tasks:
        known = source
        if upstream == "untrained":
            known = begun_with(folder / task) or source
        probe(
            task,
            upstream,
            folder / task,
            data=options.data.resolve(),
            # Untrained students of other settings may have the same weights.
            cache=options.data.resolve() / "cache" / folder.name,
            source=known,
            grid={"layers": options.layers, "seeds": options.seeds},
            flags=flags,
        )
        metric, best = read_result(folder / task)
        state = "" if upstream == "log-mel" else str(best["layer"])
        test = best["test"][metric]
        scores[task] = Score(metric=metric, state=state, **test)
    return scores


def write(rows, options, command):
    """Write ``compare.md`` and ``compare.png``; the text."""
    # Rivals below the runs.
    rows = sorted(rows, key=lambda row: row.rival)
    text = (
        f"{markdown(rows)}\n\nTest, in per cent: mean ± standard deviation over seeds "
        f"of the probe (state chosen in validation). {options.steps} steps of "
        f"pretraining each.\n\n![scores by task](compare.png)\n\n    {command}\n"
    )
    (options.output / "compare.md").write_text(text, encoding="utf-8")
    draw(rows, options.output / "compare.png")
    return text


def main(arguments):
    """Pretrain, probe, show; after each run what there is so far."""
    options, runs = parse_arguments(arguments)
    command = shlex.join(["python", "compare.py", *arguments])
    music, output = make_music(options).resolve(), options.output.resolve()
    for run in runs:
        # What is wrong with the last is said before the first is trained.
        describe(run, music, output)
    rows = {}
    for run in runs:
        trained = train_once(run, music, output)
        encoder = output / run.name / "encoder"
        untrained = f"untrained-{mark_of(encoder)}"
        for folder, upstream, numbers in (
            ("rivals/log-mel", "log-mel", {}),
            (f"rivals/{untrained}", "untrained", {}),
            (f"{run.name}/probes", "pretrained", trained),
        ):
            if folder not in rows:
                name = run.name if numbers else upstream
                known = {row.name for row in rows.values()}
                # A student of other settings has a start of its own.
                name = f"{name} ({run.name})" if name in known else name
                print(f"\n{name}", flush=True)
                scores = probe_all(upstream, output / folder, encoder, options)
                rows[folder] = Row(name=name, scores=scores, **numbers)
        text = write(list(rows.values()), options, command)
        print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
