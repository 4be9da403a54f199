"""A process that dies or stops ends the others in time; a restart goes on.

Authors
 * The mert_sb developers 2026
"""

import time

import pytest
from safetensors.torch import load_file

from mert_sb.processes import UNSHARED
from tests.faults.distributed_runs import (
    await_end,
    none_left,
    prepared_copy,
    probe,
    steps,
    tells_of_waiting,
)
from tests.faults.report import note

LIMIT = 600  # seconds of a run, against hanging
# Of the others after a fault: torchrun gives its workers 30 to end by themselves.
ENDS = 120
WAIT = 40  # seconds that processes wait for a stopped one
FAULTS = {
    "kill 1 5": "Signal 9 (SIGKILL) received by PID",
    "kill 0 5": "Signal 9 (SIGKILL) received by PID",
    "raise 1 3": "a fault in a forward",
    "loader 1 9": "a fault in a loader",
}
WORKERS = {"train_dataloader_opts": "{num_workers: 1, batch_size: 2}"}


@pytest.fixture(scope="module")
def whole(music, prepared, tmp_path_factory):
    """A run of two processes that nothing interrupted."""
    output = prepared_copy(prepared, tmp_path_factory.mktemp("whole"))
    await_end(probe(music, output, 2, **WORKERS), LIMIT, 0)
    return output


@pytest.fixture
def output(prepared, tmp_path):
    return prepared_copy(prepared, tmp_path)


def same_weights(first, second):
    """Whether two runs ended with the very same bits."""
    states = [load_file(run / "last.safetensors") for run in (first, second)]
    return all(states[0][key].equal(states[1][key]) for key in states[0])


def since_the_fault(output):
    """Seconds since a rank failed."""
    return time.time() - (output / "fault").stat().st_mtime


@pytest.mark.parametrize("fault", FAULTS)
def test_a_rank_that_dies_ends_the_others(
    music, output, whole, monkeypatch, fault
):
    monkeypatch.setenv("MERT_SB_TEST_FAULT", fault)
    arguments = probe(music, output, 2, **WORKERS)
    printed = await_end(arguments, LIMIT)
    took = since_the_fault(output)
    assert took < ENDS and FAULTS[fault] in printed
    assert f"rank      : {fault.split()[1]}" in printed
    assert none_left(output)
    note(f"{fault}: ended after {took:.0f} s", 1, 0)
    await_end(arguments, LIMIT, 0)
    assert same_weights(output, whole)


def test_a_rank_that_stops_ends_the_others(music, output, whole, monkeypatch):
    monkeypatch.setenv("MERT_SB_TEST_FAULT", "stop 1 5")
    monkeypatch.setenv("MERT_SB_TIMEOUT_SECONDS", str(WAIT))
    arguments = probe(music, output, 2, **WORKERS)
    printed = await_end(arguments, LIMIT)
    took = since_the_fault(output)
    assert took < WAIT + ENDS
    assert tells_of_waiting(printed) and "rank      : 0" in printed
    assert none_left(output)
    note(f"stop 1 5, limit {WAIT} s: ended after {took:.0f} s", 1, 0)
    await_end(arguments, LIMIT, 0)
    assert same_weights(output, whole)


@pytest.mark.parametrize("fault", ["kill 1 7", "raise 0 7", "kill 0 3"])
def test_an_elastic_run_goes_on_by_itself(
    music, output, whole, monkeypatch, fault
):
    monkeypatch.setenv("MERT_SB_TEST_FAULT", fault)
    monkeypatch.setenv(UNSHARED, "1")
    elastic = ("--standalone", "--max-restarts=2")
    arguments = probe(music, output, 2, *elastic, **WORKERS)
    printed = await_end(arguments, LIMIT, 0)
    assert "Loading a checkpoint from" in printed and UNSHARED not in printed
    assert (output / "fault").exists()
    assert steps(output).keys() == steps(whole).keys()
    assert same_weights(output, whole)
    note(f"elastic: {fault}", 1, 0)
