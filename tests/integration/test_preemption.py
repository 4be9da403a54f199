"""A run that is asked to stop saves at the next step, and goes on exactly there.

Authors
 * The mert_sb developers 2026
"""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from mert_sb.preemption import VARIABLE
from tests.integration.launch import command, descendants, finish, start
from tests.samples.make_samples import make_audio
from tests.utils.source_tree import ROOT

# Checkpoints by steps or minutes are left to the epochs' ends.
FLAGS = {"ckpt_interval_steps": 0, "number_of_epochs": 4}
WORKERS = {"train_dataloader_opts": "{num_workers: 1}"}


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    make_audio(folder)
    return folder


@pytest.fixture(scope="module")
def prepared(music, tmp_path_factory):
    """An output folder with manifests and a fitted MelRVQ, to copy from."""
    output = tmp_path_factory.mktemp("prepared") / "run"
    finish(command("train.py", music, output, number_of_epochs=0))
    return output


@pytest.fixture(scope="module")
def whole(music, prepared, tmp_path_factory):
    """Weights of a run that nothing interrupted."""
    output = copy(prepared, tmp_path_factory.mktemp("whole"))
    finish(command("train.py", music, output, **FLAGS, **WORKERS))
    return weights(output)


@pytest.fixture
def stopped(prepared, tmp_path):
    return copy(prepared, tmp_path)


def copy(prepared, folder):
    """An output folder that need not fit MelRVQ again."""
    (folder / "run" / "save").mkdir(parents=True)
    for file in ("mel_rvq.safetensors", "prepare.jsonl"):
        shutil.copy(prepared / "save" / file, folder / "run" / "save")
    return folder / "run"


def weights(output):
    return (output / "encoder" / "student.safetensors").read_bytes()


def stop_in_epoch(arguments, output, epoch, number, everyone=False):
    """Start, send a signal once a step of an epoch is logged; code and output."""
    run = start(arguments, fresh=True)
    log, deadline = output / "train_log.txt", time.monotonic() + 200
    while not (log.exists() and f"Epoch: {epoch}, " in log.read_text()):
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    for pid in [*(descendants(run.pid) if everyone else []), run.pid]:
        os.kill(pid, number)
    printed, _ = run.communicate(timeout=200)
    return run.returncode, printed


@pytest.mark.parametrize(
    ("number", "everyone", "status"),
    [
        (signal.SIGTERM, False, 0),
        # As Slurm does, and workers of loaders are among them.
        (signal.SIGTERM, True, 99),
        (signal.SIGUSR1, True, 0),
    ],
)
def test_a_signal_saves_at_the_next_step(
    music, stopped, whole, monkeypatch, number, everyone, status
):
    arguments = command("train.py", music, stopped, **FLAGS, **WORKERS)
    if status:
        monkeypatch.setenv(VARIABLE, str(status))
    code, printed = stop_in_epoch(arguments, stopped, 2, number, everyone)
    assert code == status, printed
    assert f"{number.name}: saved after step" in printed
    assert not (stopped / "encoder").exists()
    again = finish(arguments)
    assert "Loading a checkpoint from" in again
    assert "Going into epoch 1\n" not in again
    assert weights(stopped) == whole


def test_two_processes_stop_together(music, stopped):
    flags = {
        **FLAGS,
        "number_of_epochs": 30,
        "train_dataloader_opts": "{num_workers: 0, batch_size: 2}",
    }
    arguments = command("train.py", music, stopped, processes=2, **flags)
    run = start(arguments, fresh=True)
    log, deadline = stopped / "train_log.txt", time.monotonic() + 200
    while not (log.exists() and "Epoch: 2, " in log.read_text()):
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    # One of the two workers; torchrun itself is not told.
    worker = [
        pid
        for pid in descendants(run.pid)
        if b"train.py" in open(f"/proc/{pid}/cmdline", "rb").read()
    ][0]
    os.kill(worker, signal.SIGUSR1)
    printed, _ = run.communicate(timeout=200)
    assert run.returncode == 0, printed
    assert "saved after step" in printed
    assert not (stopped / "encoder").exists()
    assert list((stopped / "save").glob("CKPT*/COMPLETE"))


# Starts a process as torchrun does, in a session of its own, and waits for it.
LAUNCHER = """
import os, subprocess, sys
env = {**os.environ, "TORCHELASTIC_RUN_ID": "a"}
subprocess.run([sys.executable, "-c", sys.argv[1]], env=env, start_new_session=True)
"""
RANK = """
import time
from mert_sb.preemption import Preemption, heed_torchrun
heed_torchrun()
with Preemption() as preemption:
    print("begun", flush=True)
    while not preemption.is_asked():
        time.sleep(0.01)
print(preemption.name)
"""


def test_the_death_of_torchrun_is_a_notice():
    run = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, RANK],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert run.stdout.readline() == "begun\n"
    ranks = descendants(run.pid)
    run.kill()
    try:
        # Its end comes when the rank has ended, too.
        assert run.communicate(timeout=60)[0] == "SIGTERM\n"
    except subprocess.TimeoutExpired:
        os.kill(ranks[0], signal.SIGKILL)
        raise


@pytest.mark.parametrize("text", ["256", "-1", "soon"])
def test_no_exit_status_is_refused(monkeypatch, text):
    from mert_sb.preemption import Preemption

    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ValueError, match=f"{VARIABLE}: '{text}' is no number"):
        Preemption()


def test_handlers_are_put_back():
    from mert_sb.preemption import Preemption

    before = signal.getsignal(signal.SIGTERM)
    with Preemption():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
