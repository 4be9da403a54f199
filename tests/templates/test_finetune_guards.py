"""The fine-tuning template refuses what would give numbers without a meaning.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile
import torch

from mert_sb.inference import export_student
from tests.utils.finetune_runs import FLAGS, RATE, logged, original

pytestmark = pytest.mark.usefixtures("process")


@pytest.fixture(scope="module")
def lora(fit, tmp_path_factory):
    """Output folder of a short run with adapters."""
    output = tmp_path_factory.mktemp("lora") / "run"
    fit("lora", output, number_of_epochs=1)
    return output


def test_nothing_is_tested_that_was_not_trained(fit, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint.*output_folder"):
        fit("frozen", tmp_path / "mistyped", test_only=True)


def test_a_checkpoint_is_not_loaded_on_another_encoder(
    fit, lora, pretrained, tmp_path
):
    student = original(pretrained)
    with torch.no_grad():
        student.projection.bias += 0.01
    other = export_student(student, tmp_path / "other")
    with pytest.raises(ValueError, match="trained on another encoder"):
        fit("lora", lora, test_only=True, pretrained=other)


def test_a_checkpoint_is_not_loaded_with_other_adapters(fit, lora):
    keys = {"target_layers": ["encoder.layers.*.attention.k_proj"]}
    with pytest.raises(ValueError, match="other layers adapted"):
        fit("lora", lora, test_only=True, adapted=keys)


def test_a_pattern_that_fits_nothing_is_refused(fit, tmp_path):
    keys = {"target_layers": ["encoder.layers.*.attention.[qv]_projj"]}
    with pytest.raises(ValueError, match="target_layers: no layer"):
        fit("lora", tmp_path, adapted=keys)


def test_a_file_never_moves_into_the_test_set(fit, lora):
    for changed in ({"split_seed": 5}, {"test_share": 0.5}):
        prepare = FLAGS["prepare"] | changed
        with pytest.raises(ValueError, match="Give another output_folder"):
            fit("lora", lora, test_only=True, prepare=prepare)
    # Another seed trains otherwise, on the same files.
    fit("lora", lora, test_only=True, seed=5)


def test_rows_after_a_files_first_are_read(train, fit, tmp_path):
    for name in "ab":
        (tmp_path / "music" / name).mkdir(parents=True)
        for index in range(3):
            # Each half second louder than the one before.
            wav = np.repeat(np.linspace(0.1, 0.4, 4), RATE // 2)
            noise = np.random.default_rng(index).uniform(-1, 1, len(wav))
            path = tmp_path / "music" / name / f"{index}.wav"
            soundfile.write(path, wav * noise, RATE)
    seen = {}

    class Spy(train.Classifier):
        def compute_objectives(self, predictions, batch, stage):
            for item, wav in zip(batch.id, batch.sig.data, strict=True):
                if stage == train.sb.Stage.TEST:
                    seen[item] = float(wav.abs().max())
            return super().compute_objectives(predictions, batch, stage)

    fit(
        "frozen",
        tmp_path / "run",
        Spy,
        data_folder=tmp_path / "music",
        number_of_epochs=1,
        prepare=FLAGS["prepare"] | {"segment_seconds": 0.5, "min_seconds": 0.5},
    )
    loudness = {item: round(peak, 1) for item, peak in seen.items()}
    assert len(loudness) == 6
    # Three rows of a file, each louder than the one before.
    assert sorted(loudness.values()) == [0.2, 0.2, 0.3, 0.3, 0.4, 0.4]


def test_a_padded_clip_counts_its_own_frames_alone(train, fit, tmp_path):
    """With a norm that does not look beyond a frame, padding changes nothing."""
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / "music" / name).mkdir(parents=True)
        for index in range(10):
            # Test and validation have short clips and long ones.
            seconds = 0.3 if index % 2 else 0.5
            wav = 0.2 * rng.standard_normal(round(seconds * RATE))
            path = tmp_path / "music" / name / f"{index}.wav"
            soundfile.write(path, wav, RATE)
    student = dict.fromkeys(("conv_norm",), "layer")
    pretrained = export_student(original_with(student), tmp_path / "encoder")
    flags = {
        "data_folder": tmp_path / "music",
        "student": FLAGS["student"] | student,
        "pretrained": pretrained,
        "number_of_epochs": 1,
        "prepare": FLAGS["prepare"] | {"test_share": 0.4, "valid_share": 0.2},
    }
    output = tmp_path / "run"
    fit("frozen", output, **flags)
    options = {"num_workers": 0, "batch_size": 1}
    fit(
        "frozen",
        output,
        **flags,
        test_only=True,
        valid_dataloader_opts=options,
    )
    together, alone = logged(output, "test", "loss")
    assert together == pytest.approx(alone, rel=1e-3)


def original_with(settings):
    """A tiny student of other settings."""
    from mert_sb.student import MERT
    from tests.utils.finetune_runs import TINY

    sizes = {"embed_dim": 32, "num_layers": 2, "normalize_wavs": True}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MERT(**TINY, **sizes, **settings)
