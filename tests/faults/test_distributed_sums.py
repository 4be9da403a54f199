"""1, 2 and 4 processes learn the same from the same clips.

Authors
 * The mert_sb developers 2026
"""

import re

import pytest

from tests.faults.distributed_runs import (
    await_end,
    distance,
    masks,
    none_left,
    prepared_copy,
    probe,
    steps,
)
from tests.faults.report import note
from tests.integration.launch import command

# Processes, clips of each, micro-batches a step: four clips a step in all.
SHARES = ((1, 1, 4), (2, 2, 1), (2, 1, 2), (4, 1, 1))
# Relative to the loss, to the weights, and to the way that they have gone.
LOSS, WEIGHTS, WAY = 1e-5, 1e-5, 1e-3
LIMIT = 600  # seconds, against hanging


def flags(clips, micro, **more):
    options = f"{{num_workers: 0, batch_size: {clips}}}"
    return {
        "train_dataloader_opts": options,
        "grad_accumulation_factor": micro,
        "number_of_epochs": 2,
        "ckpt_interval_steps": 0,
        **more,
    }


@pytest.fixture(scope="module")
def begin(music, prepared, tmp_path_factory):
    """A run of no step."""
    output = prepared_copy(prepared, tmp_path_factory.mktemp("begin"))
    await_end(probe(music, output, 1, number_of_epochs=0), LIMIT, 0)
    return output


@pytest.fixture(scope="module")
def alone(music, prepared, tmp_path_factory):
    """One process with four clips a step."""
    output = prepared_copy(prepared, tmp_path_factory.mktemp("alone"))
    await_end(probe(music, output, 1, **flags(4, 1)), LIMIT, 0)
    return output


@pytest.mark.parametrize(("processes", "clips", "micro"), SHARES)
def test_the_same_clips_give_the_same_result(
    music, prepared, begin, alone, tmp_path, processes, clips, micro
):
    output = prepared_copy(prepared, tmp_path)
    arguments = probe(music, output, processes, **flags(clips, micro))
    await_end(arguments, LIMIT, 0)
    one, several = steps(alone), steps(output)
    assert one.keys() == several.keys() and len(one) >= 6
    for step, (loss, ids) in one.items():
        assert several[step][1] == ids
        assert several[step][0] == pytest.approx(loss, rel=LOSS)
    away, way = distance(alone, output), distance(alone, output, begin)
    worst = max(abs(several[s][0] / one[s][0] - 1) for s in one)
    note(
        f"{processes} processes x {clips} clips x {micro} against one: losses "
        f"{worst:.1e}, weights {away:.1e}, of their way {way:.1e}",
        len(one),
        0,
    )
    assert away < WEIGHTS and way < WAY
    check_masks(alone, output, processes, micro)


def check_masks(alone, output, processes, micro):
    """Each rank has other clips and masks, and each clip its one mask."""
    one = masks(alone, 0)
    ranks = [masks(output, rank, micro) for rank in range(processes)]
    for step, expected in one.items():
        parts = [rank[step] for rank in ranks]
        drawn = [digest for part in parts for digest in part.values()]
        assert len(set(drawn)) == len(drawn) == 4
        together = {k: v for part in parts for k, v in part.items()}
        assert together == expected
    weights = {path.read_text() for path in output.glob("rank*.weights")}
    assert len(weights) == 1
    assert none_left(output)


def test_with_all_dice_ranks_stay_together(music, prepared, tmp_path):
    """Dropout, layerdrop, mixture and Muon as they are: weights are one on all ranks."""
    output = prepared_copy(prepared, tmp_path)
    drawing = command("train.py", music, output)
    given = dict(zip(drawing[4::2], drawing[5::2], strict=True))
    keys = ("student", "mixture")
    as_it_is = {key: given[f"--{key}"] for key in keys}
    arguments = probe(
        music, output, 4, **flags(1, 1, opt_class="{}", **as_it_is)
    )
    printed = await_end(arguments, LIMIT, 0)
    assert not re.search(r"Step \d+ skipped: ", printed)
    ranks = [masks(output, rank) for rank in range(4)]
    drawn = [
        digest
        for rank in ranks
        for part in rank.values()
        for digest in part.values()
    ]
    assert len(set(drawn)) == len(drawn) > 20
    weights = {path.read_text() for path in output.glob("rank*.weights")}
    assert len(list(output.glob("rank*.weights"))) == 4 and len(weights) == 1
    losses = [loss for loss, _ in steps(output).values()]
    assert losses[-1] < losses[0]
    note("4 processes with all dice", len(losses), 0)
