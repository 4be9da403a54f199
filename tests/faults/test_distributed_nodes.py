"""Two nodes: the README's commands, a cable pulled, a notice of preemption.

Authors
 * The mert_sb developers 2026
"""

import os
import shlex
import signal
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.faults.distributed_runs import (
    EXACT,
    PROBE,
    await_end,
    prepared_copy,
    probe,
    steps,
    tells_of_waiting,
)
from tests.faults.fake_slurm import install
from tests.faults.nodes import await_all, begin, two_nodes
from tests.faults.report import note
from tests.integration.launch import RECIPE, command
from tests.utils.recipe_tests import ROOT

README = ROOT / "recipes" / "pretrain" / "Music4ALL" / "README.md"
SCRIPT = "train.py hparams/MERT-95M.yaml --data_folder /path/to/music4all"
SIZES = ("--nnodes=8 --nproc-per-node=8", "--nnodes=2 --nproc-per-node=1")
LIMIT = 600  # seconds, against hanging
WAIT = 40  # of MERT_SB_TIMEOUT_SECONDS
ENDS = 120  # after it; torchrun gives processes 30 to end by themselves
FLAGS = {"train_dataloader_opts": "{num_workers: 1, batch_size: 2}"}
SLURM = {
    "SLURM_JOB_ID": "17",
    "SLURM_JOB_NODELIST": "node-[a-b]",
    "SLURM_NTASKS": "2",
    "SLURM_CPUS_PER_TASK": "1",
}


@pytest.fixture
def nodes():
    yield from two_nodes()


@pytest.fixture(scope="module")
def whole(music, prepared, tmp_path_factory):
    """Two processes of one node."""
    output = prepared_copy(prepared, tmp_path_factory.mktemp("whole"))
    await_end(probe(music, output, 2, **FLAGS), LIMIT, 0)
    return output


@pytest.fixture
def output(prepared, tmp_path):
    return prepared_copy(prepared, tmp_path)


def block(mark):
    """The README's commands that have a mark."""
    blocks = README.read_text(encoding="utf-8").split("```")[1::2]
    (found,) = [text.strip() for text in blocks if mark in text]
    assert SCRIPT in found
    return found


def script(music, output):
    """The probe with its flags, as a shell reads it."""
    arguments = command(PROBE, music, output, **EXACT | FLAGS)[1:]
    return shlex.join(arguments)


def environment(folder):
    """Of the nodes' shells: ``python`` and ``torchrun`` are this Python's."""
    programs = install(folder)
    text = (
        f'#!/bin/sh\nexec "{programs}/python" -m torch.distributed.run "$@"\n'
    )
    (programs / "torchrun").write_text(text)
    (programs / "torchrun").chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "MERT_SB_TIMEOUT_SECONDS": str(WAIT),
    }


def torchrun(nodes, music, output, env, restarts=3, which=(0, 1)):
    """The README's torchrun on the nodes."""
    text = block("--rdzv-endpoint")
    text = text.replace(*SIZES).replace("first-node", "node-a")
    text = text.replace("--max-restarts=3", f"--max-restarts={restarts}")
    assert "--nnodes=2" in text and f"--max-restarts={restarts}" in text
    text = text.replace(SCRIPT, script(music, output))
    return [
        begin(
            nodes.inside(index, ["bash", "-c", text]),
            output.parent / f"node{index}-{time.monotonic_ns()}.log",
            cwd=RECIPE,
            env=env,
        )
        for index in which
    ]


def slurm(nodes, music, output, env):
    """The README's batch script, which Slurm runs on the first node."""
    text = block("#!/bin/bash").replace(SCRIPT, script(music, output))
    job = output.parent / "job.sh"
    job.write_text(text)
    notes = {"FAKE_SLURM_NOTES": str(output.parent / "requeued")}
    env = {**env, **SLURM, **nodes.environment(), **notes}
    log = output.parent / f"job-{time.monotonic_ns()}.log"
    return begin(["bash", str(job)], log, cwd=RECIPE, env=env)


