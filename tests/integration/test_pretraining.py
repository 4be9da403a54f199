"""Whole runs of the AudioFolder recipe: killed, restarted, stored, distributed.

Authors
 * The mert_sb developers 2026
"""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from tests.integration.launch import FLAGS, command, finish, kill_when
from tests.samples.make_samples import make_audio

HERE = Path(__file__).parent
RATES = ("audio_per_second", "data_wait", "steps_per_second", "hours_left")


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder of music with a damaged file in it."""
    folder = tmp_path_factory.mktemp("audio")
    make_audio(folder)
    return folder


@pytest.fixture(scope="module")
def prepared(music, tmp_path_factory):
    """An output folder with manifests and a fitted MelRVQ, to copy from."""
    output = tmp_path_factory.mktemp("prepared") / "run"
    finish(command("train.py", music, output, number_of_epochs=0))
    return output


@pytest.fixture
def output(prepared, tmp_path):
    """A fresh output folder that need not fit MelRVQ again."""
    (tmp_path / "run" / "save").mkdir(parents=True)
    for name in ("mel_rvq.safetensors", "prepare.jsonl"):
        shutil.copy(prepared / "save" / name, tmp_path / "run" / "save")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def whole(music, prepared, tmp_path_factory):
    """Weights of a run that nothing interrupted."""
    output = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(prepared / "save", output / "save")
    finish(command("train.py", music, output))
    return weights(output)


def weights(output):
    """The exported student's bytes."""
    return (output / "encoder" / "student.safetensors").read_bytes()


def checkpoints(output):
    """Complete checkpoints of a run."""
    return sorted((output / "save").glob("CKPT*/COMPLETE"))


def test_damaged_file_is_listed_and_not_used(prepared):
    skipped = (prepared / "save" / "skipped.csv").read_text()
    assert "damaged.mp3" in skipped
    manifests = [
        (prepared / "save" / f"{name}.json").read_text()
        for name in ("train", "valid")
    ]
    assert "damaged" not in "".join(manifests)
    assert "deep/d.mp3" in "".join(manifests)


def test_killed_in_mid_epoch_ends_with_the_same_weights(music, output, whole):
    arguments = command("train.py", music, output)
    log = output / "log.txt"

    def second_epoch_has_a_checkpoint():
        text = log.read_text() if log.exists() else ""
        begun = text.partition("Going into epoch 2")[2]
        return "step: 8 " in begun and checkpoints(output)

    # Each with a Python of its own: so the seed of ``hash`` is another, too.
    kill_when(arguments, second_epoch_has_a_checkpoint, fresh=True)
    assert not (output / "encoder").exists()
    printed = finish(arguments, fresh=True)
    assert "Loading a checkpoint from" in printed
    assert "Going into epoch 1\n" not in printed
    assert weights(output) == whole


@pytest.mark.parametrize("file", [9, 13])
def test_killed_while_saving_starts_from_the_checkpoint_before(
    music, output, whole, file
):
    arguments = command("train.py", music, output)
    program, *rest = arguments
    die = [program, str(HERE / "die_while_saving.py"), str(file), *rest]
    finish(die, code=-9)
    complete = checkpoints(output)
    unfinished = set((output / "save").glob("CKPT*")) - {
        path.parent for path in complete
    }
    assert len(unfinished) == 1 and complete
    printed = finish(arguments)
    assert "Discarding the unfinished checkpoint" in printed
    assert f"Loading a checkpoint from {complete[-1].parent}" in printed
    assert weights(output) == whole


def test_stored_targets_train_as_live_ones(music, output, tmp_path):
    step = {"crop_step": 37}
    finish(command("train.py", music, output, **step))
    live = losses(output)
    stored = {"stored": f"{{mel_rvq: {tmp_path / 'shelf'}}}"}
    second = tmp_path / "second"
    shutil.copytree(output / "save", second / "save")
    for path in (second / "save").glob("CKPT*"):
        shutil.rmtree(path)
    # The fitted file is the same wherever it lies.
    finish(command("extract_targets.py", music, second, **step, **stored))
    printed = finish(
        command("extract_targets.py", music, second, **step, **stored)
    )
    assert "0.00 hours of train windows" in printed
    finish(command("train.py", music, second, **step, **stored))
    assert losses(second) == live
    other = command("train.py", music, second, crop_step=74, **stored)
    assert "crop_step is 37, not 74" in finish(other, code=1)


