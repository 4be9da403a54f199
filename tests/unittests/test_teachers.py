"""Teachers: frozen, aligned with the student, equal to the libraries they stand for.

Authors
 * The mert_sb developers 2026
"""

import hashlib

import pytest
import torch

from mert_sb import frames
from mert_sb.cqt import CQT
from mert_sb.teachers import CQTTeacher, EncodecTeacher, Teacher
from mert_sb.teachers.base import file_checksum

LENGTHS = [400, 719, 720, 24_000, 24_080, 31_337]


def clips(n=2, length=24_080):
    """Chords under noise, of different loudness."""
    generator = torch.Generator().manual_seed(0)
    phase = 2 * torch.pi / 24_000 * torch.arange(length)
    pitches = 110 * 2 ** torch.randint(0, 36, (n, 3), generator=generator).div(
        12
    )
    tones = (pitches[..., None] * phase).sin().mean(1)
    noise = torch.randn(n, length, generator=generator)
    return (tones + 0.1 * noise) * 0.7 ** torch.arange(n)[:, None]


@pytest.fixture(scope="module")
def codec():
    """EnCodec with weights of its own, its codebooks about its latents."""
    from encodec import EncodecModel

    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = EncodecModel.encodec_model_24khz(pretrained=False).eval()
        residual = model.encoder(clips(8)[:, None]).mT.flatten(0, 1)
        for layer in model.quantizer.vq.layers:
            codebook = layer._codebook.embed
            codebook.copy_(torch.randn_like(codebook) * residual.std(0))
            codebook += residual.mean(0)
            nearest = torch.cdist(residual, codebook).argmin(1)
            residual = residual - codebook[nearest]
    model.set_target_bandwidth(6.0)
    return model


@pytest.fixture(scope="module")
def weights(codec, tmp_path_factory):
    path = tmp_path_factory.mktemp("encodec") / "codec.th"
    torch.save(codec.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def encodec(weights):
    return EncodecTeacher(weights=weights, checksum=file_checksum(weights))


@pytest.fixture(scope="module")
def cqt():
    return CQTTeacher(n_bins=84, bins_per_octave=12)


@pytest.fixture(params=["cqt", "encodec"])
def teacher(request):
    return request.getfixturevalue(request.param)


def assert_codes_equal(found, expected):
    """Equal but where rounding decides between two codes."""
    assert found.shape == expected.shape
    assert (found != expected).float().mean() < 0.005


def test_codes_equal_the_encodec_packages(encodec, codec):
    wavs = clips()
    codes = encodec(wavs)
    assert codes.shape == (2, 75, 8)
    assert codes.dtype == torch.int64
    assert 0 <= codes.min() and codes.max() < 1024
    assert codes.unique().numel() > 100
    for wav, ours in zip(wavs, codes, strict=True):
        with torch.no_grad():
            ((theirs, _),) = codec.encode(wav[None, None])
        assert_codes_equal(ours, theirs[0, :, :75].T)


def test_codes_of_a_batch_are_codes_of_its_clips(encodec):
    wavs = clips(3)
    for wav, codes in zip(wavs, encodec(wavs), strict=True):
        assert_codes_equal(codes, encodec(wav[None])[0])


@pytest.mark.parametrize(("bandwidth", "n_codebooks"), [(1.5, 2), (6.0, 8)])
def test_bandwidth_sets_the_number_of_codebooks(
    weights, encodec, bandwidth, n_codebooks
):
    teacher = EncodecTeacher(
        weights=weights,
        checksum=file_checksum(weights),
        bandwidth=bandwidth,
    )
    assert teacher.n_codebooks == n_codebooks
    fewer = teacher(clips())
    assert torch.equal(fewer, encodec(clips())[..., :n_codebooks])


def test_missing_weights_are_an_error_that_says_where_to_get_them(tmp_path):
    path = tmp_path / "absent.th"
    with pytest.raises(FileNotFoundError) as error:
        EncodecTeacher(weights=path)
    assert str(path) in str(error.value)
    assert "encodec_24khz-d7cc33bc.th" in str(error.value)


def test_wrong_weights_are_refused_by_name_and_digits(weights):
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=f"{found[:8]}.*d7cc33bc") as error:
        EncodecTeacher(weights=weights)
    assert str(weights) in str(error.value)
    wrong = found[:63] + ("1" if found[63] == "0" else "0")
    with pytest.raises(ValueError, match=wrong):
        EncodecTeacher(weights=weights, checksum=wrong)


def test_the_first_codebooks_alone_are_taken(weights, encodec):
    checksum = file_checksum(weights)
    first = EncodecTeacher(weights=weights, checksum=checksum, n_codebooks=1)
    assert first.n_codebooks == 1
    codes = first(clips())
    assert codes.shape[-1] == 1
    assert torch.equal(codes, encodec(clips())[..., :1])


@pytest.mark.parametrize("n_codebooks", [0, 5])
def test_codebooks_that_a_bandwidth_lacks_are_refused(n_codebooks):
    with pytest.raises(ValueError, match="bandwidth of 3.0 kb/s gives 1 to 4"):
        EncodecTeacher(bandwidth=3.0, n_codebooks=n_codebooks, pretrained=False)


