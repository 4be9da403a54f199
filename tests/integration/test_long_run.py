"""A share of tests/faults/test_long_run.py: forty epochs of a small student.

Authors
 * The mert_sb developers 2026
"""

from tests.faults.watching import watch
from tests.integration.launch import command, start
from tests.samples.make_samples import make_audio

EPOCHS, STEPS = 40, 120
LIMIT = 300  # of a run that hangs, in seconds


def test_nothing_stays_open_with_an_epoch(tmp_path):
    make_audio(tmp_path / "music")
    output = tmp_path / "run"
    run = start(
        command(
            "train.py",
            tmp_path / "music",
            output,
            number_of_epochs=EPOCHS,
            ckpt_interval_steps=20,
            train_dataloader_opts="{num_workers: 1}",
        )
    )
    looks = watch(run, output, tmp_path / "looks.jsonl", 0.05, LIMIT)
    printed, _ = run.communicate()
    assert run.returncode == 0, printed
    assert looks[-1]["step"] > 0.9 * STEPS
    early, late = (
        [look for look in looks if first <= look["step"] / STEPS < last]
        for first, last in ((0.1, 0.4), (0.7, 1.0))
    )
    # At their least: workers and checkpoints under way hold some more.
    for least in (
        lambda part: min(look["main"]["handles"] for look in part),
        lambda part: min(look["main"]["threads"] for look in part),
        lambda part: min(look["files"] for look in part),
    ):
        assert least(late) <= least(early)
