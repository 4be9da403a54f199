"""Crops by epoch, masks by step: as planned, or refused before training.

Authors
 * The mert_sb developers 2026
"""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile
import torch

from mert_sb import frames
from tests.utils.music_folders import write
from tests.utils.recipe_tests import ROOT

PLAN = {"crop_frames": 74, "mask_probability": 0.8, "mask_length": 5}
TRAINING = {
    "number_of_epochs": 10,
    "optimizer_step_limit": 1_000,
    "grad_accumulation_factor": 2,
    "train_dataloader_opts": {"batch_size": 3, "drop_last": True},
}


@pytest.fixture(params=["AudioFolder", "Music4ALL"])
def train(request, monkeypatch):
    """The script of a pretraining recipe."""
    folder = ROOT / "recipes" / "pretrain" / request.param
    monkeypatch.syspath_prepend(str(folder))
    spec = importlib.util.spec_from_file_location(
        f"train_{request.param}", folder / "train.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hparams(tmp_path):
    """What a pretraining recipe's data are made of."""
    manifest = {}
    for name in "abcd":
        write(tmp_path / f"{name}.wav", seconds=2.0)
        row = {"wav": f"{{data_root}}/{name}.wav", "start": 0, "length": 48_000}
        manifest[name] = row
    (tmp_path / "rows.json").write_text(json.dumps(manifest))
    brain = SimpleNamespace(epoch_began=0)
    return TRAINING | {
        "seed": 1337,
        "sample_rate": 24_000,
        "crop_step": 1,
        "stored": {},
        "teachers": {},
        "fits": {},
        "shards": 1,
        "pretrained": None,
        "student": SimpleNamespace(subsample=1),
        "data_folder": str(tmp_path),
        "train_manifest": str(tmp_path / "rows.json"),
        "valid_manifest": str(tmp_path / "rows.json"),
        "epoch_counter": SimpleNamespace(current=1),
        "checkpointer": SimpleNamespace(recoverables={"brain": brain}),
        "train_dataloader_opts": {"batch_size": 2, "num_workers": 0},
        "grad_accumulation_factor": 1,
        **PLAN,
    }


def enter(hparams, epoch, step):
    """Let an epoch begin."""
    hparams["epoch_counter"].current = epoch
    hparams["checkpointer"].recoverables["brain"].epoch_began = step


def test_recipes_cut_clips_by_epoch(train, hparams):
    hparams["crop_frames"] = [[1, 30], [2, 74]]
    datasets = train.dataio_prep(hparams)
    for epoch, n_frames in ((1, 30), (2, 74), (3, 74)):
        enter(hparams, epoch, 0)
        item = datasets["train"][0]
        assert item["sig"].shape == (frames.n_samples(n_frames),)
        assert item["mask"].shape == (n_frames,)
        assert datasets["valid"][0]["mask"].shape == (74,)


@pytest.mark.parametrize(("subsample", "n_masked"), [(1, 74), (2, 37), (3, 24)])
def test_recipes_mask_the_students_frames(train, hparams, subsample, n_masked):
    hparams["student"].subsample = subsample
    item = train.dataio_prep(hparams)["train"][0]
    assert item["sig"].shape == (frames.n_samples(74),)
    assert item["mask"].shape == (n_masked,)


WHOLE = {
    "crop_frames": None,
    "mask_probability": 0.0,
    "train_dataloader_opts": {"batch_size": 1, "num_workers": 0},
    "valid_dataloader_opts": {"batch_size": 1},
    "mixture": SimpleNamespace(probability=0.0),
    "hiding": SimpleNamespace(from_batch=False),
}


def set_lengths(hparams, **lengths):
    """Let rows have other lengths."""
    path = Path(hparams["train_manifest"])
    manifest = json.loads(path.read_text())
    for name, length in lengths.items():
        manifest[name]["length"] = length
    path.write_text(json.dumps(manifest))


def test_recipes_take_whole_rows(train, hparams):
    set_lengths(hparams, b=30_123, c=9_999, d=400)
    hparams |= WHOLE
    datasets = train.dataio_prep(hparams)
    for dataset in datasets.values():
        masks = [len(item["mask"]) for item in dataset]
        assert masks == [149, 93, 30, 1]
        samples = [len(item["sig"]) for item in dataset]
        assert samples == [frames.n_samples(count) for count in masks]
    wav, _ = soundfile.read(Path(hparams["data_folder"]) / "b.wav")
    item = datasets["train"][1]
    torch.testing.assert_close(
        item["sig"].double(), torch.from_numpy(wav[: len(item["sig"])])
    )


def fitted(train, hparams, **changed):
    """What clips a teacher is fitted to."""
    wavs = []
    changed["fits"] = {"cqt": lambda batches: [*map(wavs.extend, batches)]}
    train.dataio_prep(hparams | changed)
    return wavs


def test_of_whole_rows_teachers_are_fitted_to_an_excerpt_each(train, hparams):
    long = Path(hparams["data_folder"]) / "a.wav"
    write(long, seconds=20.0)
    set_lengths(hparams, a=480_000, d=9_999)
    wavs = fitted(train, hparams | WHOLE)
    lengths = sorted(wav.shape[-1] for wav in wavs)
    counts = (30, 149, 149, 376)
    assert lengths == [frames.n_samples(count) for count in counts]
    (found,) = [wav for wav in wavs if wav.shape[-1] == lengths[-1]]
    song, _ = soundfile.read(long, dtype="float32")
    windows = torch.from_numpy(song).unfold(0, lengths[-1], frames.HOP_LENGTH)
    assert [torch.equal(found, w) for w in windows].count(True) == 1
    again = fitted(train, hparams | WHOLE)
    assert all(map(torch.equal, wavs, again))
    others = fitted(train, hparams | WHOLE, seed=7)
    assert not any(torch.equal(found, wav) for wav in others)


def test_of_crops_teachers_are_fitted_to_what_the_student_hears(train, hparams):
    wavs = fitted(train, hparams)
    assert [wav.shape for wav in wavs] == [(frames.n_samples(74),)] * 4


def test_recipes_mask_by_the_step_at_which_an_epoch_began(train, hparams):
    hparams["mask_probability"] = [[0, 0.1], [4, 0.8]]
    hparams["mask_length"] = [[0, 2], [2, 5]]
    datasets = train.dataio_prep(hparams)
    shares, held_out = [], []
    for epoch, step in ((1, 0), (2, 2), (3, 4)):
        enter(hparams, epoch, step)
        masks = [item["mask"] for item in datasets["train"]]
        shares.append(torch.stack(masks).float().mean())
        masks = [item["mask"] for item in datasets["valid"]]
        held_out.append(torch.stack(masks))
    # 2 spans at least: 4 frames of 74, then 10, then 58 %.
    assert shares[0] < 0.12 and 0.1 < shares[1] < 0.2 and shares[2] > 0.4
    assert torch.equal(held_out[0], held_out[1])
    assert torch.equal(held_out[0], held_out[2])
    assert held_out[0].float().mean() > 0.4


def test_recipes_read_one_shard_an_epoch(train, hparams):
    hparams["shards"] = 2
    datasets = train.dataio_prep(hparams)
    seen = []
    for epoch in (1, 2):
        enter(hparams, epoch, 0)
        seen.append({item["id"] for item in datasets["train"]})
    assert [len(ids) for ids in seen] == [2, 2]
    assert seen[0] | seen[1] == set("abcd")
    assert len(datasets["valid"]) == 4


def test_recipes_refuse_what_could_not_be_followed(train, hparams):
    with pytest.raises(ValueError, match="epoch 99"):
        train.dataio_prep(hparams | {"crop_frames": [[1, 30], [99, 74]]})
    stored = {"stored": {"cqt": "x"}, "crop_frames": [[1, 30], [2, 74]]}
    with pytest.raises(ValueError, match="stored: "):
        train.dataio_prep(hparams | stored)
