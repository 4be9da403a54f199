"""The grid of a clip-level task: complete, on one cache, continued, and told.

Authors
 * The mert_sb developers 2026
"""

import csv
import gc
import importlib.util
import json
import shutil
import statistics
import sys
from types import SimpleNamespace

import pytest

from mert_sb.audio import survey
from mert_sb.downstream import cache, grid_runs
from mert_sb.downstream.clip import ClipBrain
from mert_sb.inference import export_student
from tests.samples.make_gtzan import DAMAGED, make_gtzan
from tests.utils.finetune_runs import no_trace
from tests.utils.originals import tiny_student
from tests.utils.source_tree import ROOT

DOWNSTREAM = ROOT / "recipes" / "downstream"
RECIPE = DOWNSTREAM / "GTZAN"


@pytest.fixture(scope="module", autouse=True)
def _process():
    with no_trace(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        yield
        sys.modules.pop("gtzan_prepare", None)


@pytest.fixture(scope="module")
def search():
    """The script."""
    path = DOWNSTREAM / "search.py"
    spec = importlib.util.spec_from_file_location("search", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    make_gtzan(folder, seconds=1.0)
    return folder


@pytest.fixture(scope="module")
def flags(music, tmp_path_factory):
    """Makes those of the recipe, for a miniature and a tiny student."""
    folder = tmp_path_factory.mktemp("made") / "encoder"
    student = tiny_student(conv_norm="layer", normalize_wavs=True)
    source = str(export_student(student, folder))
    settings = {
        "data_folder": music,
        "upstream_overrides": {"source": source},
        "batch_size": 5,
        "number_of_epochs": 3,
        "device": "cpu",
        "prepare": {"n_workers": 1, "allow_missing": True},
        "cache": {"num_workers": 0},
    }

    def flags(**changed):
        arguments = ["--noprogressbar"]
        for key, value in (settings | changed).items():
            text = json.dumps(value) if isinstance(value, dict) else str(value)
            arguments += [f"--{key}", text]
        return arguments

    return flags


@pytest.fixture(scope="module")
def run_grid(search, flags):
    def run_grid(output, layers="1,mix", lrs="5e-3,1e-2", **changed):
        search.main(
            [
                str(RECIPE / "train.py"),
                str(RECIPE / "hparams" / "genre.yaml"),
                *("--output_folder", str(output)),
                *("--layers", layers),
                *("--lrs", lrs),
                *("--seeds", "1,2"),
                *flags(**changed),
            ]
        )

    return run_grid


@pytest.fixture(scope="module")
def grid(run_grid, tmp_path_factory):
    output = tmp_path_factory.mktemp("grid")
    run_grid(output)
    return output


def results(grid, name, seed):
    path = grid / name / str(seed) / "results.json"
    return json.loads(path.read_text())


def test_the_table_is_of_all_settings_and_seeds(grid):
    with open(grid / "grid.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [f"{row['layer']}-{row['lr']}" for row in rows]
    assert names == ["1-0.005", "1-0.01", "mix-0.005", "mix-0.01"]
    for name, row in zip(names, rows, strict=True):
        runs = [results(grid, name, seed) for seed in (1, 2)]
        assert row["seeds"] == "2"
        for part in ("valid", "test"):
            numbers = [run[part]["accuracy"] for run in runs]
            mean, std = statistics.fmean(numbers), statistics.stdev(numbers)
            assert float(row[f"{part}_accuracy_mean"]) == pytest.approx(mean)
            assert float(row[f"{part}_accuracy_std"]) == pytest.approx(std)
    assert len({row["test_loss_mean"] for row in rows}) == 4


def test_the_best_in_validation_is_reported(grid):
    report = json.loads((grid / "grid.json").read_text())
    with open(grid / "grid.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    best = max(rows, key=lambda row: float(row["valid_accuracy_mean"]))
    assert str(report["best"]["layer"]) == best["layer"]
    assert report["best"]["lr"] == float(best["lr"])
    assert report["best"]["test"]["accuracy"]["mean"] == float(
        best["test_accuracy_mean"]
    )
    assert (report["monitor"], report["seeds"]) == ("accuracy", [1, 2])


def test_runs_leave_results_and_one_cache(grid):
    (shelf,) = (grid / "cache").glob("*/shelf.json")
    assert not (grid / "opened").exists()
    for name in ("1-0.005", "mix-0.01"):
        folder = grid / name / "2"
        assert (folder / "predictions.csv").is_file()
        assert not (folder / "save").exists()
    assert sum(results(grid, "1-0.01", 1)["weights_of_states"]) == 1.0
    assert results(grid, "1-0.01", 1)["weights_of_states"][1] == 1.0


def test_it_goes_on_where_it_was(run_grid, grid, search, monkeypatch, capsys):
    gone = grid / "mix-0.01" / "2" / "results.json"
    before = results(grid, "mix-0.01", 2)
    gone.unlink()
    runs, run = [], search.run

    def counted(*arguments):
        runs.append(arguments[-1])
        return run(*arguments)

    monkeypatch.setattr(search, "run", counted)

    examined, examine_all = [], survey.examine_all

    def noted(folder, paths, **options):
        examined.extend(paths)
        return examine_all(folder, paths, **options)

    # Neither audio is examined nor a clip encoded again.
    monkeypatch.setattr(cache, "_encode", None)
    monkeypatch.setattr(survey, "examine_all", noted)
    run_grid(grid)
    assert len(runs) == 1
    # What cannot be opened is tried each time.
    assert examined == [f"genres/{DAMAGED}.wav"]
    assert results(grid, "mix-0.01", 2) == before
    assert "4 settings" in capsys.readouterr().out
    run_grid(grid)
    assert len(runs) == 1


def test_a_run_alone_gives_the_same(grid, search, flags, tmp_path):
    recipe = grid_runs.open_recipe(RECIPE / "train.py")
    more = flags(layer="mix", lr=0.01, seed=1, output_folder=tmp_path)
    arguments = [str(RECIPE / "hparams" / "genre.yaml"), *more]
    brain = search.run(*recipe, arguments)
    assert brain.results == results(grid, "mix-0.01", 1)


def test_runs_at_once_give_the_same(run_grid, grid, tmp_path, monkeypatch):
    here, finish = [], grid_runs._finish

    def noted(run, script, task, **options):
        here.append(task.folder)
        return finish(run, script, task, **options)

    # Other processes look it up by its name, and are not patched.
    noted.__module__, noted.__qualname__ = grid_runs.__name__, "_finish"
    monkeypatch.setattr(grid_runs, "_finish", noted)
    run_grid(tmp_path, jobs=2)
    assert here == [tmp_path / "1-0.005" / "1"]
    expected = (grid / "grid.csv").read_text()
    assert (tmp_path / "grid.csv").read_text() == expected
    assert not list(tmp_path.glob("*/*/save"))


def test_all_layers_are_those_of_the_upstream(run_grid, tmp_path):
    run_grid(
        tmp_path,
        layers="all",
        lrs="1e-2",
        upstream=DOWNSTREAM / "upstreams" / "mel.yaml",
        upstream_overrides={},
    )
    names = {path.parent.parent.name for path in tmp_path.glob("*/*/log.txt")}
    assert names == {"0-0.01"}
    assert json.loads((tmp_path / "grid.json").read_text())["settings"] == 1


def test_no_run_outlives_itself(run_grid, search, tmp_path, monkeypatch):
    alive, run = [], search.run

    def counted(*arguments):
        found = [o for o in gc.get_objects() if type(o) is ClipBrain]
        alive.append(len(found))
        return run(*arguments)

    monkeypatch.setattr(search, "run", counted)
    gc.collect()
    run_grid(tmp_path, layers="mix", lrs="1e-2")
    assert alive == [0, 0]


def test_other_flags_are_refused(run_grid, grid):
    with pytest.raises(ValueError, match="flags.json: this was begun"):
        run_grid(grid, number_of_epochs=4)


def test_a_comment_is_no_other_yaml(search, flags, tmp_path):
    made = []
    for text in ("base: 1  # one\n", "# Two\nbase: 1\n", "base: 2\n"):
        path = tmp_path / "a.yaml"
        path.write_text(text)
        options = SimpleNamespace(
            hparams_file=str(path), output_folder=tmp_path
        )
        search._check_folder(options, ["--noprogressbar"], {})
        made.append(json.loads((tmp_path / "flags.json").read_text())["yaml"])
        (tmp_path / "flags.json").unlink()
    assert made[0] == made[1] != made[2]


def test_another_upstream_under_the_same_flags_is_refused(run_grid, tmp_path):
    upstream = tmp_path / "mel.yaml"
    text = (DOWNSTREAM / "upstreams" / "mel.yaml").read_text()
    upstream.write_text(text)
    given = {"layers": "0", "upstream": upstream, "upstream_overrides": {}}
    run_grid(tmp_path / "grid", lrs="1e-2", **given)
    upstream.write_text(text.replace("n_mels: 128", "n_mels: 64"))
    with pytest.raises(ValueError, match="begun with another upstream"):
        run_grid(tmp_path / "grid", lrs="1e-2,5e-3", **given)


def test_data_that_changed_in_between_are_refused(run_grid, music, tmp_path):
    data = tmp_path / "music"
    shutil.copytree(music, data)
    given = {
        "layers": "0",
        "upstream": DOWNSTREAM / "upstreams" / "mel.yaml",
        "upstream_overrides": {},
        "data_folder": data,
    }
    run_grid(tmp_path / "grid", lrs="1e-2", **given)
    (data / "genres" / "pop" / "pop.00000.wav").unlink()
    with pytest.raises(ValueError, match="0-0.005: its runs, or those before"):
        run_grid(tmp_path / "grid", lrs="1e-2,5e-3", **given)


@pytest.mark.parametrize("flag", ["debug", "test_only"])
def test_half_runs_are_refused(run_grid, tmp_path, flag, capsys):
    with pytest.raises(SystemExit):
        run_grid(tmp_path, **{flag: True})
    assert f"--{flag}: a grid trains and tests" in capsys.readouterr().err
    assert not (tmp_path / "flags.json").exists()


@pytest.mark.parametrize("name", ["layer", "lr", "seed", "save_folder"])
def test_what_the_grid_sets_is_refused(run_grid, tmp_path, name, capsys):
    with pytest.raises(SystemExit):
        run_grid(tmp_path, **{name: 1})
    assert f"--{name}: the grid sets it" in capsys.readouterr().err


def test_a_layer_that_is_not_there_is_refused(run_grid, tmp_path):
    with pytest.raises(ValueError, match="--layers: 3 is none of mix"):
        run_grid(tmp_path, layers="1,3")
    assert not (tmp_path / "flags.json").exists()
