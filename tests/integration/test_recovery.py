"""Training that diverges returns to its last good checkpoint and finishes.

Authors
 * The mert_sb developers 2026
"""

import csv
import json
import math
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

from mert_sb.recipe import run
from tests.integration.diverging import Diverging, Watched, recipe
from tests.integration.launch import command, finish
from tests.samples.make_samples import make_audio
from tests.utils.finetune_runs import logged, no_trace

HERE = Path(__file__).parent
RETURNS = "{max_returns: 1, patience: 2}"
CAREFUL = "{max_returns: 2, patience: 2, skip_steps: 3, lr_factor: 0.5}"
FITTED = ("mel_rvq.safetensors", "prepare.jsonl")
FLAGS = {
    "batch_size": 2,
    "number_of_epochs": 100,
    "optimizer_step_limit": 30,
    "log_interval": 2,
    "ckpt_interval_steps": 5,
    "lr": 0.01,
    # A step of Muon is as long as its rate says, whatever the gradient: it bursts
    # less than a test of divergence wants.
    "opt_class": "{matrix_lr: 0.0}",
    "loss_weights": "{cqt: 100.0}",
    "cqt_head": "{scale: 1.0}",
    "spikes": "{window: 10}",
}


class Interrupted(RuntimeError):
    """Stands for a kill."""


