"""Beats of real songs, tracked by a head that has only heard minimusic.

> python beats.py --encoder ../../results/demo/pretraining-<mark>/encoder \
>     --songs /path/to/songs --batch_size 8 --lr 0.003 --number_of_epochs 5

Trains the head of ``recipes/downstream/GTZAN/hparams/beat.yaml`` on frames of the student,
and on log-mel bands as the plain rival, with pieces of ``make_dataset.py``. Then tracks the
songs, if any are given (see ``fretsonfire.py``), and prints how well, song by song;
``<output>/beats.md`` has it too. The same command goes on where a stopped run was; other flags
go to ``train_beats.py``.

Authors
 * The mert_sb developers 2026
"""

import argparse
import importlib
import json
import shlex
import sys
import time
from pathlib import Path

import numpy as np

from fretsonfire import find_songs, mix_stems, read_grid
from make_dataset import make_dataset
from mert_sb.audio.clips import write_clips
from mert_sb.audio.split import keep_splits, ranked_split
from mert_sb.downstream.beats.family import Beats
from mert_sb.downstream.beats.metrics import tempo
from mert_sb.downstream.beats.targets import bar_positions
from mert_sb.inference import BeatTracker
from mert_sb.inference.beats.files import write_tracked
from mert_sb.teachers.base import file_checksum

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "downstream" / "GTZAN"
# Column of the table: YAML of recipes/downstream/upstreams.
UPSTREAMS = {"pretrained": "mert", "log-mel": "mel"}
SHARES = {"test": 0.05, "valid": 0.05}
SEED = 2  # the demo's pieces are of seed 1
METRICS = {
    "f_measure": "F",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "downbeat_f_measure": "downbeat F",
}


def parse_arguments(arguments):
    """The command line, and what of it is for ``train_beats.py``."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--encoder", type=Path, required=True, help="make demo leaves one")
    add("--songs", type=Path, help="see fretsonfire.py; else none is tracked")
    add("--upstreams", default=",".join(UPSTREAMS), help="rows to fill")
    add("--made", action="store_true", help="pieces are there")
    add("--hours", type=float, default=2.0, help="of pieces")
    add("--output", type=Path, default=ROOT / "results" / "minimusic")
    options, flags = parser.parse_known_args(arguments)
    options.upstreams = options.upstreams.split(",")
    if unknown := set(options.upstreams) - set(UPSTREAMS):
        parser.error(
            f"--upstreams: {', '.join(sorted(unknown))} is none of "
            f"{', '.join(UPSTREAMS)}"
        )
    return options, flags


def open_recipe():
    """The recipe of GTZAN's beats, and its preparation."""
    if str(RECIPE) not in sys.path:
        sys.path.append(str(RECIPE))
    names = ("train_beats", "gtzan_beats_prepare")
    return [importlib.import_module(name) for name in names]


def prepare_pieces(
    data_folder, annotations_folder, save_folder, allow_missing, **options
):
    """Manifests of pieces, as ``prepare_gtzan_beats`` makes them of GTZAN.

    Arguments
    ---------
    data_folder : str or Path
        Made by ``make_dataset.py``.
    annotations_folder : str or Path
        The same.
    save_folder : str or Path
        Where the manifests go.
    allow_missing : bool
        Go on without audio that is not there.
    **options : dict
        For ``write_clips``.

    Returns
    -------
    dict
        From split to the path of its manifest.
    """
    table = Path(annotations_folder) / "labels.json"
    rows = json.loads(table.read_text(encoding="utf-8"))
    places = ranked_split(sorted(rows), shares=SHARES, seed=SEED)
    splits = {name: {} for name in ("train", "valid", "test")}
    for track, split in places.items():
        splits[split][f"audio/{track}.flac"] = {"track": track}
    keep_splits(
        save_folder,
        {path: name for name, files in splits.items() for path in files},
    )
    manifests = write_clips(
        data_folder,
        save_folder,
        splits,
        allow_missing=allow_missing,
        **options,
    )
    annotations = {}
    for track, row in rows.items():
        beats = np.array(row["beats"])
        annotations[track] = beats, bar_positions(beats, row["downbeats"])
    _, preparation = open_recipe()
    preparation.add_beats(manifests, annotations)
    return manifests


