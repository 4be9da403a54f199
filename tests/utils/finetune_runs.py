"""What the tests of the fine-tuning template share: sizes, and running it in place.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import logging
import os
import random
import re
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch

from mert_sb.inference.pretrainer import StrictPretrainer
from mert_sb.student import MERT

FOLDER = Path(__file__).parents[2] / "templates" / "finetune"
MODES = ("frozen", "lora", "full")
RATE = 24_000
TINY = {
    "conv_channels": 16,
    "ffn_dim": 64,
    "num_heads": 2,
    "position_kernel": 8,
    "position_groups": 4,
}
# All that could move features while training.
DROPS = dict.fromkeys(
    ("dropout", "attention_dropout", "activation_dropout", "input_dropout"), 0.5
) | {"layerdrop": 0.5}
# Rates at which random features learn in a few steps.
FLAGS = {
    "n_classes": 2,
    "embed_dim": 32,
    "num_layers": 2,
    "crop_seconds": 0.5,
    "batch_size": 4,
    "warmup_steps": 2,
    "lr": 0.02,
    "device": "cpu",
    "prepare": {"n_workers": 1, "min_seconds": 0.3},
    "train_dataloader_opts": {"num_workers": 0},
    "valid_dataloader_opts": {"num_workers": 0},
    "student": TINY,
}
RATES = {"frozen": {}, "lora": {"encoder_lr": 0.01}, "full": {}}


def write_tones(folder):
    """Six files of low tones, six of high ones, the last of each short."""
    rng = np.random.default_rng(0)
    for name, hertz in (("high", 1_760), ("low", 110)):
        (folder / name).mkdir()
        for index in range(6):
            seconds = 0.4 if index == 5 else 0.8
            time = np.arange(round(seconds * RATE)) / RATE
            tone = np.sin(2 * np.pi * hertz * rng.uniform(0.9, 1.1) * time)
            wav = 0.3 * tone + 0.01 * rng.standard_normal(len(time))
            soundfile.write(folder / name / f"{index}.wav", wav, RATE)


@contextlib.contextmanager
def no_trace():
    """Undo what a recipe does to the process it runs in."""
    root, hook, environ = logging.getLogger(), sys.excepthook, {**os.environ}
    handlers, level = [*root.handlers], root.level
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        for handler in {*root.handlers} - {*handlers}:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook = hook
        os.environ.clear()
        os.environ.update(environ)


def weights(brain):
    """Copies of everything a Brain holds."""
    state = brain.modules.state_dict()
    return {name: tensor.clone() for name, tensor in state.items()}


def original(pretrained, **settings):
    """The student that a run began with."""
    student = MERT(
        **TINY, **settings, embed_dim=32, num_layers=2, normalize_wavs=True
    )
    pretrainer = StrictPretrainer({"student": student}, source=pretrained)
    pretrainer.collect_files()
    pretrainer.load_collected()
    return student


def logged(output, kind, name):
    """A number's values in the training log."""
    text = (output / "train_log.txt").read_text()
    return [float(n) for n in re.findall(rf"{kind} {name}: ([-+.\de]+)", text)]


def newest(output):
    """The newest checkpoint's folder."""
    return max((output / "save").glob("CKPT*"))
