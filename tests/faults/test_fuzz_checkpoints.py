"""Checkpoints of every layout, and SpeechBrain's folders, damaged.

Authors
 * The mert_sb developers 2026
"""

import io
import json
import shutil
import zipfile

import pytest
import torch

from tests.faults.fuzzing import Reader, assert_none_lost
from tests.faults.mutate import mutated, mutated_json, mutated_text
from tests.faults.test_fuzz_stores import spoiled_head
from tests.utils.originals import fairseq_file, huggingface_folder, tiny_student

# Of each layout, and of a run's own folder.
N_CASES = 700
N_RECOVERED = 700


def spoiled_copy(source, sign=None):
    """A spoiler of one file of a folder; ``sign`` may make good its checksums."""

    def spoil(rng, place):
        copy = shutil.copytree(source, place / source.name)
        files = [path for path in copy.rglob("*") if path.is_file()]
        files = sorted(f for f in files if f.name not in ("README.md", "a.wav"))
        path = files[rng.integers(len(files))]
        path.write_bytes(damaged(path, rng))
        if sign is not None and rng.random() < 0.7:
            sign(copy)
        return copy

    return spoil


def damaged(path, rng):
    """A file's bytes, damaged as befits its kind."""
    data, kind = path.read_bytes(), path.suffix
    if rng.random() < 0.2:
        return mutated(data, rng)
    if kind == ".json":
        return mutated_json(json.loads(data), rng)
    if kind == ".safetensors":
        return spoiled_head(data, rng)
    if kind in (".yaml", ".txt", ".csv"):
        return mutated_text(data.decode(), rng)
    if zipfile.is_zipfile(io.BytesIO(data)):
        return damaged_archive(data, rng)
    return mutated(data, rng)


def damaged_archive(data, rng):
    """A whole archive of torch's with a damaged member."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(packed, "w") as new,
    ):
        names = old.namelist()
        pickles = [name for name in names if name.endswith(".pkl")]
        chosen = pickles if rng.random() < 0.8 else names
        target = chosen[rng.integers(len(chosen))]
        for name in names:
            content = old.read(name)
            changed = mutated(content, rng, 2) if name == target else content
            new.writestr(name, changed)
    return packed.getvalue()


def original(place):
    """Opens a checkpoint of any layout, and says what it is."""
    from mert_sb.inference.checkpoint import build_student
    from mert_sb.inference.commands.inspection import inspect_checkpoint
    from mert_sb.inference.convert import read_checkpoint

    files = list(place.rglob("*.pt"))
    source = files[0] if files else place
    inspect_checkpoint(source)
    build_student(read_checkpoint(source))


def make_bin(folder):
    huggingface_folder(folder, tiny_student())


def make_safetensors(folder):
    huggingface_folder(folder, tiny_student(), weights="model.safetensors")


def make_fairseq(folder):
    folder.mkdir()
    fairseq_file(folder / "a.pt", tiny_student())


def make_old_fairseq(folder):
    folder.mkdir()
    path = fairseq_file(folder / "a.pt", tiny_student())
    contents = torch.load(path, weights_only=True)
    torch.save(contents, path, _use_new_zipfile_serialization=False)


def make_exported(folder):
    from mert_sb.inference import export_student

    export_student(tiny_student(), folder)


LAYOUTS = {
    "pytorch_model.bin": make_bin,
    "model.safetensors": make_safetensors,
    "fairseq": make_fairseq,
    "fairseq, older format": make_old_fairseq,
    "exported": make_exported,
}


def layout_reader(name, folder):
    """The reader of a layout."""
    source = folder / "model"
    LAYOUTS[name](source)
    documented = (OSError, ValueError)
    return Reader(name, spoiled_copy(source), original, documented)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(tmp_path, name):
    assert_none_lost(layout_reader(name, tmp_path), N_CASES, tmp_path)


def recoverables():
    """What a run's checkpoint has: of torch, of SpeechBrain and of our own."""
    from speechbrain.utils.epoch_loop import EpochCounter

    from mert_sb.downstream.base import Base, Setup
    from mert_sb.downstream.epoch_losses import EpochLosses
    from mert_sb.pretraining.recovery import Recovery
    from mert_sb.pretraining.spikes import LossWatch

    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    losses = EpochLosses()
    losses.append(torch.ones(2))
    return {
        "model": model,
        "optimizer": optimizer,
        "counter": EpochCounter(3),
        "base": Base(torch.nn.Linear(3, 2)),
        "setup": Setup(layer=1),
        "losses": losses,
        "recovery": Recovery(),
        "watch": LossWatch(),
    }


def recovery_reader(folder):
    """Goes on from the newest checkpoint of a folder."""
    from mert_sb.checkpoints import CompleteCheckpointer

    parts = recoverables()
    source = folder / "save"
    CompleteCheckpointer(source, parts).save_checkpoint(meta={"step": 3})

    def read(place):
        CompleteCheckpointer(place, parts).recover_if_possible()

    documented = (OSError, RuntimeError, ValueError)
    return Reader("run's checkpoints", spoiled_copy(source), read, documented)


def test_checkpoints_of_runs(tmp_path):
    assert_none_lost(recovery_reader(tmp_path), N_RECOVERED, tmp_path)
