"""A trained student's layer as a teacher's features: its codes and no other's.

Authors
 * The mert_sb developers 2026
"""

import shutil

import pytest
import torch

from mert_sb.inference import MusicEncoder, StudentFrames, export_student
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.teachers import KMeansTeacher, fit_kmeans
from mert_sb.teachers.features import run_features
from tests.utils.originals import tiny_student


def noise(n=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 6_000, generator=generator)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("student") / "encoder"
    return export_student(tiny_student(dropout=0.5, layerdrop=0.9), path)


def fit(path, source, **options):
    features = StudentFrames(source, **{"layer": 1, **options})
    report = fit_kmeans([noise()], path, features=features, n_codes=8)
    return features, report


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_they_are_the_states_of_the_layer(folder, layer):
    expected = MusicEncoder.from_original(folder).encode_batch(
        noise(), layers=layer
    )
    features = StudentFrames(folder, layer=layer)
    assert features.dim == 32
    torch.testing.assert_close(features(noise()), expected)


def test_no_layer_above_is_run(folder):
    features = StudentFrames(folder, layer=1)
    ran = []
    for number, layer in enumerate(features.student.encoder.layers):
        layer.register_forward_hook(lambda *_, n=number: ran.append(n))
    features(noise())
    assert ran == [0]


def test_clips_are_encoded_so_many_at_once(folder):
    features = StudentFrames(folder, layer=1, batch_size=2)
    sizes = []
    features.student.register_forward_pre_hook(
        lambda _, inputs: sizes.append(len(inputs[0]))
    )
    states = features(noise())
    assert sizes == [2, 2, 1]
    whole = StudentFrames(folder, layer=1)(noise())
    torch.testing.assert_close(states, whole, atol=1e-5, rtol=1e-4)


def test_half_precision_is_near_and_not_equal(folder):
    full = StudentFrames(folder, layer=2)(noise())
    features = StudentFrames(folder, layer=2, precision="bf16")
    # Whatever the training's own precision is.
    with torch.autocast("cpu", torch.bfloat16):
        states = run_features(features, noise())
        assert torch.equal(
            run_features(StudentFrames(folder, layer=2), noise()), full
        )
    assert states.dtype == torch.float32
    assert 0 < (states - full).norm() / full.norm() < 0.05


def test_it_never_trains_nor_learns(folder, tmp_path):
    features, report = fit(tmp_path / "a", folder)
    teacher = KMeansTeacher(path=tmp_path / "a", features=features)
    torch.nn.ModuleList([teacher, features]).train()
    assert not any(module.training for module in features.modules())
    assert not any(p.requires_grad for p in features.parameters())
    assert not features(noise().requires_grad_()).requires_grad
    codes = teacher(noise()).flatten()
    assert torch.bincount(codes, minlength=8).tolist() == report["usage"][0]


def test_building_one_draws_nothing(folder):
    before = torch.random.get_rng_state()
    StudentFrames(folder, layer=1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_codes_of_other_features_are_refused(folder, tmp_path):
    path = tmp_path / "fitted"
    fit(path, folder)
    other = export_student(tiny_student(seed=1), tmp_path / "other")
    relaxed = export_student(
        tiny_student(normalize_wavs=True), tmp_path / "normalised"
    )
    for source, options, fault in (
        (other, {}, "weights is [0-9a-f]{32}, not [0-9a-f]{32}; give those"),
        (relaxed, {}, "student is .*'normalize_wavs': False"),
        (folder, {"layer": 2}, "layer is 1, not 2"),
        (folder, {"precision": "bf16"}, "precision is fp32, not bf16"),
    ):
        features = StudentFrames(source, **{"layer": 1, **options})
        with pytest.raises(ValueError, match=f"other features: .*{fault}"):
            KMeansTeacher(path=path, features=features)
        with pytest.raises(ValueError, match="is there already"):
            fit(path, source, **options)


def test_the_same_weights_are_the_same_wherever_they_lie(folder, tmp_path):
    path = tmp_path / "fitted"
    features, _ = fit(path, folder)
    copy = shutil.copytree(folder, tmp_path / "copy")
    theirs = write_huggingface(
        tiny_student(dropout=0.1), tmp_path / "huggingface"
    )
    for source in (copy, theirs):
        again = StudentFrames(source, layer=1, batch_size=3)
        assert again.identity == features.identity
        KMeansTeacher(path=path, features=again)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"layer": 3}, "layer: 3, but .* has states 0 to 2"),
        ({"layer": -1}, "layer: -1, but"),
        ({"layer": True}, "layer: True, but"),
        ({"layer": 1, "sample_rate": 16_000}, "16000, but .* is for 24000 Hz"),
        ({"layer": 1, "precision": "fp16"}, "'fp16' is none of fp32, bf16"),
        ({"layer": 1, "batch_size": 0}, "batch_size: 0 is no number of clips"),
    ],
)
def test_what_cannot_be_is_refused(folder, options, fault):
    with pytest.raises(ValueError, match=fault):
        StudentFrames(folder, **options)


def test_a_student_that_joins_frames_is_refused(tmp_path):
    source = export_student(tiny_student(subsample=3), tmp_path / "slow")
    with pytest.raises(
        ValueError, match="subsample: .*slow joins 3 .*sample: 1"
    ):
        StudentFrames(source, layer=1)


def test_a_missing_student_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        StudentFrames(tmp_path / "absent", layer=1)