def test_another_rate_than_encodecs_is_refused():
    with pytest.raises(ValueError, match="sample_rate: 16000.*24000 Hz"):
        EncodecTeacher(sample_rate=16_000, pretrained=False)


def test_weights_of_another_shape_are_refused(tmp_path):
    path = tmp_path / "other.th"
    torch.save({"encoder.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="other.th is damaged.*state_dict"):
        EncodecTeacher(weights=path, checksum=file_checksum(path))


def test_the_codec_of_tests_is_always_the_same():
    first = EncodecTeacher(pretrained=False).state_dict()
    torch.rand(1)
    second = EncodecTeacher(pretrained=False).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_folded_transform_gives_the_targets_of_nnaudio():
    wavs = clips()
    folded = CQTTeacher()(wavs)
    direct = CQTTeacher(implementation="nnaudio")(wavs)
    assert folded.shape == direct.shape == (2, 75, 336)
    assert (folded - direct).norm() < 1e-4 * direct.norm()


def test_logarithms_are_of_one_plus_the_magnitude(cqt):
    logarithmic = CQTTeacher(n_bins=84, bins_per_octave=12, log=True)
    torch.testing.assert_close(logarithmic(clips()).expm1(), cqt(clips()))


def test_an_unknown_implementation_is_named():
    with pytest.raises(ValueError, match="'fft' is neither"):
        CQTTeacher(implementation="fft")


def test_pitches_lie_half_a_sample_from_the_centres_of_frames(cqt):
    wavs = clips()
    wavs[:, :200] = 0
    # Frame t of a centred transform of what follows lies on sample 200 + 320 t.
    transform = CQT(24_000, n_bins=84, bins_per_octave=12)
    expected = transform(wavs[:, 200:])[:, :75]
    assert frames.alignment(cqt.first_centre) == (1, 0.5)
    torch.testing.assert_close(cqt(wavs), expected, rtol=1e-4, atol=1e-4)


def test_codes_of_a_frame_are_of_the_sound_at_its_centre(encodec):
    assert frames.alignment(encodec.first_centre) == (0, -40)
    wavs = clips(1).repeat(2, 1)
    wavs[1, round(frames.centre(40)) :] += 0.5
    changed = (encodec(wavs)[0] != encodec(wavs)[1]).any(1).nonzero()
    # Causal: sample 13,000 lies in EnCodec's frame 40, which is 12,800 on.
    assert changed[0] == 40


@pytest.mark.parametrize("length", LENGTHS)
def test_there_is_one_target_for_each_student_frame(teacher, length):
    targets = teacher(clips(2, length))
    assert targets.shape[:2] == (2, frames.n_frames(length))


def test_training_mode_gradients_and_precision_do_not_reach_it(teacher):
    wavs = clips()
    expected = teacher(wavs)
    parent = torch.nn.ModuleList([teacher]).train()
    assert parent.training
    assert not any(module.training for module in teacher.modules())
    assert not any(p.requires_grad for p in teacher.parameters())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = teacher(wavs.clone().requires_grad_())
    assert not found.requires_grad
    assert found.dtype in (torch.float32, torch.int64)
    assert torch.equal(found, expected)
    assert torch.equal(teacher(wavs.double()), expected)


def test_clips_are_left_as_they_are(teacher):
    wavs = clips()
    teacher(wavs)
    assert torch.equal(wavs, clips())


def test_building_teachers_moves_no_dice():
    torch.rand(1)
    before = torch.random.get_rng_state()
    EncodecTeacher(pretrained=False)
    CQTTeacher(n_bins=84, bins_per_octave=12)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_building_a_teacher_from_weights_moves_no_dice(weights):
    checksum = file_checksum(weights)
    before = torch.random.get_rng_state()
    EncodecTeacher(weights=weights, checksum=checksum)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_identities_tell_targets_apart_and_nothing_else():
    same = [
        EncodecTeacher.identity(),
        EncodecTeacher.identity(weights="a.th"),
        EncodecTeacher.identity(weights="b.th", bandwidth=6.0),
        EncodecTeacher.identity(sample_rate=24_000, pretrained=True),
        EncodecTeacher.identity(n_codebooks=8),
    ]
    assert all(identity == same[0] for identity in same)
    others = [
        EncodecTeacher.identity(bandwidth=3.0),
        EncodecTeacher.identity(n_codebooks=1),
        EncodecTeacher.identity(checksum="abcd"),
        EncodecTeacher.identity(pretrained=False),
        CQTTeacher.identity(n_bins=84),
        CQTTeacher.identity(n_bins=84, log=True),
    ]
    for index, identity in enumerate(others):
        assert identity not in [*same, *others[:index]]
    assert others[3]["checksum"] == "random"
    assert CQTTeacher.identity(n_bins=84) == {
        "teacher": "CQTTeacher",
        "n_bins": 84,
    }


def test_a_teacher_without_frames_of_its_own_is_no_teacher():
    with pytest.raises(NotImplementedError):
        Teacher(sample_rate=24_000)(clips())


@pytest.mark.parametrize("size", [0, 1, (1 << 20) + 1])
def test_checksums_are_of_the_whole_file(tmp_path, size):
    path = tmp_path / "file"
    path.write_bytes(b"a" * size)
    assert file_checksum(path) == hashlib.sha256(b"a" * size).hexdigest()
    assert file_checksum(tmp_path) is None
