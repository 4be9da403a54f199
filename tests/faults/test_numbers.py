"""Every tensor of every loss and every gradient poisoned, at every step of a run.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from tests.faults.report import note
from tests.utils.poison import (
    BAD,
    adam_brain,
    changed,
    places,
    poisoned,
    snapshot,
)
from tests.utils.pretraining_brain import batch, clips, step

STEPS = 20
# What stays a number however large a summand or a state is.
TOLERATED = {"plus level", "plus codes", "plus penalty", "plus loss"}
TOLERATED |= {"states codes", "states level"}


def scaler(scaled):
    """As fp16 has on a GPU, or none."""
    return torch.amp.GradScaler("cpu", init_scale=256.0, enabled=scaled)


@pytest.mark.parametrize("scaled", [False, True], ids=["fp32", "scaled"])
def test_no_step_is_harmed_by_any_number(tmp_path, scaled):
    patience = {"run_opts": {"nonfinite_patience": 10**9}}
    brain = adam_brain(tmp_path / "poisoned", **patience)
    clean = adam_brain(tmp_path / "clean")
    brain.scaler, tried, lost = scaler(scaled), 0, []
    for number in range(STEPS):
        bad, before = batch(clips(1_000 + number)), snapshot(brain)
        for index, place in enumerate(places(brain)):
            # Each place meets each of them.
            name = list(BAD)[(number + index) % len(BAD)]
            if name == "huge" and place in TOLERATED:
                name = "nan"
            with poisoned(brain, place, BAD[name]):
                step(brain, bad)
            tried += 1
            if harmed := changed(before, snapshot(brain)):
                lost.append(f"step {number}, {name} {place}: {harmed}")
                before = snapshot(brain)
            # A scale that was lowered each time would come to nothing.
            brain.scaler = scaler(scaled)
        step(brain, batch(clips(number)))
        step(clean, batch(clips(number)))
    note(f"numbers: {'scaled' if scaled else 'fp32'}", tried, len(lost))
    assert not lost, "\n".join(lost)
    assert tried >= STEPS * 40 and brain.skips.read() == tried
    if not scaled:
        # As if the poisoned steps had never been.
        assert changed(snapshot(clean), snapshot(brain)) == []