def await_step(output, number, runs):
    """Wait until a step is done."""
    deadline = time.monotonic() + LIMIT
    while not (
        (output / "steps.jsonl").exists() and max(steps(output)) >= number
    ):
        assert time.monotonic() < deadline
        for run, log in runs:
            assert run.poll() is None, log.read_text()
        time.sleep(0.01)


def same_weights(first, second):
    """Whether two runs ended with the very same bits."""
    states = [load_file(run / "last.safetensors") for run in (first, second)]
    return all(states[0][key].equal(states[1][key]) for key in states[0])


def test_two_nodes_learn_what_one_does(nodes, music, output, whole, tmp_path):
    runs = torchrun(nodes, music, output, environment(tmp_path / "bin"))
    for code, printed in await_all(runs, LIMIT):
        assert code == 0, printed
    assert steps(output) == steps(whole)
    assert same_weights(output, whole)
    note("two nodes with torchrun", 1, 0)


def ranks(nodes):
    """Processes that train, on both nodes, and their loaders' workers."""
    found = []
    for pid in [*nodes.processes(0), *nodes.processes(1)]:
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if PROBE.encode() in text and b"distributed.run" not in text:
            found.append(pid)
    return found


def test_a_pulled_cable_ends_both_nodes(nodes, music, output, whole, tmp_path):
    env = environment(tmp_path / "bin")
    runs = torchrun(nodes, music, output, env, restarts=0)
    await_step(output, 5, runs)
    nodes.cable(1, "down")
    pulled = time.monotonic()
    while ranks(nodes):
        assert time.monotonic() < pulled + WAIT + ENDS
        time.sleep(0.5)
    took = time.monotonic() - pulled
    # torchrun itself stays on the cut-off node until it hears from the other.
    nodes.cable(1, "up")
    for code, printed in await_all(runs, LIMIT):
        assert code not in (None, 0), printed
        assert tells_of_waiting(printed)
    note(f"a pulled cable, limit {WAIT} s: ended after {took:.0f} s", 1, 0)
    for code, printed in await_all(torchrun(nodes, music, output, env), LIMIT):
        assert code == 0, printed
    assert same_weights(output, whole)


def test_a_node_that_dies_and_comes_back(nodes, music, output, whole, tmp_path):
    # Else torch 2.13 tells a node that joins later nothing of where to meet.
    own_stores = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    env = environment(tmp_path / "bin") | own_stores
    runs = torchrun(nodes, music, output, env)
    await_step(output, 5, runs)
    nodes.kill(1)
    (again,) = torchrun(nodes, music, output, env, which=(1,))
    (code, printed), (second, text) = await_all([runs[0], again], LIMIT)
    assert code == 0, printed
    assert second == 0, text
    assert "Loading a checkpoint from" in printed + text
    assert same_weights(output, whole)
    note("a node that dies and comes back", 1, 0)


def test_slurm_ends_well(nodes, music, output, whole, tmp_path):
    run = slurm(nodes, music, output, environment(tmp_path / "bin"))
    ((_, printed),) = await_all([run], LIMIT)
    assert steps(output) == steps(whole), printed
    assert same_weights(output, whole)
    note("two nodes with srun", 1, 0)


def test_slurms_notice_saves_and_queues_again(
    nodes, music, output, whole, tmp_path
):
    env = environment(tmp_path / "bin")
    run = slurm(nodes, music, output, env)
    await_step(output, 5, [run])
    for index in range(2):
        nodes.kill(index, signal.SIGUSR1)
    ((code, printed),) = await_all([run], LIMIT)
    assert code == 0, printed
    assert "SIGUSR1: saved after step" in printed
    assert (output.parent / "requeued").read_text() == "requeue 17\n"
    assert not (output / "last.safetensors").exists()
    ((_, printed),) = await_all([slurm(nodes, music, output, env)], LIMIT)
    assert "Loading a checkpoint from" in printed
    assert same_weights(output, whole)
    note("Slurm's notice", 1, 0)
