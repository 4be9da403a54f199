"""Longer contexts in whole runs: from a model of short clips, and whole songs.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest
import soundfile
from safetensors.numpy import load_file

from tests.integration.launch import FLAGS, command, finish, kill_when
from tests.samples.make_samples import tones

SECONDS = (6.3, 8.0, 7.1, 9.7, 6.9, 8.8)
WHOLE = {
    "crop_frames": "null",
    "batch_size": 1,
    "grad_accumulation_factor": 2,
    "number_of_epochs": 2,
    "prepare": FLAGS["prepare"].replace(": 2.0", ": null"),
    "mixture": "{probability: 0.0}",
    "student": FLAGS["student"].replace(
        "{",
        "{attention_window: 37, global_frames: 2, checkpoint_layers: True, ",
    ),
}


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Songs of differing length."""
    folder = tmp_path_factory.mktemp("songs")
    rng = np.random.default_rng(0)
    for index, seconds in enumerate(SECONDS):
        path = folder / f"{index}.wav"
        soundfile.write(path, tones(rng, 24_000, 1, seconds), 24_000)
    return folder


def weights(output):
    return load_file(output / "encoder" / "student.safetensors")


def same(first, second):
    assert first.keys() == second.keys()
    return [np.array_equal(first[name], second[name]) for name in first]


def test_a_model_of_short_clips_goes_on_with_long_ones(songs, tmp_path):
    first, second, third = (tmp_path / name for name in "abc")
    short = {
        "crop_frames": 149,
        "optimizer_step_limit": 2,
        "prepare": FLAGS["prepare"].replace("min_seconds: 1", "min_seconds: 2"),
    }
    finish(command("train.py", songs, first, **short))
    long = {
        "crop_frames": 449,
        "batch_size": 2,
        "pretrained": first / "encoder",
        "student": WHOLE["student"],
        "prepare": FLAGS["prepare"].replace(
            "min_seconds: 1.0, segment_seconds: 2.0",
            "min_seconds: 6.1, segment_seconds: 6.1",
        ),
    }
    printed = finish(
        command("train.py", songs, second, **long, number_of_epochs=0)
    )
    assert "attention_window: None, goes on with 37" in printed
    assert "global_frames: 0, goes on with 2" in printed
    assert all(same(weights(second), weights(first)))
    finish(command("train.py", songs, third, **long, optimizer_step_limit=2))
    assert not any(same(weights(third), weights(first)))
    settings = (third / "encoder" / "hyperparams.yaml").read_text()
    assert "attention_window: 37" in settings


def test_whole_songs_killed_in_mid_epoch_end_with_the_same_weights(
    songs, tmp_path
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(command("train.py", songs, whole, **WHOLE))
    rows = json.loads((whole / "save" / "train.json").read_text())
    lengths = {row["length"] for row in rows.values()}
    assert len(lengths) == len(rows) == 5
    assert min(lengths) > 6 * 24_000
    arguments = command(
        "train.py", songs, killed, **WHOLE, ckpt_interval_steps=1
    )
    log = killed / "log.txt"

    def second_epoch_has_begun():
        text = log.read_text() if log.exists() else ""
        return "step: 3 " in text.partition("Going into epoch 2")[2]

    kill_when(arguments, second_epoch_has_begun)
    assert not (killed / "encoder").exists()
    printed = finish(arguments)
    assert "Loading a checkpoint from" in printed
    assert all(same(weights(killed), weights(whole)))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"batch_size": 4}, "Say batch_size: 1"),
        ({"mixture": FLAGS["mixture"]}, "mixture.probability: 0.5"),
        ({"stored": "{mel_rvq: shelf}"}, "stored: targets are stored for"),
    ],
)
def test_what_whole_songs_cannot_have_is_named(songs, tmp_path, flags, message):
    flags = WHOLE | {"number_of_epochs": 0} | flags
    arguments = command("train.py", songs, tmp_path / "a", **flags)
    assert message in finish(arguments, code=1)