@pytest.fixture(scope="module", autouse=True)
def _process():
    with no_trace(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        yield
        sys.modules.pop("audiofolder_prepare", None)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    make_audio(folder)
    return folder


@pytest.fixture(scope="module")
def train(music, tmp_path_factory):
    """Runs the recipe in this process, with a Brain of the test's."""
    script, fitted = recipe(), tmp_path_factory.mktemp("fitted")

    def go(brain_class, output, **flags):
        (output / "save").mkdir(parents=True, exist_ok=True)
        for file in fitted.iterdir():
            shutil.copy(file, output / "save")
        _, _, *arguments = command("", music, output, **FLAGS | flags)
        brain = run(
            brain_class,
            script.prepare_audiofolder,
            script.dataio_prep,
            arguments,
        )
        for name in FITTED:
            shutil.copy(output / "save" / name, fitted)
        return brain

    return go


def weights(brain):
    """All of a Brain's, flat."""
    return torch.cat([p.detach().flatten() for p in brain.modules.parameters()])


def spikes(output):
    """Rows of the table."""
    with open(output / "spikes.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def returned(output):
    """From which step to which."""
    text = (output / "log.txt").read_text()
    pairs = re.findall(r"Step (\d+): .* to step (\d+) in", text)
    return [(int(late), int(early)) for late, early in pairs]


@pytest.fixture(scope="module")
def diverged(train, tmp_path_factory):
    """A run without recovery, and its folder."""
    output = tmp_path_factory.mktemp("diverged")
    return train(Diverging, output), output


@pytest.fixture(scope="module")
def recovered(train, tmp_path_factory):
    """A run with it, and its folder."""
    output = tmp_path_factory.mktemp("recovered")
    return train(Watched, output, recovery=CAREFUL), output


def test_a_divergence_returns_to_the_last_good_checkpoint_and_finishes(
    diverged, recovered
):
    brain, output = recovered
    losses = logged(output, "train", "loss")
    [(late, early)] = returned(output)
    assert brain.window.start < late and early < brain.window.start
    assert brain.back == {
        "step": early,
        "saved": early,
        "student": True,
        "moments": True,
        "dice": True,
    }
    assert brain.optimizer_step == FLAGS["optimizer_step_limit"]
    assert losses[-1] < min(losses[:3]) < 100 < max(losses)
    # Left to itself the same run does not come back.
    left = logged(diverged[1], "train", "loss")
    assert min(left[-3:]) > 1.5 * max(losses[-3:])
    assert not returned(diverged[1])


def test_a_log_line_has_each_instrument_once(diverged):
    text = (diverged[1] / "train_log.txt").read_text()
    line = text.splitlines()[0]
    names = re.findall(r"train (\w+): ", line)
    assert len(names) == len(set(names))
    values = {
        name: float(value)
        for name, value in re.findall(r"train (\w+): ([^,\s]+)", line)
    }
    parts = ("frontend", "layers_0_0", "layers_1_1", "other", "mel_rvq", "cqt")
    norms = [values[f"grad_norm_{part}"] for part in parts]
    # Before clipping: max_grad_norm is 10.
    assert math.hypot(*norms) > 10
    for kind in ("target", "predicted"):
        usage = values[f"mel_rvq_{kind}_usage"]
        assert 0 < usage <= 1
        perplexity = values[f"mel_rvq_{kind}_perplexity"]
        assert 1 <= perplexity <= usage * 16 + 1e-3
        assert f"valid mel_rvq_{kind}_perplexity" in text
    assert values["attention_logit_max"] > 0
    assert values["spikes"] == 0


def test_the_data_go_on_behind_the_window_that_led_there(diverged, recovered):
    seen, plain = recovered[0].seen, diverged[0].seen
    assert seen[: len(plain)] == plain
    places = [place[:2] for place in seen]
    assert sorted(set(places)) == places
    [(late, early)] = returned(recovered[1])
    # Three steps are passed over.
    assert len(seen) == FLAGS["optimizer_step_limit"] + late - early + 3


def test_an_epoch_began_where_it_began(recovered):
    # What is read ahead goes by it: it must not change within an epoch.
    began = recovered[0].began
    assert all(len(steps) == 1 for steps in began.values())
    assert began[1] == {0} and len(began) > 3


def test_the_rate_is_lower_after_a_return(diverged, recovered):
    text = (recovered[1] / "train_log.txt").read_text()
    lines = re.findall(r"step: (\d+) - train .* lr: ([^,]+)", text)
    steps = [int(step) for step, _ in lines]
    back = next(i for i in range(1, len(steps)) if steps[i] < steps[i - 1])
    before, after = dict(lines[:back]), dict(lines[back:])
    step = lines[back][0]
    assert float(after[step]) == pytest.approx(float(before[step]) / 2)


def test_spikes_are_listed_with_the_clips_of_their_batch(recovered):
    brain, output = recovered
    rows = spikes(output)
    burst = [row for row in rows if row["returns"] == "0"]
    [(late, _)] = returned(output)
    # All of them, and nothing else, are of the steps that led to the return.
    steps = {int(row["step"]) for row in burst}
    assert len(steps) >= 2
    assert steps <= set(range(brain.window.start, late + 1))
    for row in burst:
        assert float(row["loss"]) > float(row["threshold"])
        # Before the return a step is a batch.
        assert json.loads(row["ids"]) == brain.seen[int(row["step"]) - 1][2]


def test_a_run_killed_before_and_after_the_return_goes_on_exactly(
    train, recovered, tmp_path
):
    class Killed(Diverging):
        deadline = 0

        def fit_batch(self, batch):
            if len(self.seen) == self.deadline:
                raise Interrupted
            return super().fit_batch(batch)

    class Later(Killed):
        def fit_batch(self, batch):
            # In the middle of the data that are passed over.
            if self.recovery.to_skip == 1:
                raise Interrupted
            return super().fit_batch(batch)

    # The checkpoint before it is of step 19, between two log lines.
    Killed.deadline = Diverging.window.start
    for brain_class in (Killed, Later):
        with pytest.raises(Interrupted):
            train(brain_class, tmp_path, recovery=CAREFUL)
    brain = train(Diverging, tmp_path, recovery=CAREFUL)
    assert torch.equal(weights(brain), weights(recovered[0]))
    assert spikes(tmp_path) == spikes(recovered[1])
    # The return was saved: a restart does not go through it again.
    assert len(returned(tmp_path)) == brain.recovery.returns == 1
    for epoch, steps in brain.began.items():
        assert steps == recovered[0].began[epoch]


def test_a_divergence_that_comes_again_and_again_is_an_error(train, tmp_path):
    class Always(Diverging):
        returns = 99

    message = r"the loss stayed above .* after 1 returns .*max_returns.*spikes"
    with pytest.raises(RuntimeError, match=message):
        train(Always, tmp_path, recovery=RETURNS)


class Poisoned(Diverging):
    """Loses its loss from a step on."""

    window, poison = range(0), 18

    def compute_objectives(self, predictions, batch, stage):
        loss = super().compute_objectives(predictions, batch, stage)
        bad = self.optimizer_step >= self.poison and not self.recovery.returns
        return loss * math.nan if bad else loss


def test_a_loss_that_is_no_number_returns_too(train, tmp_path):
    brain = train(Poisoned, tmp_path, recovery=RETURNS)
    [(late, early)] = returned(tmp_path)
    # More than nonfinite_patience, 3.
    assert late == Poisoned.poison + 4 and early <= Poisoned.poison
    assert brain.optimizer_step == FLAGS["optimizer_step_limit"]
    assert weights(brain).isfinite().all()
    assert math.isfinite(logged(tmp_path, "train", "loss")[-1])
    lost = [row for row in spikes(tmp_path) if row["loss"] == "nan"]
    assert len(lost) == 4


def test_without_a_good_checkpoint_a_divergence_is_an_error(train, tmp_path):
    class Early(Poisoned):
        poison = 1

    with pytest.raises(RuntimeError, match="no checkpoint was followed"):
        train(Early, tmp_path, recovery=RETURNS, ckpt_interval_steps=2)


def test_two_processes_return_together(music, recovered, tmp_path):
    (tmp_path / "save").mkdir()
    for name in FITTED:
        shutil.copy(recovered[1] / "save" / name, tmp_path / "save")
    flags = {"batch_size": 1, "grad_accumulation_factor": 2}
    arguments = command(
        HERE / "diverging.py",
        music,
        tmp_path,
        processes=2,
        recovery=CAREFUL,
        **FLAGS | flags,
    )
    finish(arguments)
    first, second = (
        json.loads((tmp_path / f"rank{rank}.json").read_text())
        for rank in (0, 1)
    )
    assert first == second and first["finite"]
    assert first["returns"] == 1 == len(returned(tmp_path))
    assert first["steps"] == FLAGS["optimizer_step_limit"]
    clips = json.loads(spikes(tmp_path)[0]["ids"])
    # Two processes, two micro-batches of a clip.
    assert len(set(clips)) == 4
