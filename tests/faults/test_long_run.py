"""10,000 steps of the small student: nothing grows, and it stays as fast.

Authors
 * The mert_sb developers 2026
"""

import re
import statistics
import sys

import numpy as np
import pytest
import soundfile

from tests.faults.report import note
from tests.faults.watching import tenths, watch
from tests.integration.launch import RECIPE, start
from tests.samples.make_samples import tones

STEPS = 10_000
# 12 files of 100 s in rows of 2 s: an epoch has some 270 steps, and ends with a validation,
# a checkpoint and the end of the loaders' workers. Two clips of half a second a step, and
# AdamW, which takes a twentieth of Muon's time: a quarter of an hour of one core. It
# stops at the recipe's rate, which is Muon's: its states collapse.
FILES, SECONDS, EPOCH_ROWS = 12, 100, 2.0
LIMIT = 7200  # of a run that hangs, in seconds
# A last tenth may be larger than the second (allocators settle in the first), and a worker
# hold a few handles more: of the batches that wait.
MEMORY, HANDLES, FOLDER = 1.05, 2, 3_000_000


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long") / "music"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(FILES):
        suffix = ("wav", "flac", "mp3")[index % 3]
        rate = (24_000, 44_100)[index % 2]
        # All notes of a piece ring to its end: the time goes with the square.
        pieces = [
            tones(rng, rate, 1 + index % 2, 5.0) for _ in range(SECONDS // 5)
        ]
        wav = np.concatenate(pieces)
        soundfile.write(folder / f"{index:02d}.{suffix}", wav, rate)
    return folder


def command(music, output, steps):
    """The recipe's student and teachers, on short clips."""
    flags = {
        "data_folder": music,
        "output_folder": output,
        "optimizer_step_limit": steps,
        "warmup_steps": steps // 20,
        "crop_frames": 38,
        "batch_size": 2,
        "ckpt_interval_minutes": 1,
        "opt_class": "{matrix_lr: 0.0}",
        "lr": 0.001,
        "prepare": f"{{min_seconds: 1.5, segment_seconds: {EPOCH_ROWS}}}",
        "device": "cpu",
    }
    given = [part for key in flags for part in (f"--{key}", str(flags[key]))]
    yaml = str(RECIPE / "hparams" / "cpu.yaml")
    script = str(RECIPE / "train.py")
    return [sys.executable, script, yaml, "--noprogressbar", *given]


def logged(output, name):
    """Step and number of the log's lines that have it."""
    text = (output / "train_log.txt").read_text()
    found = re.findall(rf"step: (\d+) .*train {name}: ([-+.\de]+)", text)
    return [(int(step), float(number)) for step, number in found]


def per_step(looks, first, last):
    """Seconds of wall and of processor time a step between two steps."""
    part = [look for look in looks if first <= look["step"] <= last]
    begin, end = part[0], part[-1]
    steps = end["step"] - begin["step"]
    return (
        (end["time"] - begin["time"]) / steps,
        (end["main"]["cpu"] - begin["main"]["cpu"]) / steps,
    )


def test_nothing_grows_in_ten_thousand_steps(music, tmp_path):
    output = tmp_path / "run"
    run = start(command(music, output, STEPS), fresh=True)
    into = tmp_path / "looks.jsonl"
    looks = watch(run, output, into, seconds=5.0, limit=LIMIT)
    printed, _ = run.communicate()
    assert run.returncode == 0, printed
    assert (output / "encoder" / "student.safetensors").is_file()
    grown = growth(looks)
    for name, (second, last, most) in grown.items():
        note(f"long run, {name}: second tenth {second}, last {last}", STEPS, 0)
        assert last <= most, (name, second, last)
    speed(output, looks)


def growth(looks):
    """Second and last tenth of what must not grow, and what the last may be."""
    found = {}
    for who in ("main", "workers"):
        for key in ("rss", "private", "handles", "threads"):
            medians = tenths(
                looks,
                STEPS,
                lambda look, who=who, key=key: look[who] and look[who][key],
            )
            second, last = medians[1], medians[-1]
            is_memory = key in ("rss", "private")
            most = second * MEMORY if is_memory else second + HANDLES
            found[f"{who} {key}"] = (second, last, most)
    for key, more in (("files", 0), ("bytes", FOLDER)):
        medians = tenths(looks, STEPS, lambda look, key=key: look[key])
        found[f"folder {key}"] = (medians[1], medians[-1], medians[1] + more)
    return found


def speed(output, looks):
    """Say how fast it was at first and at last; others share the machine."""
    rates = logged(output, "audio_per_second")
    first = [rate for step, rate in rates if 100 < step <= 1100]
    last = [rate for step, rate in rates if step > STEPS - 1000]
    change = statistics.mean(last) / statistics.mean(first) - 1
    wall = [per_step(looks, 100, 1100), per_step(looks, STEPS - 1000, STEPS)]
    note(
        f"long run, last 1,000 steps beside steps 100 to 1,100: audio a second "
        f"{change:+.1%}, processor time a step "
        f"{wall[1][1] / wall[0][1] - 1:+.1%} ({wall[1][1] * 1e3:.1f} ms), wall "
        f"time a step {wall[1][0] / wall[0][0] - 1:+.1%}",
        STEPS,
        0,
    )
