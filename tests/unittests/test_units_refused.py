"""Folders of units that are damaged, or put together from several, are not opened.

Authors
 * The mert_sb developers 2026
"""

import io
import pickle
import shutil

import pytest
import sentencepiece
import torch
from safetensors.torch import save_file

from mert_sb.inference import CheckpointError, export_student
from mert_sb.inference.units import (
    Codebook,
    UnitEncoder,
    fit_codebook,
    train_tokenizer,
)
from tests.utils.originals import tiny_student
from tests.utils.unit_folders import N_UNITS, edit, sign, write_folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("made") / "units")


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "units")


@pytest.mark.parametrize(
    "name",
    [
        "units.json",
        "codebook.safetensors",
        "tokens.model",
        "student.safetensors",
        "hyperparams.yaml",
    ],
)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        UnitEncoder.from_folder(folder)


def other_student(folder):
    """Of the same sizes: its units would be numbers like any others."""
    export_student(tiny_student(1, normalize_wavs=True), folder)


def other_codebook(folder):
    codebook = Codebook.read(folder / "codebook.safetensors")
    codebook.centroids += 1e-3
    codebook.save(folder / "codebook.safetensors")


def other_tokens(folder):
    units = torch.randint(N_UNITS, (999,)).tolist()
    model = train_tokenizer([units], N_UNITS, vocab_size=40)
    (folder / "tokens.model").write_bytes(model)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (other_student, "student.safetensors"),
        (other_codebook, "codebook.safetensors"),
        (other_tokens, "tokens.model"),
    ],
)
def test_a_file_of_another_folder_is_refused(folder, change, name):
    change(folder)
    reason = f"{name}: not the file that units.json names"
    with pytest.raises(CheckpointError, match=reason):
        UnitEncoder.from_folder(folder)
    sign(folder)
    UnitEncoder.from_folder(folder)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"layer": 3}, "layer: 3, but the student has states 0 to 2"),
        ({"layer": "2"}, "layer is '2', not a whole number from 0"),
        ({"codebook_size": 11}, "codebook_size is 11, but the files have 12"),
        ({"codebook_size": 70_000}, "70000, not a whole number of 1 to 65534"),
        ({"vocab_size": 41}, "vocab_size is 41, but the files have 40"),
        ({"collapse": "false"}, "collapse is 'false', not true or false"),
        ({"chunk_seconds": 0}, "chunk_seconds is 0, not a number above 0"),
        ({"chunk_seconds": 1e-3}, "0.001 is shorter than one frame"),
        ({"overlap_seconds": 1.5}, "overlap_seconds: 1.5 is not between"),
        ({"sample_rate": 16_000}, "sample_rate is 16000, the student's is"),
        ({"checksums": {}}, "there is no checksums.student.safetensors"),
        ({"results": None}, "there is no results"),
        ({"colour": "red"}, "nothing is known of colour"),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder, changed, reason):
    edit(folder, **changed)
    with pytest.raises(CheckpointError, match=reason):
        UnitEncoder.from_folder(folder)


TENSORS = {
    "centroids": torch.zeros(N_UNITS, 32),
    "mean": torch.zeros(32),
    "scale": torch.ones(32),
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"mean": None}, "holds centroids, scale; a codebook is"),
        ({"scale": torch.zeros(32)}, "its tensors are no codebook"),
        ({"mean": torch.full((32,), torch.nan)}, "are no codebook"),
        ({"mean": torch.zeros(31)}, "are no codebook"),
        ({"centroids": torch.zeros(32)}, "are no codebook"),
        ({"centroids": torch.zeros(11, 32)}, "no string of 11 units"),
        (
            {"centroids": torch.zeros(N_UNITS, 8)}
            | {"mean": torch.zeros(8), "scale": torch.ones(8)},
            "of states of width 8, but the student's have 32",
        ),
        (None, "no safetensors file, or a damaged one"),
    ],
)
def test_a_damaged_codebook_is_refused(folder, changed, reason):
    path = folder / "codebook.safetensors"
    if changed is None:
        path.write_bytes(pickle.dumps(TENSORS))
    else:
        tensors = TENSORS | changed
        save_file({k: v for k, v in tensors.items() if v is not None}, path)
    sign(folder)
    with pytest.raises(CheckpointError, match=reason):
        UnitEncoder.from_folder(folder)


def test_what_does_not_fit_is_not_written(tmp_path):
    small = train_tokenizer([[0, 1, 0, 1]], 2, vocab_size=3)
    narrow = fit_codebook(torch.rand(50, 8), N_UNITS)
    for changed, reason in (
        ({"layer": 3}, "layer: 3, but the student has"),
        ({"model": small}, "does not give back all units"),
        ({"codebook": narrow}, "of states of width 8"),
    ):
        with pytest.raises(CheckpointError, match=reason):
            write_folder(tmp_path / "units", **changed)
    assert not (tmp_path / "units").exists()


def text_model(**options):
    """A SentencePiece model of text."""
    model = io.BytesIO()
    lines = ["abc abe", "bce ace"] * 9
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=12,
        minloglevel=2,
        **options,
    )
    return model.getvalue()


def other_model(n_units):
    """A model of other units."""
    return train_tokenizer([list(range(n_units)) * 3], n_units, vocab_size=40)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda right: b"", "it is empty"),
        (lambda right: right[:-20], "or a damaged one"),
        (pickle.dumps, "or a damaged one"),
        (lambda right: text_model(), "token 1 is no string of 12 units"),
        (
            lambda right: text_model(bos_id=-1, eos_id=-1),
            "token 1 is no string of 12 units",
        ),
        (lambda right: other_model(13), "is no string of 12 units"),
        (lambda right: other_model(11), "does not give back all units"),
    ],
)
def test_a_damaged_or_foreign_tokenizer_is_refused(folder, model, reason):
    path = folder / "tokens.model"
    path.write_bytes(model(path.read_bytes()))
    sign(folder)
    with pytest.raises(CheckpointError, match=f"tokens.model.*{reason}"):
        UnitEncoder.from_folder(folder)
