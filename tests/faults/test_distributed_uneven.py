"""Rows that cannot be divided evenly: no rank waits, no test row counts twice.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import sys
from pathlib import Path

import pytest

from tests.faults.distributed_runs import (
    await_end,
    masks,
    none_left,
    prepared_copy,
    probe,
    torchrun,
)
from tests.faults.report import note
from tests.integration.launch import command
from tests.samples.make_gtzan import make_gtzan
from tests.utils.source_tree import ROOT

GTZAN = ROOT / "recipes" / "downstream" / "GTZAN"
LIMIT = 600  # seconds, against hanging


@pytest.fixture
def output(prepared, tmp_path):
    return prepared_copy(prepared, tmp_path)


@pytest.mark.parametrize("drop_last", [True, False])
def test_ranks_make_as_many_steps(music, prepared, output, drop_last):
    rows = set(json.loads((prepared / "save" / "train.json").read_text()))
    assert len(rows) % 4
    options = f"{{num_workers: 0, batch_size: 1, drop_last: {drop_last}}}"
    arguments = probe(
        music, output, 4, train_dataloader_opts=options, number_of_epochs=1
    )
    await_end(arguments, LIMIT, 0)
    assert none_left(output)
    seen = [masks(output, rank) for rank in range(4)]
    assert len({len(steps) for steps in seen}) == 1
    ids = [item for steps in seen for part in steps.values() for item in part]
    if drop_last:
        assert len(set(ids)) == len(ids) > len(rows) - 4
    else:
        assert set(ids) == rows and len(ids) < len(rows) + 4
    note(f"4 ranks, {len(rows)} rows, drop_last {drop_last}", 1, 0)


def test_too_few_rows_are_named_by_all_ranks(music, output):
    options = "{num_workers: 0, batch_size: 9}"
    arguments = probe(music, output, 3, train_dataloader_opts=options)
    printed = await_end(arguments, LIMIT)
    assert "on 3 processes make 0 batches of 9 and not one step" in printed
    assert none_left(output)
    note("too few rows for 3 ranks", 1, 0)


def shelf(folder):
    """All files of a shelf, and what is in them."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def test_processes_extract_what_one_does(music, prepared, tmp_path):
    found = {}
    # Of six processes some have no shard to fill.
    for processes in (1, 2, 6):
        output = prepared_copy(prepared, tmp_path / str(processes))
        folder = tmp_path / str(processes) / "shelf"
        arguments = command(
            "extract_targets.py",
            music,
            output,
            crop_step=37,
            stored=f"{{mel_rvq: {folder}}}",
            extraction="{shard_size: 4, num_workers: 0}",
            distributed_backend="gloo",
        )
        await_end(torchrun(arguments, processes), LIMIT, 0)
        found[processes] = shelf(folder)
    assert len(found[1]) > 20
    for processes in (2, 6):
        assert found[processes] == found[1]
        note(f"{processes} processes extract", len(found[1]), 0)


def task(music, output, *more):
    """GTZAN's genres, on log-mel statistics."""
    flags = {
        "data_folder": music,
        "output_folder": output,
        "upstream": "../upstreams/mel.yaml",
        "layer": 0,
        "batch_size": 3,
        "number_of_epochs": 4,
        "prepare": "{n_workers: 1, allow_missing: True}",
        "cache": f"{{num_workers: 0, folder: {output}/cache}}",
        "distributed_backend": "gloo",
        "device": "cpu",
    }
    given = [f"--{key}={value}" for key, value in flags.items()]
    script, yaml = GTZAN / "train.py", GTZAN / "hparams" / "genre.yaml"
    return [sys.executable, str(script), str(yaml), *given, *more]


def test_each_test_row_counts_once(tmp_path):
    music, output = tmp_path / "music", tmp_path / "run"
    make_gtzan(music, seconds=1.0)
    await_end(torchrun(task(music, output), 3), LIMIT, 0)
    assert none_left(output)
    three = json.loads((output / "results.json").read_text())
    with open(output / "predictions.csv", newline="") as file:
        tracks = [row[0] for row in csv.reader(file)]
    rows = json.loads((output / "save" / "test.json").read_text())
    expected = {row["track"] for row in rows.values()}
    assert len(tracks) == len(set(tracks)) and set(tracks) == expected
    predictions = (output / "predictions.csv").read_text()
    (output / "results.json").unlink()
    await_end(task(music, output, "--test_only"), LIMIT, 0)
    one = json.loads((output / "results.json").read_text())
    assert one["test"] == pytest.approx(three["test"], rel=1e-6)
    assert (output / "predictions.csv").read_text() == predictions
    note("3 processes' test against one's", len(tracks), 0)
