"""The twelve clip-level YAMLs have the benchmark's numbers (MARBLE v1, base config).

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.hparams import load_hparams
from tests.utils.finetune_runs import no_trace
from tests.utils.source_tree import ROOT

DOWNSTREAM = ROOT / "recipes" / "downstream"
# Layer, outputs, epochs, patience of the rate and of stopping, rate, metric.
PROTOCOL = {
    "MTT/tagging": ("mix", 50, 100, 3, 10, 1e-3, "roc_auc"),
    "GiantSteps/key": (8, 24, 100, 5, 20, 1e-3, "key_score"),
    "GTZAN/genre": (7, 10, 100, 6, 20, 5e-3, "accuracy"),
    "EMO/emotion": (5, 2, 100, 5, 20, 1e-3, "r2"),
    "NSynth/instrument": (6, 11, 50, 3, 10, 1e-3, "accuracy"),
    "NSynth/pitch": (1, 128, 50, 3, 10, 1e-3, "accuracy"),
    "VocalSet/technique": (9, 10, 100, 5, 10, 1e-3, "accuracy"),
    "VocalSet/singer": (2, 20, 100, 5, 20, 1e-3, "accuracy"),
    "MTG/instrument": ("mix", 40, 100, 3, 10, 1e-3, "roc_auc"),
    "MTG/mood": (6, 56, 100, 3, 10, 1e-3, "roc_auc"),
    "MTG/genre": (7, 87, 100, 3, 10, 1e-3, "roc_auc"),
    "MTG/top50": (6, 50, 100, 3, 10, 1e-3, "roc_auc"),
}
# Seconds of a window, and of the shortest last one that is kept.
WINDOWS = {
    "GiantSteps/key": (30.0, None),
    "EMO/emotion": (5.0, 1.0),
    **{
        f"MTG/{task}": (30.0, 1.0)
        for task in ("instrument", "mood", "genre", "top50")
    },
}


@pytest.fixture(params=PROTOCOL)
def task(request):
    recipe, name = request.param.split("/")
    path = DOWNSTREAM / recipe / "hparams" / f"{name}.yaml"
    with no_trace():
        hparams = load_hparams(path, "data_folder: x")
    return request.param, hparams


def test_every_yaml_is_in_the_table():
    found = {
        f"{path.parents[1].name}/{path.stem}"
        for path in DOWNSTREAM.glob("*/hparams/*.yaml")
    }
    assert found == set(PROTOCOL)


def test_probes_are_trained_as_in_the_benchmark(task):
    name, hparams = task
    optimizer = hparams["opt_class"]([torch.nn.Parameter(torch.zeros(1))])
    assert type(optimizer) is torch.optim.Adam
    plateau = hparams["plateau"](optimizer)
    epochs = hparams["epoch_counter"]
    assert PROTOCOL[name] == (
        hparams["layer"],
        hparams["family"].n_outputs,
        epochs.limit,
        plateau.patience,
        epochs.limit_to_stop,
        hparams["lr"],
        hparams["family"].MONITOR,
    )
    assert (plateau.mode, plateau.factor) == ("max", 0.5)
    assert hparams["batch_size"] == 64
    head = hparams["head"](8, 3)
    assert (head[0].out_features, head[2].p) == (512, 0.2)
    assert hparams["upstream"] == "../upstreams/mert.yaml"


def test_tracks_are_cut_as_in_the_benchmark(task):
    name, hparams = task
    prepare = hparams["prepare"]
    found = (prepare.get("clip_seconds"), prepare.get("min_tail_seconds"))
    assert found == WINDOWS.get(name, (None, None))
    assert prepare.get("max_seconds") == (45.0 if "EMO" in name else None)
    assert prepare.get("task") == (
        name.split("/")[1] if name[:3] in ("NSy", "Voc", "MTG") else None
    )
    assert not prepare["allow_missing"]
