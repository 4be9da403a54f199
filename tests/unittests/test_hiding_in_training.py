"""The Brain shows the student what the YAML's hiding draws, and heads visible frames.

Authors
 * The mert_sb developers 2026
"""

import pytest
import speechbrain as sb
import torch

from mert_sb.pretraining.hiding import Hiding
from tests.utils.pretraining_brain import batch, build_brain, losses


@pytest.mark.parametrize("stage", [sb.Stage.TRAIN, sb.Stage.VALID])
@pytest.mark.parametrize(
    "hiding",
    [
        {"keep": 0.5},
        {"replace": 0.5},
        {"replace": 0.5, "replace_from": "batch"},
        {"channel_probability": 0.5},
    ],
)
def test_hiding_changes_what_is_learned(tmp_path, hiding, stage):
    hiding = Hiding(dim=32, **hiding)
    plain, _ = losses(build_brain(tmp_path / "a"), stage)
    hidden, _ = losses(build_brain(tmp_path / "b", hiding=hiding), stage)
    again, _ = losses(build_brain(tmp_path / "c", hiding=hiding), stage)
    for name in ("codes", "level"):
        assert not torch.allclose(plain[name], hidden[name])
        assert torch.equal(hidden[name], again[name])


def test_visible_frames_are_given_to_the_head_that_weighs_them(tmp_path):
    plain, _ = losses(build_brain(tmp_path / "a"), sb.Stage.TRAIN)
    brain = build_brain(tmp_path / "b", head={"visible_weight": 0.5})
    found, whole = losses(brain, sb.Stage.TRAIN)
    # The other head sees masked frames as before.
    torch.testing.assert_close(found["level"], plain["level"])
    assert whole.isfinite()
    mask, wavs = batch().mask.data, batch().sig.data
    codes = brain.teachers["codes"](wavs)
    with torch.no_grad():
        states = brain.modules.student(
            wavs, mask=mask, output_hidden_states=[-1]
        )[0]
        visible = (states[~mask], codes[~mask])
        expected = brain.modules.codes(states[mask], codes[mask], visible)
    torch.testing.assert_close(found["codes"], expected["loss"])
    assert not torch.allclose(found["codes"], plain["codes"])
