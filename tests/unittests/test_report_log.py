"""What a report reads: logs with returns and pauses, settings that are not built.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.inference.report.log import (
    Clock,
    Entry,
    Log,
    audio_a_step,
    read_clock,
    read_log,
)
from mert_sb.inference.report.run import Run
from mert_sb.inference.report.settings import Made, build, read_settings

SETTINGS = """
base:
  base: {seed: 1, name: below}
  name: above
  __set_seed: !apply:speechbrain.utils.seed_everything [1337]
  sample_rate: 24000
  crop_frames: CROP
  mask_probability: 0.8
  mask_length: 5
  train_dataloader_opts: {batch_size: 4}
  grad_accumulation_factor: 2
  student: &student !new:mert_sb.student.MERT
    subsample: 1
teachers: {cqt: !name:mert_sb.teachers.CQTTeacher {n_bins: 84, log: true}}
modules: {student: *student}
loss_weights: {cqt: 1.0}
"""


def write(folder, lines, name="train_log.txt"):
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name


def line(epoch, step, stage, **stats):
    said = ", ".join(f"{stage} {key}: {value}" for key, value in stats.items())
    return f"Epoch: {epoch}, step: {step} - {said}"


def test_what_a_return_undid_is_left_out(tmp_path):
    path = write(
        tmp_path,
        [
            line(1, 10, "train", loss="3.0000e+00", spikes=0),
            line(1, 20, "train", loss=2.5),
            line(1, 25, "valid", loss=2.4),
            line(2, 30, "train", loss=9.0),
            "a line of something else",
            line(2, 20, "train", loss=2.6),
            line(2, 26, "valid", loss="nan"),
        ],
    )
    log = read_log(path)
    assert log.series("train", "loss") == ([10, 20], [3.0, 2.6])
    steps, (value,) = log.series("valid", "loss")
    assert steps == [26] and value != value
    assert log.series("train", "spikes") == ([10], [0.0])
    assert log.steps == 26


def clocked(time, message, logger="speechbrain.utils.train_logger"):
    return f"2026-11-21 {time} - {logger} - INFO - {message}"


def test_pauses_between_runs_are_no_machine_time(tmp_path):
    core, quirks = "speechbrain.core", "speechbrain.utils.quirks"
    path = write(
        tmp_path,
        [
            clocked("10:00:00,000", "Beginning experiment!", core),
            clocked("10:00:30,500", line(1, 10, "train", loss=1)),
            "and more of it",
            clocked("10:01:00,000", "Killed", core),
            clocked("14:00:00,000", "Applied quirks (see `a`): [b]", quirks),
            clocked("14:00:00,000", "Excluded quirks by the `C`: []", quirks),
            clocked("14:00:00,000", "Beginning experiment!", core),
            clocked("14:00:10,000", line(1, 10, "valid", loss=1)),
        ],
        "log.txt",
    )
    clock = read_clock(path)
    assert clock.seconds == 70
    assert clock.at == {("train", 10): 30.5, ("valid", 10): 70}


def test_a_restart_between_two_lines_tells_nothing_of_processes():
    log = Log(
        [Entry(1, n, {"audio_per_second": 8.0}) for n in (10, 20, 30)], []
    )
    at = {("train", 10): 0.0, ("train", 20): 100.0, ("train", 30): 110.0}
    assert audio_a_step(log, Clock(110.0, at, (50.0,))) == 8.0
    assert audio_a_step(log, Clock(110.0, at, (50.0, 105.0))) is None


@pytest.mark.parametrize("processes", [1, 3])
def test_processes_are_told_by_rate_and_clock(tmp_path, processes):
    # 74 frames are 23,760 samples: 0.99 s; 4 of them twice are a step's 7.92 s.
    rate = 7.92 * processes / 2
    lines = [line(1, 5, "valid", loss=1)]
    lines += [
        line(1, step, "train", audio_per_second=rate) for step in (10, 20, 30)
    ]
    # Saving took ten seconds of the third line's, and the last is too near.
    lines += [line(1, 31, "train", audio_per_second=rate / 9)]
    write(tmp_path, lines)
    times = ["10:00:00,000", "10:00:10,000", "10:00:30,000", "10:01:00,000"]
    times += ["10:01:01,000"]
    timed = [clocked(*pair) for pair in zip(times, lines, strict=True)]
    write(tmp_path, timed, "log.txt")
    text = SETTINGS.replace("CROP", "74")
    write(tmp_path, [text], "hyperparams.yaml")
    run = Run(tmp_path)
    assert audio_a_step(run.log, run.clock) == pytest.approx(7.92 * processes)
    assert run.processes == processes
    hours = 30 * 7.92 * processes / 3600
    assert run.hours(30) == pytest.approx(hours)
    assert run.hours(33) == pytest.approx(1.1 * hours)
    assert run.steps(hours / 2) == pytest.approx(15)


def test_hours_follow_the_lengths_of_clips(tmp_path):
    write(
        tmp_path,
        [line(1, 10, "train", loss=1), line(2, 20, "train", loss=1)],
    )
    text = SETTINGS.replace("CROP", "[[1, 74], [2, 149]]")
    write(tmp_path, [text], "hyperparams.yaml")
    run = Run(tmp_path)
    assert run.processes is None
    short, long = 0.99, 47_760 / 24_000
    assert run.hours(20) == pytest.approx(80 * (short + long) / 3600)


def test_settings_are_read_and_not_built(tmp_path):
    write(tmp_path, [SETTINGS.replace("CROP", "74")], "hyperparams.yaml")
    before = torch.get_rng_state()
    settings = read_settings(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert settings["name"] == "above" and settings["seed"] == 1
    assert "base" not in settings
    assert settings["student"] is settings["modules"]["student"]
    seeding = settings["__set_seed"]
    assert (seeding.tag, seeding.kind) == ("apply", "seed_everything")
    teacher = build(settings["teachers"]["cqt"], "mert_sb.teachers")
    assert teacher(torch.zeros(1, 24_000)).shape == (1, 74, 84)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Made("new", "os.system", {}), "os.system is not of mert_sb.teachers"),
        (Made("new", "mert_sb.teachers.Nobody", {}), "has none such"),
        (Made("new", "mert_sb.teachers.CQTTeacher", {"a": 1}), "argument 'a'"),
        (Made("new", "mert_sb.teachers.CQTTeacher", ["a"]), "has none such"),
        (None, "None is not of"),
    ],
)
def test_what_is_not_the_packages_is_not_built(made, message):
    with pytest.raises(ValueError, match=message):
        build(made, "mert_sb.teachers")


@pytest.mark.parametrize("text", ["a: [", "- a", "\x00"])
def test_what_no_recipe_wrote_is_named(tmp_path, text):
    path = write(tmp_path, [text], "hyperparams.yaml")
    with pytest.raises(ValueError, match=str(path)):
        read_settings(tmp_path)
