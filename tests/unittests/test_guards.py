"""What would go wrong in silence is refused.

Authors
 * The mert_sb developers 2026
"""

import contextlib

import numpy as np
import pytest
import torch


def test_the_random_codec_gives_many_codes():
    from mert_sb.teachers import EncodecTeacher

    teacher = EncodecTeacher(pretrained=False)
    codes = teacher(torch.randn(1, 24_080))
    assert len(codes.flatten(0, 1).unique(dim=0)) > 20


def test_values_that_do_not_fit_are_not_wrapped(tmp_path):
    from mert_sb.store import ShelfWriter

    writer = ShelfWriter(tmp_path, {"teacher": "a"}, dtype="uint16")
    with pytest.raises(ValueError, match="70000 do not fit into uint16"):
        writer.write("a", {"x": np.array([[70_000, 1]])})
    assert not writer.done("a")


def test_every_clip_needs_a_seed():
    from mert_sb.pretraining.mixture import Mixture

    mixture = Mixture(probability=1.0, min_length=1, max_length=2)
    with pytest.raises(ValueError):
        mixture(torch.rand(3, 10), seeds=[0, 1])


@pytest.mark.parametrize(
    ("drop_last", "refused"), [(True, True), (False, False)]
)
def test_a_set_below_one_batch_trains_where_its_batch_is_kept(
    drop_last, refused
):
    from mert_sb.recipe import _check_steps

    hparams = {
        "train_dataloader_opts": {"batch_size": 64, "drop_last": drop_last},
        "grad_accumulation_factor": 1,
    }
    expected = pytest.raises(ValueError, match="16 training rows")
    with expected if refused else contextlib.nullcontext():
        _check_steps(hparams, range(16))
