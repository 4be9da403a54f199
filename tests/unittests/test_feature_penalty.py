"""The penalty of a step does not depend on how its clips are dealt out.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.student.model import feature_penalty
from tests.utils.students import build, clips, close


def test_the_penalty_of_a_batch_is_that_of_its_parts():
    student, wavs = build().eval(), clips(2)
    mask = torch.zeros(2, student.frontend(wavs).shape[1], dtype=torch.bool)
    mask[0, :2], mask[1, :7] = True, True
    _, whole = student(wavs, mask=mask, output_penalty="dealt")
    parts = [
        student(wavs[i : i + 1], mask=mask[i : i + 1], output_penalty="dealt")[
            1
        ]
        for i in range(2)
    ]
    close(whole, (2 * parts[0] + 7 * parts[1]) / 9)
    assert not torch.isclose(whole, (parts[0] + parts[1]) / 2, rtol=1e-4)


def test_a_batch_without_a_mask_has_no_penalty_that_is_not_a_number():
    feats = torch.ones(2, 3, 4, requires_grad=True)
    penalty = feature_penalty(feats, torch.zeros(2, 3, dtype=torch.bool))
    penalty.backward()
    assert penalty == 0 and not feats.grad.any()
