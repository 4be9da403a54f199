"""Continuing from a checkpoint: each tensor in its place, or named.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mert_sb.inference.continuing import continue_from, load_pretraining
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.export import export_student
from mert_sb.inference.pretrainer import fill_student
from mert_sb.inference.tensors import CheckpointError
from mert_sb.pretraining.heads import CodebookHead, RegressionHead
from mert_sb.student import MERT
from tests.utils.originals import TINY, fairseq_file, tiny_student

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
SIZES = {"n_codebooks": 2, "codebook_size": 10, "proj_dim": 4}
SPECIAL = "label_embs_concat: rows 0 to 3 of each codebook"


def modules(**settings):
    """What the YAML's ``modules`` is, every weight random."""
    return {
        "student": MERT(**TINY),
        "encodec": CodebookHead(32, **SIZES | settings),
        "cqt": RegressionHead(32, n_features=84),
    }


def state(module):
    return {
        name: tensor.clone() for name, tensor in module.state_dict().items()
    }


def assert_equal(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


def test_a_fairseq_file_fills_student_and_heads(tmp_path):
    student = tiny_student()
    path = fairseq_file(tmp_path / "a.pt", student)
    filled = modules()
    report = load_pretraining(filled, path)
    assert report.filled == ["student", "encodec", "cqt"]
    assert (report.anew, report.left) == ([], [SPECIAL])
    assert_equal(state(filled["student"]), state(student))
    heads = read_checkpoint(path).heads
    rows = heads["label_embs_concat"]
    codes = torch.stack([rows[4:14], rows[18:28]])
    expected = {
        "projection.weight": heads["final_proj.weight"],
        "projection.bias": heads["final_proj.bias"],
        "codes": codes,
    }
    assert_equal(state(filled["encodec"]), expected)
    expected = {
        "projection.weight": heads["encoder_cqt_model.fc.weight"],
        "projection.bias": heads["encoder_cqt_model.fc.bias"],
        "_extra_state": torch.tensor(1.0, dtype=torch.float64),
    }
    assert_equal(state(filled["cqt"]), expected)
    # Not the file's own storage: it would be trained.
    assert all(p.requires_grad for p in filled["encodec"].parameters())


def test_heads_of_other_teachers_begin_anew_and_are_named(tmp_path, caplog):
    path = fairseq_file(tmp_path / "a.pt", tiny_student())
    filled = modules()
    filled["mel_rvq"] = filled.pop("encodec")
    before = state(filled["mel_rvq"])
    report = load_pretraining(filled, path)
    assert report.filled == ["student", "cqt"] and report.anew == ["mel_rvq"]
    assert report.left == [
        "final_proj.bias",
        "final_proj.weight",
        "label_embs_concat",
    ]
    assert_equal(state(filled["mel_rvq"]), before)
    assert "mel_rvq begin anew" in caplog.text
    assert "label_embs_concat are left out" in caplog.text


def test_heads_may_be_told_where_they_belong(tmp_path):
    path = fairseq_file(tmp_path / "a.pt", tiny_student())
    filled = modules()
    filled = {
        "student": filled["student"],
        "codec": filled["encodec"],
        "pitch": filled["cqt"],
    }
    report = load_pretraining(
        filled,
        path,
        codes="codec",
        regressions={"pitch": "encoder_cqt_model.fc"},
    )
    assert report.filled == ["student", "codec", "pitch"]
    heads = read_checkpoint(path).heads
    weight = filled["pitch"].projection.weight
    assert torch.equal(weight, heads["encoder_cqt_model.fc.weight"])


def test_an_inference_folder_fills_the_student_alone(tmp_path):
    student = tiny_student()
    folder = export_student(student, tmp_path / "encoder")
    filled = modules()
    before = state(filled["encodec"])
    report = load_pretraining(filled, folder)
    assert report == (["student"], ["encodec", "cqt"], [])
    assert_equal(state(filled["student"]), state(student))
    assert_equal(state(filled["encodec"]), before)


def test_another_student_and_another_kind_of_head_are_refused(tmp_path):
    path = fairseq_file(tmp_path / "a.pt", tiny_student())
    other = modules()
    other["student"] = MERT(**TINY | {"num_layers": 3})
    with pytest.raises(CheckpointError, match="num_layers: 2"):
        load_pretraining(other, path)
    other = modules()
    other["encodec"] = other["cqt"]
    with pytest.raises(CheckpointError, match="fill a RegressionHead"):
        load_pretraining(other, path)
    other = modules()
    other["cqt"] = RegressionHead(32, n_features=336)
    with pytest.raises(CheckpointError, match="n_features"):
        load_pretraining(other, path)


def test_attention_may_see_less_or_more_than_it_did(tmp_path, caplog):
    windows = {"attention_window": 8, "global_frames": 2}
    for theirs, ours in (({}, windows), (windows, {})):
        student = tiny_student(**theirs)
        folder = export_student(student, tmp_path / f"{len(theirs)}")
        filled = modules() | {"student": MERT(**TINY, **ours)}
        caplog.clear()
        load_pretraining(filled, folder)
        assert_equal(state(filled["student"]), state(student))
        for key, none in (("attention_window", None), ("global_frames", 0)):
            before, after = theirs.get(key, none), ours.get(key, none)
            said = f"trained with {key}: {before}, goes on with {after}"
            assert said in caplog.text


def test_windows_that_stay_are_not_spoken_of(tmp_path, caplog):
    windows = {"attention_window": 8}
    folder = export_student(tiny_student(**windows), tmp_path / "encoder")
    load_pretraining(modules() | {"student": MERT(**TINY, **windows)}, folder)
    assert "goes on with" not in caplog.text


def test_elsewhere_windows_must_be_the_checkpoints(tmp_path):
    folder = export_student(tiny_student(), tmp_path / "encoder")
    other = MERT(**TINY, attention_window=8)
    with pytest.raises(CheckpointError, match="attention_window: None"):
        fill_student(other, read_checkpoint(folder))
    # And of others only what is named may differ.
    other = MERT(**TINY | {"norm": "pre"}, attention_window=8)
    with pytest.raises(CheckpointError, match="norm: post") as raised:
        load_pretraining(modules() | {"student": other}, folder)
    assert "attention_window" not in str(raised.value)


def hparams(source, newest=None):
    checkpointer = SimpleNamespace(find_checkpoint=lambda: newest)
    return {
        "pretrained": source,
        "modules": modules(),
        "checkpointer": checkpointer,
    }


def test_a_recipe_begins_from_its_source(tmp_path):
    student = tiny_student()
    path = fairseq_file(tmp_path / "a.pt", student)
    given = hparams(str(path))
    assert continue_from(given).filled == ["student", "encodec", "cqt"]
    assert_equal(state(given["modules"]["student"]), state(student))


def test_without_a_source_or_with_a_checkpoint_nothing_is_read(tmp_path):
    assert continue_from(hparams(None)) is None
    newest = SimpleNamespace(path=tmp_path)
    assert continue_from(hparams("no/such/source", newest)) is None
    with pytest.raises((FileNotFoundError, OSError, ValueError)):
        continue_from(hparams("no/such/source"))


@pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="the original's numbers are not at hand"
)
@pytest.mark.parametrize("kind", ["base", "large"])
def test_the_originals_pretraining_goes_on(kind):
    folder = GOLDEN / f"fairseq_tiny_{kind}"
    with np.load(folder / "expected.npz") as arrays:
        numbers = {key: torch.from_numpy(arrays[key]) for key in arrays}
    path = folder / "checkpoint.pt"
    settings = read_checkpoint(path).settings
    n_codebooks, width = len(numbers["codes"]), settings["embed_dim"]
    filled = {
        "student": MERT(**settings),
        "encodec": CodebookHead(
            width, n_codebooks=n_codebooks, codebook_size=32, proj_dim=16
        ),
        "cqt": RegressionHead(width, n_features=84),
    }
    report = load_pretraining(filled, path)
    assert (report.anew, report.left) == ([], [SPECIAL])
    mask = numbers["mask"]
    codes = numbers["codes"].long().permute(1, 2, 0)[:, : mask.shape[1]][mask]
    with torch.no_grad():
        hidden = filled["student"](numbers["waveform"], mask=mask)
        found = filled["encodec"](hidden, codes)
    heads = read_checkpoint(path).heads
    weight, bias = heads["final_proj.weight"], heads["final_proj.bias"]
    projected = torch.nn.functional.linear(hidden, weight, bias)
    books = heads["label_embs_concat"].unflatten(0, (n_codebooks, 36))
    for book, queries in enumerate(projected.chunk(n_codebooks, dim=-1)):
        logits = 10 * torch.cosine_similarity(
            queries[:, None], books[book], dim=-1
        )
        targets = codes[:, book] + 4
        loss = torch.nn.functional.cross_entropy(logits, targets)
        theirs = numbers["nce_per_codebook"][book]
        assert abs(loss - theirs) <= 1e-4 * theirs
        # The special rows, which are never right, are out of the softmax.
        logits[:, :4] = -torch.inf
        loss = torch.nn.functional.cross_entropy(logits, targets)
        torch.testing.assert_close(found["losses"][book], loss)
    weight = filled["cqt"].projection.weight
    assert torch.equal(weight, heads["encoder_cqt_model.fc.weight"])
