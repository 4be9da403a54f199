"""The tasks' YAMLs have the benchmark's numbers (MARBLE v1, base config).

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
    "GTZAN/beat": ("mix", 2, 100, 6, 20, 1e-3, "f_measure"),
    "GTZAN/beat_shift": ("mix", 2, 100, 6, 20, 1e-3, "f_measure"),
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
BEATS = ("beat", "beat_shift")
# With a head, a batch and metrics of its own.
SEPARATION = "MUSDB18/separation"
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
    given = {"data_folder": "x"}
    if name in BEATS:
        given["annotations_folder"] = "x"
    with no_trace():
        hparams = load_hparams(path, given)
    return request.param, hparams


def test_every_yaml_is_in_the_table():
    found = {
        f"{path.parents[1].name}/{path.stem}"
        for path in DOWNSTREAM.glob("*/hparams/*.yaml")
    }
    assert found == {*PROTOCOL, SEPARATION}


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


def test_beats_are_learned_and_decoded_as_in_the_benchmark():
    path = DOWNSTREAM / "GTZAN" / "hparams" / "beat.yaml"
    given = {"data_folder": "x", "annotations_folder": "x"}
    with no_trace():
        hparams = load_hparams(path, given)
    assert hparams["crop_seconds"] == 10.0
    family = hparams["family"]
    targets = family.targets([0.2], [0.2], 30, 75.0)
    torch.testing.assert_close(
        targets[15:20].T,
        torch.tensor([[1.0, 0.95, 0.5, 0.0, 0.0], [1.0, 0.95, 0.5, 0.25, 0.0]]),
    )
    decoder = vars(family.decoder)
    assert decoder == {
        "bpm": (55, 215),
        "beats_per_bar": (),
        "downbeat_bpm": (18, 72),
        "transition_lambda": 100,
        "observation_lambda": 16,
        "threshold": 0.0,
    }


def test_stems_are_learned_as_in_the_benchmark():
    path = DOWNSTREAM / "MUSDB18" / "hparams" / "separation.yaml"
    with no_trace():
        hparams = load_hparams(path, {"data_folder": "x"})
    epochs, family = hparams["epoch_counter"], hparams["family"]
    plateau = hparams["plateau"](
        hparams["opt_class"]([torch.nn.Parameter(torch.zeros(1))])
    )
    assert (epochs.limit, epochs.limit_to_stop) == (50, 5)
    assert (plateau.patience, plateau.mode, plateau.factor) == (2, "max", 0.5)
    assert (hparams["lr"], hparams["batch_size"]) == (1e-3, 32)
    assert family.MONITOR == "sdr"
    assert family.stems == ["vocals", "drums", "bass", "other"]
    assert (hparams["crop_seconds"], hparams["samples_per_song"]) == (6.0, 64)
    assert hparams["remix"] and hparams["gains"] == [0.25, 1.25]
    assert hparams["wiener"].settings == {
        "iterations": 1,
        "block_frames": 600,
        "mono": True,
    }
    assert hparams["n_fft"] == 2048
    mixes, heads = hparams["stem_mixes"](13), hparams["stem_heads"](768, 4)
    assert [mix.layer for mix in mixes] == [None] * 4
    lstm = heads[0].lstm
    assert (lstm.input_size, lstm.num_layers, lstm.dropout) == (512, 3, 0.4)
    # As the paper; the benchmark's code is one-way.
    assert lstm.bidirectional and lstm.hidden_size == 256
    prepare = hparams["prepare"]
    assert prepare["split"] == "musdb18" and not prepare["allow_missing"]