def losses(output):
    """What the log says, but for rates."""
    lines = (output / "train_log.txt").read_text().splitlines()
    return [
        [
            part
            for part in line.replace(" - ", ", ").split(", ")
            if not any(rate in part for rate in RATES)
        ]
        for line in lines
    ]


def test_two_processes_draw_apart_and_stay_together(music, output):
    probe = str(HERE / "probe_ranks.py")
    arguments = command(
        probe,
        music,
        output,
        processes=2,
        grad_accumulation_factor=2,
        train_dataloader_opts="{num_workers: 0, batch_size: 2}",
    )
    kill_when(arguments, lambda: len(checkpoints(output)) > 0)
    printed = finish(arguments)
    assert "Loading a checkpoint from" in printed
    first, second = (
        json.loads((output / f"rank{rank}.json").read_text()) for rank in (0, 1)
    )
    assert first["weights"] == second["weights"] and first["finite"]
    assert first["steps"] == second["steps"] > 2
    drawn = [{mask for _, mask in report["seen"]} for report in (first, second)]
    assert drawn[0] and not drawn[0] & drawn[1]
    ids = [
        [item for batch, _ in report["seen"] for item in batch]
        for report in (first, second)
    ]
    assert ids[0] != ids[1]


def test_exported_encoder_loads_and_gives_finite_features(whole, music, output):
    from mert_sb.inference import MusicEncoder

    finish(command("train.py", music, output, number_of_epochs=1))
    encoder = MusicEncoder.from_hparams(output / "encoder")
    states = encoder.encode_batch(torch.rand(2, 24_000))
    assert states.shape == (3, 2, 74, 32)
    assert states.isfinite().all()
    assert not encoder.mods.student.training
    assert weights(output) != whole


def test_a_step_limit_on_the_command_line_ends_the_schedule(music, output):
    limit = {"optimizer_step_limit": 4}
    finish(command("train.py", music, output, **limit))
    log = (output / "train_log.txt").read_text()
    rates = [float(rate) for rate in re.findall(r"train lr: (\S+),", log)]
    assert len(rates) == 4 and rates[0] > 0 and rates[-1] == 0


def test_targets_of_rows_cut_otherwise_are_not_taken(music, output, tmp_path):
    flags = {"crop_step": 37, "stored": f"{{mel_rvq: {tmp_path / 'shelf'}}}"}
    finish(command("extract_targets.py", music, output, **flags))
    flags["prepare"] = FLAGS["prepare"].replace("2.0", "3.0")
    printed = finish(command("train.py", music, output, **flags), code=1)
    assert "is not in the shelf" in printed
    dense = command(
        "extract_targets.py", music, output, **flags | {"crop_step": 1}
    )
    assert "74 times over" in finish(dense, code=1)


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("number_of_epoch", "1", "number_of_epoch"),
        ("student", "{num_layer: 1}", "student.num_layer"),
        ("max_grad_norm", "-1", "max_grad_norm"),
        ("stored", "{encodec: nowhere}", "encodec"),
        ("loss_weights", "{mel: 1.0}", "loss_weights.mel"),
        ("crop_frames", "7400", "min_seconds"),
        ("batch_size", "400", "not one step"),
        ("mask_probability", "0", "no frame was masked"),
        ("codebook_size", "32", "codebook_size is 16, not 32"),
    ],
)
def test_mistakes_are_named(music, output, key, value, message):
    arguments = command("train.py", music, output, **{key: value})
    assert message in finish(arguments, code=1)


def test_an_empty_or_missing_folder_is_named(tmp_path):
    missing = tmp_path / "missing"
    arguments = command("train.py", missing, tmp_path / "a")
    assert str(missing) in finish(arguments, code=1)
    missing.mkdir()
    assert str(missing) in finish(arguments, code=1)
