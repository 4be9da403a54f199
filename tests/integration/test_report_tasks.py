"""Recipes run in small, and the pages of what they left.

Authors
 * The mert_sb developers 2026
"""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from mert_sb.downstream.beats.excerpt import read_excerpt
from mert_sb.downstream.beats.targets import read_beats
from mert_sb.inference.commands.main import main
from mert_sb.inference.report.kinds import build_page
from mert_sb.inference.report.pictures import Picture
from mert_sb.inference.report.projection import find_cache
from mert_sb.inference.report.task_files import read_run
from tests.utils.finetune_runs import no_trace
from tests.utils.task_folders import (
    DOWNSTREAM,
    make_sample,
    run_recipe,
    run_script,
    test_files,
)

PREPARE = {"n_workers": 1, "allow_missing": True}
# Data, its seconds, recipe, cutting, the figure of the family, and a label.
TASKS = {
    "genre": ("gtzan", 1.0, "GTZAN", {}, "confusion", "blues"),
    "mood": (
        *("mtg", 4.5, "MTG"),
        {"clip_seconds": 2.0, "min_tail_seconds": 0.3},
        *("tags", "action"),
    ),
    "emotion": ("emo", 10.5, "EMO", {"max_seconds": 9.0}, "ratings", "arousal"),
}


@pytest.fixture(scope="module", autouse=True)
def _process():
    with no_trace():
        yield


@pytest.fixture(scope="module", params=TASKS)
def trained(request, tmp_path_factory):
    name, seconds, recipe, cutting, figure, label = TASKS[request.param]
    folder = tmp_path_factory.mktemp(name)
    data = make_sample(name, folder / "data", seconds=seconds)
    run_recipe(
        recipe,
        f"{request.param}.yaml",
        "mel",
        folder / "out",
        data_folder=data,
        layer=0,
        prepare=PREPARE | cutting,
    )
    return SimpleNamespace(
        output=folder / "out",
        task=request.param,
        recipe=recipe,
        figure=figure,
        label=label,
    )


def pictures(page):
    return {b.name: b for b in page.blocks if isinstance(b, Picture)}


def test_the_page_is_that_of_the_run(trained):
    page = build_page([trained.output])
    assert page.title.startswith(f"{trained.recipe} {trained.task}")
    assert set(pictures(page)) == {"curves", trained.figure, "plane"}
    results = json.loads((trained.output / "results.json").read_text())
    monitor = read_run(trained.output).monitor
    value = f"{100 * results['test'][monitor]:.2f}"
    first = next(b for b in page.blocks if type(b).__name__ == "Table")
    assert first.rows[0][0].startswith(monitor.replace("_", " "))
    assert first.rows[0][2] == value
    epochs = pictures(page)["curves"].figure.axes[1].get_lines()[0]
    assert epochs.get_xdata().tolist() == [1, 2]


def test_outputs_have_their_names(trained):
    results = json.loads((trained.output / "results.json").read_text())
    task = json.loads((trained.output / "inference" / "task.json").read_text())
    assert results["labels"] == task["labels"]
    assert results["labels"][0] == trained.label


def test_the_caches_clips_are_found(trained):
    run = read_run(trained.output)
    assert find_cache(run).parent == trained.output / "cache"
    rows = (trained.output / "predictions.csv").read_text().splitlines()
    caption = pictures(build_page([trained.output]))["plane"].caption
    assert caption.startswith(f"{len(rows)} tracks")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A beat recipe's output, and its data."""
    folder = tmp_path_factory.mktemp("beats")
    data = make_sample("gtzan", folder / "data", seconds=2.0)
    flags = {
        "data_folder": data,
        "annotations_folder": data,
        "upstream": DOWNSTREAM / "upstreams" / "mel.yaml",
        "output_folder": folder / "out",
        "layer": 0,
        "number_of_epochs": 2,
        "crop_seconds": 1.0,
        "device": "cpu",
        "prepare": json.dumps(PREPARE),
    }
    given = [part for k, v in flags.items() for part in (f"--{k}", str(v))]
    recipe = DOWNSTREAM / "GTZAN"
    yaml = str(recipe / "hparams" / "beat.yaml")
    run_script(recipe / "train_beats.py", [yaml, "--noprogressbar", *given])
    return folder / "out", data


def test_an_excerpt_is_of_the_first_file_of_the_test(tracked):
    output, data = tracked
    excerpt = read_excerpt(output / "excerpt.npz")
    track = str(excerpt["track"])
    assert track == next(iter(test_files(output, data)))
    times, places = read_beats(output / "beats" / f"{track}.beats")
    inside = times < float(excerpt["seconds"])
    assert excerpt["beats"] == pytest.approx(times[inside], abs=6e-4)
    rows = json.loads((output / "save" / "test.json").read_text()).values()
    (row,) = [row for row in rows if row["track"] == track]
    true = [t for t in row["beats"] if 0 <= t < float(excerpt["seconds"])]
    assert len(true) > 0
    assert excerpt["true_beats"].tolist() == true
    # Two seconds and the tail.
    assert excerpt["spectrogram"].shape == (150, 80)
    assert excerpt["activations"].shape == (150, 2)
    assert np.ptp(excerpt["spectrogram"]) > 1


def test_beats_are_drawn_where_they_are(tracked, tmp_path):
    output, _ = tracked
    excerpt = read_excerpt(output / "excerpt.npz")
    picture = pictures(build_page([output]))["beats"]
    above = picture.figure.axes[0]
    drawn = {c.get_label(): c for c in above.collections}
    segments = drawn["true beats"].get_segments()
    times = [segment[0][0] for segment in segments]
    assert times == pytest.approx(excerpt["true_beats"].tolist())
    assert len(drawn["found beats"].get_segments()) == len(excerpt["beats"])
    # True ones above, found ones below.
    assert all(segment[:, 1].min() > 40 for segment in segments)
    assert str(excerpt["track"]) in picture.caption
    assert main(["report", str(output), "--output", str(tmp_path)]) == 0
    assert (tmp_path / "figures" / "beats.png").is_file()
