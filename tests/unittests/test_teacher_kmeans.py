"""KMeansTeacher: the nearest centre of each frame, of files that fit the features.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from mert_sb.pretraining.extract import fingerprint
from mert_sb.student import MERT
from mert_sb.teachers import (
    ChromaFrames,
    FrameFeatures,
    KMeansTeacher,
    LogMelFrames,
    fit_kmeans,
    fit_mel_rvq,
)
from mert_sb.teachers.base import file_checksum
from tests.utils.teacher_frames import Given, clips_of, clusters, fit


def noise(n_clips=3, n_samples=24_080, seed=0):
    dice = torch.Generator().manual_seed(seed)
    wavs = torch.randn(n_clips, n_samples, generator=dice)
    return wavs * torch.linspace(0.01, 1, n_samples)


@pytest.fixture
def fitted(tmp_path):
    """Points, clips, labels, and a file of a codebook for each point."""
    points, rows, labels = clusters(12, 50)
    path = tmp_path / "fitted.safetensors"
    fit(path, rows, 12)
    return points, clips_of(rows.view(-1, 10, 4)), labels, path


def test_codes_name_the_clusters(fitted):
    points, wavs, labels, path = fitted
    teacher = KMeansTeacher(path=path, features=Given(4))
    codes = teacher(wavs)
    assert codes.shape == (60, 10, 1) and codes.dtype == torch.int64
    names = torch.cdist(points, teacher.codebooks[0].codes).argmin(1)
    assert torch.equal(codes.flatten(), names[labels])
    assert (teacher.n_codebooks, teacher.codebook_size) == (1, 12)


@pytest.mark.parametrize("standardize", [False, True])
def test_codes_are_the_nearest_of_all(tmp_path, standardize):
    features = LogMelFrames(24_000, n_mels=40)
    path = tmp_path / "fitted"
    settings = {"n_codes": 20, "standardize": standardize, "restarts": 1}
    fit_kmeans([noise()], path, features=features, **settings)
    teacher = KMeansTeacher(path=path, features=features)
    book = teacher.codebooks[0]
    rows = features(noise(seed=1)).double()
    if standardize:
        assert (book.mean.abs() > 0.1).all() and (book.scale != 1).all()
        rows = (rows - book.mean) / book.scale
    else:
        assert (book.mean == 0).all() and (book.scale == 1).all()
    distances = (rows[:, :, None] - book.codes.double()).norm(dim=-1)
    assert torch.equal(teacher(noise(seed=1))[..., 0], distances.argmin(-1))


def test_codes_are_those_of_scikit_learns_model(tmp_path):
    from sklearn.cluster import KMeans

    features = ChromaFrames(24_000, n_chroma=24)
    path = tmp_path / "fitted"
    fit_kmeans([noise()], path, features=features, n_codes=20, method="sklearn")
    teacher = KMeansTeacher(path=path, features=features)
    centres = teacher.codebooks[0].codes.numpy()
    model = KMeans(20, init=centres, n_init=1, max_iter=1).fit(centres)
    rows = features(noise(seed=1)).flatten(0, 1).numpy()
    expected = torch.from_numpy(model.predict(rows)).long()
    assert torch.equal(teacher(noise(seed=1)).flatten(), expected)


def test_usage_in_the_report_is_that_of_the_codes_given(tmp_path):
    features = LogMelFrames(24_000, n_mels=40)
    path = tmp_path / "fitted"
    report = fit_kmeans([noise()], path, features=features, n_codes=20)
    codes = KMeansTeacher(path=path, features=features)(noise()).flatten()
    assert report["usage"] == [torch.bincount(codes, minlength=20).tolist()]


def test_codebooks_stand_side_by_side(tmp_path):
    mel = LogMelFrames(24_000, n_mels=40)
    chroma = ChromaFrames(24_000, n_chroma=24)
    paths = [tmp_path / "mel", tmp_path / "chroma"]
    fit_kmeans([noise()], paths[0], features=mel, n_codes=20, restarts=1)
    fit_kmeans([noise()], paths[1], features=chroma, n_codes=12, restarts=1)
    both = KMeansTeacher(path=paths, features=[mel, chroma])
    assert (both.n_codebooks, both.codebook_size) == (2, 20)
    codes = both(noise(seed=1))
    pairs = enumerate(zip(paths, (mel, chroma), strict=True))
    for number, (path, features) in pairs:
        alone = KMeansTeacher(path=path, features=features)(noise(seed=1))
        assert torch.equal(codes[..., number], alone[..., 0])
    with pytest.raises(ValueError, match="is LogMelFrames, not Chroma"):
        KMeansTeacher(path=paths, features=[chroma, mel])


def test_features_of_several_codebooks_are_computed_once(fitted, tmp_path):
    _, wavs, _, path = fitted
    other = tmp_path / "other"
    fit(other, clusters(12, 50)[1], 9)
    features = Given(4)
    codes = KMeansTeacher(path=[path, other], features=features)(wavs)
    assert codes.shape == (60, 10, 2)
    assert features.calls == 1


def test_a_file_fitted_on_other_features_is_refused(fitted):
    path = fitted[-1]
    with pytest.raises(ValueError, match="mark is 0, not 1") as error:
        KMeansTeacher(path=path, features=Given(4, mark=1))
    assert str(path) in str(error.value)
    with pytest.raises(ValueError, match="features is Given, not LogMel"):
        KMeansTeacher(path=path, features=LogMelFrames(24_000, n_mels=40))


def test_another_rate_is_refused(fitted):
    features = Given(4, sample_rate=16_000)
    with pytest.raises(ValueError, match="16000 Hz, but sample_rate is 24000"):
        KMeansTeacher(path=fitted[-1], features=features)
    with pytest.raises(ValueError, match="sample_rate is 24000, not 16000"):
        KMeansTeacher(path=fitted[-1], features=features, sample_rate=16_000)


def test_a_missing_damaged_or_foreign_file_is_named(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(FileNotFoundError, match="no file .*fit it first"):
        KMeansTeacher(path=path, features=Given(4))
    path.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="a is damaged"):
        KMeansTeacher(path=path, features=Given(4))
    with pytest.raises(ValueError, match="a is damaged"):
        fit(path, clusters(5, 20)[1], 5)
    rvq = {"sample_rate": 24_000, "n_codebooks": 1, "codebook_size": 4}
    path.unlink()
    fit_mel_rvq([noise()], path, **rvq)
    with pytest.raises(ValueError, match="no fitted file of this kind"):
        KMeansTeacher(path=path, features=Given(4))


def test_a_pinned_checksum_is_held(fitted):
    path = fitted[-1]
    digits = file_checksum(path)
    KMeansTeacher(path=path, features=Given(4), checksum=digits[:8])
    with pytest.raises(ValueError, match=f"{digits[:8]}.*not x"):
        KMeansTeacher(path=path, features=Given(4), checksum="x")


@pytest.mark.parametrize("key", ["features", "checksum"])
def test_lists_must_be_as_long_as_the_files(fitted, key):
    settings = {"features": Given(4), key: [Given(4)] * 3}
    with pytest.raises(ValueError, match=f"{key}: 3 for 2 files"):
        KMeansTeacher(path=[fitted[-1]] * 2, **settings)


def test_identities_tell_codes_apart_and_nothing_else(fitted, tmp_path):
    path = fitted[-1]
    copy, other = tmp_path / "copy", tmp_path / "other"
    copy.write_bytes(path.read_bytes())
    fit(other, clusters(12, 50)[1], 12, seed=1)

    def identity(path, features=None, **settings):
        features = features or Given(4)
        return KMeansTeacher.identity(path=path, features=features, **settings)

    first = identity(path)
    same = [identity(copy), identity([path]), identity(path, [Given(4)])]
    same += [identity(path, checksum=file_checksum(path)[:8])]
    assert all(found == first for found in same)
    found = [
        first,
        identity(other),
        identity(path, Given(4, mark=1)),
        identity(path, sample_rate=16_000),
        identity([path, other]),
        identity([other, path]),
        identity(tmp_path / "absent"),
    ]
    for index, one in enumerate(found):
        assert one not in found[:index]


def test_a_teacher_in_yaml_shares_its_features_with_the_fit(tmp_path):
    path = tmp_path / "fitted"
    hparams = load_hyperpyyaml(f"""
