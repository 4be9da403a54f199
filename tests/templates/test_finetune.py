"""The fine-tuning template: its three modes, on tones anybody can tell apart.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile
import torch

from tests.utils.finetune_runs import (
    DROPS,
    FLAGS,
    MODES,
    RATE,
    logged,
    newest,
    original,
    weights,
)

pytestmark = pytest.mark.usefixtures("process")


@pytest.fixture(scope="module")
def finished(fit, tmp_path_factory):
    """Output folder and Brain of a run of six epochs, made once for each mode."""
    runs = {}

    def finished(mode):
        if mode not in runs:
            output = tmp_path_factory.mktemp(mode) / "run"
            brain = fit(mode, output, number_of_epochs=6)
            runs[mode] = output, brain, weights(brain)
        return runs[mode]

    return finished


@pytest.mark.parametrize("mode", MODES)
def test_it_learns_and_says_how_well(finished, mode):
    output, _, _ = finished(mode)
    for kind in ("train", "valid"):
        losses = logged(output, kind, "loss")
        assert len(losses) == 6
        assert losses[-1] < 0.7 * losses[0]
    assert logged(output, "valid", "accuracy")[-1] == 1.0
    assert logged(output, "test", "accuracy") == [1.0]
    names = (output / "save" / "label_encoder.txt").read_text()
    assert names.startswith("'high' => 0\n'low' => 1\n")


def test_frozen_no_dropout_is_active_and_nothing_changes(
    train, fit, pretrained, tmp_path
):
    reference = original(pretrained).eval()
    expected = reference.state_dict()
    seen = []

    class Spy(train.Classifier):
        def compute_forward(self, batch, stage):
            if stage == train.sb.Stage.TRAIN:
                frozen = self.modules.encoder.frozen
                wavs, lengths = batch.sig
                options = {"output_hidden_states": True}
                states = self.modules.encoder(wavs, lengths, **options)
                same = torch.equal(states, reference(wavs, lengths, **options))
                modes = {module.training for module in frozen.modules()}
                seen.append((self.modules.training, modes, same))
            return super().compute_forward(batch, stage)

    student = FLAGS["student"] | DROPS
    brain = fit("frozen", tmp_path, Spy, student=student, number_of_epochs=2)
    assert seen == [(True, {False}, True)] * 4
    state = brain.modules.encoder.frozen.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in state)
    named = [group["name"] for group in brain.optimizer.param_groups]
    assert named == ["layer_mix", "head"]
    saved = {path.name for path in newest(tmp_path).glob("*.ckpt")}
    assert not {"student.ckpt", "frozen.ckpt"} & saved


def test_full_all_of_the_student_learns_the_lower_the_slower(
    finished, pretrained
):
    output, brain, _ = finished("full")
    before = original(pretrained).state_dict()
    after = brain.modules.encoder.state_dict()
    same = [name for name in after if torch.equal(after[name], before[name])]
    # Nothing is masked here.
    assert same == ["mask_embedding"]
    groups = {g["name"]: g for g in brain.optimizer.param_groups}
    base = {name: group["initial_lr"] for name, group in groups.items()}
    assert base == pytest.approx(
        {
            "encoder_00": 3e-5 * 0.8**2,
            "encoder_01": 3e-5 * 0.8,
            "encoder_02": 3e-5,
            "layer_mix": 0.02,
            "head": 0.02,
        }
    )
    for name, group in groups.items():
        rates = logged(output, "train", f"lr_{name}")
        assert len(rates) == 6
        # Two steps an epoch; 2 steps of warm-up and 2,000 in all.
        factors = [1 - step / 1_998 for step in range(0, 12, 2)]
        expected = [base[name] * factor for factor in factors]
        assert rates == pytest.approx(expected, rel=1e-3)
        assert group["lr"] == pytest.approx(expected[-1])


def test_lora_adapters_learn_and_the_rest_does_not(finished, pretrained):
    output, brain, _ = finished("lora")
    before = original(pretrained).state_dict()
    state = brain.modules.encoder.adapted_model.state_dict()
    adapters = {name for name in state if ".adapter_" in name}
    assert len(adapters) == 2 * 2 * 2  # layers, queries and values, down and up
    for name in state.keys() - adapters:
        plain = name.replace(".pretrained_module", "")
        assert torch.equal(state[name], before[plain]), name
    assert all(state[name].any() for name in adapters)
    saved = torch.load(newest(output) / "adapted.ckpt", weights_only=True)
    assert saved.keys() == {f"adapted_model.{name}" for name in adapters}
    size = (newest(output) / "adapted.ckpt").stat().st_size
    assert size < 0.2 * (pretrained / "student.safetensors").stat().st_size


@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_run_goes_on_to_the_same_weights(
    fit, finished, tmp_path, mode
):
    _, _, expected = finished(mode)
    brain = fit(mode, tmp_path, number_of_epochs=3)
    assert brain.optimizer_step == 6
    brain = fit(mode, tmp_path, number_of_epochs=6)
    assert brain.optimizer_step == 12
    assert logged(tmp_path, "train", "loss") == logged(
        finished(mode)[0], "train", "loss"
    )
    state = weights(brain)
    assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_the_test_set_can_be_asked_again(fit, finished, tmp_path):
    output, _, expected = finished("lora")
    before = logged(output, "test", "loss")
    brain = fit("lora", output, test_only=True, number_of_epochs=6)
    state = weights(brain)
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert logged(output, "test", "loss") == before * 2


def test_clips_are_random_in_training_and_the_middle_otherwise(
    train, fit, music, tmp_path
):
    seen = {}

    class Spy(train.Classifier):
        def compute_objectives(self, predictions, batch, stage):
            for item, wav, share in zip(
                batch.id, batch.sig.data, batch.sig.lengths, strict=True
            ):
                length = round(float(share) * len(wav))
                clips = seen.setdefault(stage.name, {}).setdefault(item, [])
                clips.append(wav[:length].numpy())
            return super().compute_objectives(predictions, batch, stage)

    fit("frozen", tmp_path, Spy, number_of_epochs=2)
    files = {f"{p.parent.name}--{p.name}": p for p in music.glob("*/*.wav")}
    together = [item for items in seen.values() for item in items]
    assert sorted(together) == sorted(files)  # each in one split
    for stage in ("VALID", "TEST"):
        assert {item[:3] for item in seen[stage]} == {"hig", "low"}
    for stage, items in seen.items():
        for item, clips in items.items():
            wav, _ = soundfile.read(files[item], dtype="float32")
            wanted = min(len(wav), RATE // 2)
            assert all(len(clip) == wanted for clip in clips)
            start = (len(wav) - wanted) // 2
            middle = wav[start : start + wanted]
            if stage != "TRAIN":
                assert all(np.array_equal(clip, middle) for clip in clips)
    first, second = zip(*seen["TRAIN"].values(), strict=True)
    moved = [
        not np.array_equal(a, b) for a, b in zip(first, second, strict=True)
    ]
    assert sum(moved) > len(moved) / 2


def test_what_the_mode_has_not_is_refused(fit, tmp_path):
    with pytest.raises(KeyError, match="has no key encoder_lr"):
        fit("frozen", tmp_path, encoder_lr=0.1)


def test_a_wrong_number_of_classes_is_refused_by_name(fit, tmp_path):
    with pytest.raises(ValueError, match="n_classes is 3.*has 2: high, low"):
        fit("frozen", tmp_path, n_classes=3)


def test_weights_of_another_size_are_refused(fit, tmp_path):
    with pytest.raises(ValueError, match="num_layers"):
        fit("frozen", tmp_path, num_layers=3)
