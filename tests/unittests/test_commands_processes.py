"""``mert-sb`` as a program: killed, interrupted, its loaders gone.

Authors
 * The mert_sb developers 2026
"""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mert_sb.inference.commands import encode
from mert_sb.inference.commands.inputs import Job
from mert_sb.inference.commands.loading import (
    LoaderError,
    Loaders,
    Planned,
    WindowRead,
)
from tests.utils.encode_command import NAMES, OPTIONS, Desk, write_audio
from tests.utils.source_tree import ROOT

PATIENCE = 60  # seconds
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def desk(tmp_path):
    """A model and some music."""
    return Desk(tmp_path)


@pytest.fixture
def start(desk):
    """Starts the program; ends what is left of it."""
    started = []

    def run(*inputs, workers):
        script = [sys.executable, "-m", "mert_sb.inference.commands.main"]
        places = [desk.model, *inputs, "--output", desk.out]
        options = [*OPTIONS, "--workers", str(workers), "--device", "cpu"]
        process = subprocess.Popen(
            [*script, "encode", *map(str, places), *options],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Tests that run in a shell's background inherit it ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(condition, process):
    """Wait until something is so, while a process lives."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_killed_run_leaves_only_whole_outputs_and_the_next_goes_on(
    desk, start
):
    write_audio(desk.music / "e.wav", 240.0)
    process = start(desk.music, workers=1)
    part = desk.out / ".part"
    wait_for(lambda: (desk.out / "b.npy").exists(), process)
    wait_for(
        lambda: any(path.stat().st_size for path in part.glob("*.npy")), process
    )
    process.kill()
    # The loader ends by itself: no process has stderr open any more.
    process.communicate(timeout=PATIENCE)
    whole = {name for name in desk.written() if ".part" not in name}
    assert {"a.npy", "b.npy"} <= whole and "e.npy" not in whole
    before = desk.written()
    for name in {"a", "b", "e"} & {
        path.stem for path in desk.out.glob("*.npy")
    }:
        expected = desk.expected(f"{name}.{'flac' if name == 'b' else 'wav'}")
        np.testing.assert_allclose(
            desk.read("npy", name)[0], expected.states, atol=2e-5
        )
    assert desk.encode() == 0
    after = desk.written()
    assert {n for n in whole if after[n] != before[n]} == set()
    assert not (desk.out / ".part").exists()
    for name in (*NAMES, "e"):
        desk.read("npy", name)


def test_ctrl_c_ends_all_processes_without_a_trace(desk, start):
    # Whoever reads it waits for ever.
    os.mkfifo(desk.music / "e.wav")
    process = start(desk.music, workers=1)
    wait_for(lambda: (desk.out / "b.npy").exists(), process)
    os.killpg(process.pid, signal.SIGINT)
    # Its end comes when no process has it open any more.
    _, message = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert message.splitlines()[-1] == "mert-sb: interrupted"
    assert "Traceback" not in message
    assert not (desk.out / ".part").exists()


def test_a_loader_that_dies_is_told_with_its_file(desk):
    job = Job(str(desk.music / "a.wav"), "a")
    with Loaders(1, {"sample_rate": 24_000}) as loaders:
        messages = loaders.read([job] * 3)
        assert isinstance(next(messages), Planned)
        [process] = loaders.processes.values()
        # Ctrl-C reaches all processes, and is for the main one alone.
        os.kill(process.pid, signal.SIGINT)
        assert isinstance(next(messages), WindowRead)
        assert isinstance(next(messages), Planned)
        process.kill()
        with pytest.raises(LoaderError, match=r"a\.wav.*SIGKILL"):
            list(messages)


def test_a_dead_loader_ends_the_run_and_what_is_done_stays(
    desk, monkeypatch, capsys
):
    whole = encode.reading

    class Dying:
        """Gives what is read until the second file."""

        def __init__(self, *args, **options):
            self.source = whole(*args, **options)

        def __enter__(self):
            return self.until_second(self.source.__enter__())

        def __exit__(self, *exception):
            return self.source.__exit__(*exception)

        def until_second(self, messages):
            for message in messages:
                if message.job.name == "b":
                    raise LoaderError("b.flac: the loader process ended")
                yield message

    with monkeypatch.context() as patch:
        patch.setattr(encode, "reading", Dying)
        assert desk.encode() == 2
    assert capsys.readouterr().err == (
        "mert-sb: b.flac: the loader process ended\n"
    )
    assert desk.written().keys() == {"encode.json", "a.npy"}
    assert desk.encode() == 0


def test_a_full_disk_is_an_error_and_leaves_no_part(desk, monkeypatch, capsys):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # A.npy needs 86 kB.
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        assert desk.encode(desk.music / "a.wav") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
    assert "File too large" in capsys.readouterr().err
    assert desk.written().keys() == {"encode.json"}