chroma: !new:mert_sb.teachers.ChromaFrames
    sample_rate: 24000
    n_chroma: 12
fit: !name:mert_sb.teachers.fit_kmeans
    path: {path}
    features: !ref <chroma>
    n_codes: 8
teachers:
    chroma: !name:mert_sb.teachers.KMeansTeacher
        path: {path}
        features: !ref <chroma>
""")
    factory = hparams["teachers"]["chroma"]
    known = fingerprint(factory, crop_frames=2, crop_step=1)
    assert known["checksum"] == [None]
    hparams["fit"]([noise()])
    assert factory()(noise()).shape == (3, 75, 1)
    known = fingerprint(factory, crop_frames=2, crop_step=1)
    assert known["checksum"] == [file_checksum(path)]
    assert known["features"][0]["n_chroma"] == 12


class StudentLayer(FrameFeatures):
    """A layer of a student, as the floor above wraps it."""

    def __init__(self, student, layer):
        super().__init__(sample_rate=24_000, dim=32, settings={"layer": layer})
        self.student = student
        self.layer = layer

    def forward(self, wavs):
        return self.student(wavs, output_hidden_states=[self.layer])[0]


def test_a_layer_of_a_student_is_features_too(tmp_path):
    student = MERT(
        conv_channels=16,
        embed_dim=32,
        ffn_dim=64,
        num_heads=2,
        num_layers=2,
        position_kernel=8,
        position_groups=4,
        dropout=0.5,
    ).train()
    features, path = StudentLayer(student, 1), tmp_path / "fitted"
    report = fit_kmeans([noise()], path, features=features, n_codes=8)
    codes = KMeansTeacher(path=path, features=features)(noise()).flatten()
    # Without dropout, or the codes of the fit would not come again.
    assert torch.bincount(codes, minlength=8).tolist() == report["usage"][0]
    with pytest.raises(ValueError, match="layer is 1, not 2"):
        KMeansTeacher(path=path, features=StudentLayer(student, 2))


def test_training_and_gradients_do_not_reach_it(fitted):
    _, wavs, _, path = fitted
    features = Given(4)
    features.weight = torch.nn.Linear(2, 2)
    teacher = KMeansTeacher(path=path, features=features)
    torch.nn.ModuleList([teacher]).train()
    assert not any(module.training for module in teacher.modules())
    assert not any(p.requires_grad for p in teacher.parameters())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        codes = teacher(wavs.requires_grad_())
    assert torch.equal(codes, teacher(wavs.detach()))
