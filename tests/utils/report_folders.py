"""Output folders of downstream runs and grids in small, as the recipes leave them.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
from types import SimpleNamespace

import numpy as np

from mert_sb.downstream.clip import ClipBrain
from mert_sb.downstream.grid import Setting
from mert_sb.downstream.grid_table import choose, csv_rows, summarize

UPSTREAM = {
    "upstream": "PooledStates",
    "settings": {"num_layers": 2},
    "sample_rate": 24_000,
    "weights": "0123456789abcdef",
}
YAML = """# Generated 2026-01-01 from:
# /somewhere/{recipe}/hparams/{task}.yaml
base:
  task: {task}
  output_folder: {folder}
  upstream: ../upstreams/mert.yaml
  cache:
    folder: {cache}
family: !new:mert_sb.downstream.families.SingleLabel
  n_outputs: 2
"""


def settings_of(family, **changed):
    """The setup of a run."""
    return {
        "upstream": UPSTREAM,
        "data": "a",
        "family": repr(family),
        "head": "ProbeHead",
        "cached": True,
        "layer": "mix",
        "lr": 0.001,
        "seed": 1,
    } | changed


def write_log(folder, monitor, values):
    """A training log of as many epochs as values."""
    lines = [
        f"Epoch: {epoch} - train loss: {3 / epoch:.4f}, train lr_head: 1.0000e-03 - "
        f"valid loss: {4 / epoch:.4e}, valid {monitor}: {value:.4f}"
        for epoch, value in enumerate(values, 1)
    ]
    lines.append("Epoch loaded: 2 - test loss: 1.0")
    (folder / "train_log.txt").write_text("\n".join(lines) + "\n")


def write_results(folder, family, test, *, labels=None, facts=None, **setup):
    """``results.json``; the test's numbers are the validation's too."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {
        "valid": test,
        "test": test,
        "epoch": 2,
        "weights_of_states": [0.0, 0.75, 0.25],
        **({} if labels is None else {"labels": list(labels)}),
        **(facts or {}),
        "setup": settings_of(family, **setup),
    }
    (folder / "results.json").write_text(json.dumps(results))
    return results


def write_run(
    folder,
    family,
    outputs,
    targets,
    tracks,
    *,
    recipe="GTZAN",
    task="genre",
    cache="cache",
    named_folder=None,
    **options,
):
    """A run with real metrics and predictions; its ``results.json``."""
    test = {"loss": 0.5, **family.measure(outputs, targets, tracks)}
    results = write_results(folder, family, test, **options)
    brain = SimpleNamespace(
        hparams=SimpleNamespace(family=family),
        _gathered=lambda: (outputs, targets, tracks),
    )
    ClipBrain.write_predictions(brain, folder)
    write_log(folder, family.MONITOR, [0.25, 0.5, 0.375])
    text = YAML.format(
        recipe=recipe, task=task, cache=cache, folder=named_folder or folder
    )
    (folder / "hyperparams.yaml").write_text(text)
    return results


def some_classes(n_classes=3, n_tracks=12, seed=0):
    """Outputs, targets and tracks of a task that is half learned, clips in pairs."""
    dice = np.random.default_rng(seed)
    targets = np.repeat(np.arange(n_tracks) % n_classes, 2)
    outputs = dice.normal(size=(2 * n_tracks, n_classes))
    outputs[np.arange(2 * n_tracks), targets] += 0.6
    tracks = [f"t{index // 2:02d}" for index in range(2 * n_tracks)]
    return outputs, targets, tracks


def write_grid(
    folder, family, layers=("mix", 0, 1), lrs=(0.001, 0.01), **options
):
    """A grid of two seeds on three classes; its summaries and the chosen one."""
    summaries, seeds = [], (1, 2)
    for number, (layer, lr) in enumerate((n, r) for n in layers for r in lrs):
        setting, results = Setting(layer, lr), []
        for seed in seeds:
            results.append(
                write_run(
                    folder / setting.name / str(seed),
                    family,
                    *some_classes(family.n_outputs, seed=10 * number + seed),
                    layer=layer,
                    lr=lr,
                    seed=seed,
                    **options,
                )
            )
        summaries.append(summarize(setting, results))
    rows = csv_rows(summaries, family.MONITOR)
    with open(folder / "grid.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    best = choose(summaries, family.MONITOR, len(seeds))
    report = {"monitor": family.MONITOR, "settings": len(summaries)}
    report |= {"seeds": list(seeds), "best": best}
    (folder / "grid.json").write_text(json.dumps(report))
    return summaries, best
