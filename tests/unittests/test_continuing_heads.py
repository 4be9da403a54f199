"""Codebook heads filled from the original's tensors, whatever its options.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.inference.continuing import fill_codebooks, load_pretraining
from mert_sb.inference.tensors import CheckpointError
from mert_sb.pretraining.heads import CodebookHead, RegressionHead
from mert_sb.student import MERT
from tests.utils.originals import TINY, fairseq_file, tiny_student

SIZES = {"n_codebooks": 2, "codebook_size": 10, "proj_dim": 4}


def tensors(**more):
    """The original's tensors of two codebooks."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.rand(shape, generator=generator)

    plain = {
        "final_proj.weight": draw(8, 32),
        "final_proj.bias": draw(8),
        "label_embs_concat": draw(28, 4),
    }
    named = {
        "temperatures": {"logit_temp_list": draw(2)},
        "glu": {
            "target_glu.0.weight": draw(8, 4),
            "target_glu.0.bias": draw(8),
        },
    }
    for name in more:
        plain |= named[name]
    return plain


def test_learned_temperatures_and_gated_units_are_filled():
    head = CodebookHead(
        32, **SIZES, learnable_temperature=True, target_glu=True
    )
    given = tensors(temperatures=True, glu=True)
    fill_codebooks(head, given, "a.pt")
    assert torch.equal(head.log_scales, given["logit_temp_list"])
    assert torch.equal(head.glu[0].weight, given["target_glu.0.weight"])
    assert torch.equal(head.glu[0].bias, given["target_glu.0.bias"])


def test_a_tied_projection_is_filled():
    head = CodebookHead(32, **SIZES, tied_projection=True)
    given = tensors()
    given["final_proj.weight"] = given["final_proj.weight"][:4]
    given["final_proj.bias"] = given["final_proj.bias"][:4]
    fill_codebooks(head, given, "a.pt")
    assert torch.equal(head.projection.weight, given["final_proj.weight"])


def test_projections_of_drawn_codebooks_are_put_side_by_side():
    plain, head = (CodebookHead(32, **SIZES) for _ in range(2))
    given = tensors()
    fill_codebooks(plain, given, "a.pt")
    apart = {"label_embs_concat": given["label_embs_concat"]}
    for book in range(2):
        rows = slice(4 * book, 4 * book + 4)
        for leaf in ("weight", "bias"):
            part = given[f"final_proj.{leaf}"][rows]
            apart[f"final_projs.{book}.{leaf}"] = part
    fill_codebooks(head, apart, "a.pt")
    expected = plain.state_dict()
    assert set(head.state_dict()) == set(expected)
    for name, tensor in head.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize(
    "settings, given, message",
    [
        ({"codebook_size": 14}, {}, "28 rows; 2 codebooks of 14 codes.*36"),
        ({"n_codebooks": 3}, {}, "3 codebooks of 10"),
        ({"proj_dim": 8}, {}, "set its proj_dim"),
        ({"tied_projection": True}, {}, "tied_projection"),
        ({"target_glu": True}, {}, "target_glu"),
        ({}, {"glu": True}, "target_glu"),
        ({}, {"temperatures": True}, "learnable_temperature"),
    ],
)
def test_a_head_of_other_options_is_refused(settings, given, message):
    head = CodebookHead(32, **SIZES | settings)
    with pytest.raises(CheckpointError, match=f"a.pt: .*{message}"):
        fill_codebooks(head, tensors(**given), "a.pt")


def test_a_files_optional_tensors_are_used_too(tmp_path):
    changes = tensors(temperatures=True, glu=True)
    changes["encoder_mel_model.fc.weight"] = torch.rand(84, 32)
    changes["encoder_mel_model.fc.bias"] = torch.rand(84)
    changes["encoder_mel_model.spec_layer.mel_scale.fb"] = torch.rand(9, 84)
    path = fairseq_file(tmp_path / "a.pt", tiny_student(), changes=changes)
    options = {"learnable_temperature": True, "target_glu": True}
    modules = {
        "student": MERT(**TINY),
        "encodec": CodebookHead(32, **SIZES, **options),
        "mel": RegressionHead(32, n_features=84),
    }
    report = load_pretraining(modules, path)
    assert report.filled == ["student", "encodec", "mel"]
    # There is no such head here, and no other tensor is left.
    assert report.left[1:] == [
        "encoder_cqt_model.fc.bias",
        "encoder_cqt_model.fc.weight",
    ]
    scales = modules["encodec"].log_scales
    assert torch.equal(scales, changes["logit_temp_list"])
    weight = modules["mel"].projection.weight
    assert torch.equal(weight, changes["encoder_mel_model.fc.weight"])


def test_a_regression_with_a_scale_predicts_what_the_file_did(tmp_path):
    path = fairseq_file(tmp_path / "a.pt", tiny_student())
    heads = [RegressionHead(32, n_features=84, scale=s) for s in (1.0, 0.25)]
    for head in heads:
        load_pretraining({"student": MERT(**TINY), "cqt": head}, path)
    hidden, targets = torch.rand(5, 32), torch.rand(5, 84)
    plain, scaled = (head(hidden, targets)["prediction"] for head in heads)
    torch.testing.assert_close(scaled, plain)


def test_a_head_of_another_kind_is_refused_by_name(tmp_path):
    path = fairseq_file(tmp_path / "a.pt", tiny_student())
    modules = {"student": MERT(**TINY), "cqt": CodebookHead(32, **SIZES)}
    with pytest.raises(CheckpointError, match="cqt is a regression in this"):
        load_pretraining(modules, path)