def train(upstream, options, flags):
    """Train a head, unless it is there; its inference folder."""
    output = options.output.resolve()
    folder = output / "beats" / upstream
    mark = {
        "encoder": file_checksum(options.encoder / "student.safetensors"),
        "hours": options.hours,
        "flags": flags,
    }
    made_with = folder / "made_with.json"
    if (folder / "inference" / "task.json").is_file():
        former = json.loads(made_with.read_text(encoding="utf-8"))
        if former != mark:
            raise ValueError(
                f"{folder} was made with {former}, not {mark}; give another --output"
            )
        return folder / "inference"
    given = {
        "data_folder": output / "pieces",
        "annotations_folder": output / "pieces",
        "output_folder": folder,
        "upstream": RECIPE.parent / "upstreams" / f"{UPSTREAMS[upstream]}.yaml",
    }
    if upstream == "log-mel":
        given["layer"] = 0
    else:
        source = str(options.encoder.resolve())
        given["upstream_overrides"] = json.dumps({"source": source})
    recipe, _ = open_recipe()
    own = [part for k, v in given.items() for part in (f"--{k}", str(v))]
    arguments = [str(RECIPE / "hparams" / "beat.yaml"), *own, *flags]
    brain = recipe.run(
        recipe.BeatBrain, prepare_pieces, recipe.dataio_prep, arguments
    )
    made_with.write_text(json.dumps(mark), encoding="utf-8")
    return recipe.export_beats(brain, Path(__file__).parent)


def track(tracker, songs, scratch):
    """Metrics of each song, and its tempo: as tracked, and of its notes."""
    scratch.mkdir(parents=True, exist_ok=True)
    family = Beats(loss="widened", decoder=tracker.hparams.decoder)
    found = {}
    for song in songs:
        wav = scratch / f"{song.name}.wav"
        reference = read_grid(song, mix_stems(song, wav))
        tracked = tracker.track_file(wav)
        write_tracked(wav.with_suffix(".beats"), tracked)
        estimate = tracked.beats, tracked.downbeats
        scores = family.measure([estimate], [reference])
        scores["tempo"] = f"{tracked.tempo:.1f} of {tempo(reference[0]):.1f}"
        found[song.name] = scores
    return found


def row(name, upstream, scores):
    """A line of the table."""
    cells = [f"{100 * scores[key]:.1f}" for key in METRICS]
    return " | ".join([name, upstream, *cells, scores["tempo"]])


def main(arguments):
    """Make pieces, train, track songs, show the result."""
    options, flags = parse_arguments(arguments)
    begin = time.perf_counter()
    songs = find_songs(options.songs) if options.songs else []
    if not options.made:
        make_dataset(options.output / "pieces", hours=options.hours, seed=SEED)
    rows = []
    for upstream in options.upstreams:
        folder = train(upstream, options, flags)
        tracker = BeatTracker.from_folder(folder)
        test = tracker.task.results["test"]
        test["tempo"] = f"{100 * test['tempo_accuracy']:.0f} % right"
        rows.append(row("minimusic, test", upstream, test))
        scratch = folder.parent / "songs"
        for name, scores in track(tracker, songs, scratch).items():
            rows.append(row(name, upstream, scores))
    heads = ["song", "states", *METRICS.values(), "tempo in bpm"]
    lines = [" | ".join(heads), " | ".join(["---"] * len(heads)), *sorted(rows)]
    text = "".join(f"| {line} |\n" for line in lines)
    command = shlex.join(["python", "beats.py", *arguments])
    text += f"\nIn per cent, F at 70 ms.\n\n    {command}\n"
    (options.output / "beats.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\n{(time.perf_counter() - begin) / 60:.1f} minutes.")


if __name__ == "__main__":
    main(sys.argv[1:])
