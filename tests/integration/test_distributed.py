"""Two processes learn what one does, and end together: a share of ``tests/faults``.

Authors
 * The mert_sb developers 2026
"""

import os
import socket

import pytest

from tests.faults.distributed_runs import (
    EXACT,
    PROBE,
    await_end,
    masks,
    none_left,
    prepared_copy,
    probe,
    steps,
)
from tests.integration.launch import command, finish
from tests.samples.make_samples import make_audio

# The second process fails in this step.
FAULT = 4


def flags(clips):
    options = f"{{num_workers: 0, batch_size: {clips}}}"
    return {"train_dataloader_opts": options, "number_of_epochs": 1}


def as_one_process(monkeypatch):
    """What torchrun would tell a single process."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    told = {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 1, "MASTER_PORT": port}
    for name, value in (told | {"MASTER_ADDR": "127.0.0.1"}).items():
        monkeypatch.setenv(name, str(value))


def test_two_processes_learn_what_one_does_and_end_together(
    tmp_path, monkeypatch
):
    music, alone = tmp_path / "music", tmp_path / "alone"
    music.mkdir()
    make_audio(music)
    with monkeypatch.context() as patch:
        as_one_process(patch)
        finish(command(PROBE, music, alone, **EXACT | flags(4)))
    output = prepared_copy(alone, tmp_path)
    monkeypatch.setenv("MERT_SB_TEST_FAULT", f"raise 1 {FAULT}")
    assert "RANK" not in os.environ
    printed = await_end(probe(music, output, 2, **flags(2)), 400)
    assert "a fault in a forward" in printed and "rank      : 1" in printed
    assert none_left(output)
    one, two = steps(alone), steps(output)
    assert [*two] == [*range(1, FAULT)]
    for step, (loss, ids) in two.items():
        assert ids == one[step][1]
        assert loss == pytest.approx(one[step][0], rel=1e-5)
        drawn = [masks(output, rank)[step] for rank in range(2)]
        assert drawn[0] | drawn[1] == masks(alone, 0)[step]
        assert not set(drawn[0].values()) & set(drawn[1].values())
