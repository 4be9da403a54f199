"""Inference folders of tasks: made up, or left by recipes that this process runs.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import csv
import importlib
import json
import runpy
import sys
from pathlib import Path

import pytest
import soundfile
import torch

from mert_sb.downstream.probe import ProbeHead, StateMix
from mert_sb.inference.task_card import task_card
from mert_sb.inference.tasks import Task, write_task
from tests.utils.originals import tiny_student
from tests.utils.source_tree import ROOT

DOWNSTREAM = ROOT / "recipes" / "downstream"
FLAGS = {
    "batch_size": 4,
    "number_of_epochs": 2,
    "device": "cpu",
    "prepare": {"n_workers": 1, "allow_missing": True},
    "cache": {"num_workers": 0},
}


@contextlib.contextmanager
def own_modules(folder):
    """The recipe's own modules can be imported, and are forgotten after."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        names = [path.stem for path in folder.glob("*_prepare.py")]
        yield patch
        for name in names:
            sys.modules.pop(name, None)


def run_recipe(dataset, hparams, upstream, output, **changed):
    """Run ``train.py`` as the command line does; its Brain."""
    folder = DOWNSTREAM / dataset
    flags = FLAGS | changed
    flags["upstream"] = DOWNSTREAM / "upstreams" / f"{upstream}.yaml"
    flags["output_folder"] = output
    cache = {"folder": f"{flags['output_folder']}/cache"}
    flags["cache"] = cache | flags.get("cache", {})
    arguments = [str(folder / "hparams" / hparams), "--noprogressbar"]
    for key, value in flags.items():
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        arguments += [f"--{key}"] if value is True else [f"--{key}", text]
    return run_script(folder / "train.py", arguments)


def run_script(script, arguments):
    """Run a recipe's script in this process; its Brain."""
    with own_modules(script.parent) as patch:
        patch.setattr(sys, "argv", [str(script), *arguments])
        return runpy.run_path(str(script), run_name="__main__")["brain"]


def make_sample(name, folder, **options):
    """A dataset in miniature."""
    module = importlib.import_module(f"tests.samples.make_{name}")
    getattr(module, f"make_{name}")(folder, **options)
    return folder


def predicted(output, n_outputs):
    """Outputs of each track of ``predictions.csv``."""
    with open(output / "predictions.csv", newline="") as file:
        return {
            row[0]: [float(cell) for cell in row[-n_outputs:]]
            for row in csv.reader(file)
        }


def test_files(output, data):
    """Path and number of clips of each track of the test set."""
    rows = json.loads((output / "save" / "test.json").read_text()).values()
    found = {}
    for row in rows:
        path = Path(row["wav"].format(data_root=data))
        _, count = found.get(row["track"], (path, 0))
        found[row["track"]] = path, count + 1
    return found


test_files.__test__ = False


CPU = {"device": "cpu"}
RATE = 24_000
SETTINGS = {
    "family": "single_label",
    "labels": ["rock", "pop", "jazz"],
    "layer": "mix",
    "sample_rate": RATE,
    "clip_seconds": 0.5,
    "min_tail_seconds": 0.2,
    "aggregation": "logits",
    "states_dtype": "float16",
    "upstream": {"kind": "mert"},
    "results": {"test": {"accuracy": 0.5}},
    "hidden_dim": 8,
}
MEL = {"upstream": {"kind": "mel_statistics", "n_mels": 16}, "layer": 0}


def write(folder, **changed):
    """A folder of a probe with random weights."""
    task = Task(**SETTINGS | changed)
    student = None
    n_states, dim = 1, 2 * task.upstream.get("n_mels", 0)
    if task.upstream["kind"] == "mert":
        student = tiny_student(normalize_wavs=True)
        n_states, dim = 3, 32
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = ProbeHead(dim, len(task.labels), hidden_dim=task.hidden_dim)
    mix = StateMix(n_states, task.layer)
    probe = torch.nn.ModuleDict({"mix": mix, "head": head}).state_dict()
    card = task_card(task, data="GTZAN")
    write_task(task, probe, student, folder, card)
    return folder


def noise(path, seconds, rate=RATE):
    """A file of noise."""
    generator = torch.Generator().manual_seed(0)
    wav = torch.randn(round(seconds * rate), generator=generator) / 10
    soundfile.write(path, wav.numpy(), rate)
    return path
