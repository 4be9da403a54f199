"""The log-mel front end: equal to torchaudio's, on the clock, blind to padding.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
import torchaudio
from torch.nn import functional as F

from mert_sb import frames
from mert_sb.student.mel import MelFrontend, mel_bank
from mert_sb.student.statistics import RunningStatistics, WavStatistics
from tests.utils.students import build, clips, close, n_parameters

LENGTH = frames.n_samples(24)


def front(stack=1, **settings):
    """Log-mels alone, neither shifted nor scaled."""
    settings = {"n_mels": 20, "n_fft": 512, "channels": 0} | settings
    return MelFrontend(24_000, stack=stack, **settings)


@pytest.mark.parametrize(
    ("n_mels", "n_fft", "rate"),
    [(128, 2048, 24_000), (80, 1024, 16_000), (20, 512, 24_000)],
)
def test_filters_equal_torchaudios(n_mels, n_fft, rate):
    theirs = torchaudio.functional.melscale_fbanks(
        n_fft // 2 + 1, 0.0, rate / 2, n_mels, rate
    )
    close(mel_bank(n_mels, n_fft, rate), theirs, 1e-4)


@pytest.mark.parametrize("stack", [1, 2, 4, 5])
def test_log_mels_equal_torchaudios_frames(stack):
    hop = 320 // stack
    theirs = torchaudio.transforms.MelSpectrogram(
        24_000, n_fft=512, hop_length=hop, n_mels=20, power=1.0, center=False
    )
    # The first mel frame's middle lies (stack - 1) / 2 hops before sample 200.
    before = 256 - (200 - hop * (stack - 1) // 2)
    wavs = clips(n_frames=30)
    mels = theirs(F.pad(wavs, (before, 2_000))).mT[:, : 30 * stack]
    expected = (mels / torch.hann_window(512).sum()).log()
    found = front(stack)(wavs)
    assert found.shape == (3, 30, 20 * stack)
    close(found, expected.reshape(3, 30, -1), 1e-4)


@pytest.mark.parametrize("stack", [1, 2])
def test_frames_are_centred_on_the_clock(stack):
    # A click is loudest, and equally loud to both sides, in its own frame.
    for frame in (5, 12):
        wavs = torch.zeros(1, LENGTH)
        wavs[0, round(frames.centre(frame) + 0.5)] = 1.0
        found = front(stack)(wavs).exp().unflatten(-1, (stack, -1)).sum(-1)
        assert found.sum(-1).argmax() == frame
        around = found[0, frame - 1 : frame + 2].flatten()
        close(around, around.flip(0), 1e-4)


def test_silence_and_full_scale_are_within_a_few_deviations():
    student = build(frontend="mel", mel_channels=0)
    silence = student.frontend(torch.zeros(1, LENGTH))
    tone = torch.sin(torch.arange(LENGTH) * 0.5)[None]
    assert -4 < silence.min() and student.frontend(tone).max() < 4
    # Where music lies, by the measure that the defaults were taken from.
    quiet = student.frontend(0.01 * torch.randn(1, LENGTH))
    assert -1 < quiet.mean() < 1


def test_what_the_settings_say_is_done():
    wavs, plain = clips(), front()(clips())
    close(front(mean=2.0, std=4.0)(wavs), (plain - 2) / 4)
    assert (front(n_fft=1024)(wavs) - plain).abs().max() > 0.1
    for settings, width in (
        ({"n_mels": 40}, 40),
        ({"mel_stack": 2}, 40),
        ({"mel_channels": 24}, 24),
    ):
        settings = {"mel_channels": 0} | settings
        student = build(frontend="mel", **settings)
        assert student.projection.in_features == width
        assert student.frontend(wavs).shape == (3, 24, width)


def test_convolutions_follow_the_log_mels():
    student = build(frontend="mel")
    first, second = student.frontend.convs
    hidden = student.frontend.log_mels(clips()).mT
    for conv in (first, second):
        hidden = F.gelu(F.conv1d(hidden, conv.weight, conv.bias, padding=1))
    close(student.frontend(clips()), hidden.mT)


@pytest.mark.parametrize("settings", [{}, {"mel_channels": 0, "mel_stack": 2}])
@pytest.mark.parametrize("normalize_wavs", [False, True])
def test_windows_of_a_file_take_its_statistics(settings, normalize_wavs):
    student = build(frontend="mel", normalize_wavs=normalize_wavs, **settings)
    file = clips(1, n_frames=200)[0] + 0.2
    running = RunningStatistics()
    running.update(file)
    statistics = WavStatistics.stack([running.result()])
    window = file[None, 64 * 320 :][:, : frames.n_samples(40)]
    heard = []
    student.feature_norm.register_forward_pre_hook(
        lambda module, inputs: heard.append(inputs[0])
    )
    student.eval()(file[None])
    student(window, statistics=statistics)
    # Four frames at each edge see zeros in place of the file.
    close(heard[1][:, 4:-4], heard[0][:, 68:100], 1e-4)
    student(window)
    own = (heard[2][:, 4:-4] - heard[0][:, 68:100]).abs().max()
    assert (own > 1e-3) == normalize_wavs


def test_half_precision_leaves_the_log_mels_as_they_are():
    frontend = front()
    exact = frontend(clips())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(frontend(clips()), exact)
        assert build(frontend="mel").eval()(clips()).isfinite().all()


def test_sizes():
    # Seven convolutions of 4.2 million parameters; two of 1.0; none.
    rest = 94_371_712 - 4_200_448
    two = 3 * 128 * 512 + 3 * 512 * 512 + 2 * 512
    assert n_parameters(frontend="mel") == rest + two == 91_155_328
    as_melhubert = {"mel_channels": 0, "mel_stack": 2, "n_mels": 40}
    # Eighty features are projected in place of 512.
    less = 432 * (768 + 2)
    assert n_parameters(frontend="mel", **as_melhubert) == rest - less
    assert n_parameters(subsample=3) == 94_371_712 + 2 * 512 * (768 + 2)


def test_the_transform_is_not_among_the_weights():
    names = set(build(frontend="mel").state_dict())
    assert {n for n in names if n.startswith("frontend")} == {
        f"frontend.convs.{i}.{leaf}"
        for i in (0, 1)
        for leaf in ("weight", "bias")
    }
    # Built without numbers, as loading does, it has its own all the same.
    with torch.device("meta"):
        empty = MelFrontend(24_000, channels=0)
    close(empty(clips()), MelFrontend(24_000, channels=0)(clips()))


@pytest.mark.parametrize("factor", [0.0, 0.25, 1.0])
def test_the_gradient_of_the_convolutions_is_scaled_or_stopped(factor):
    found = []
    for multiplier in (factor, 1.0):
        student = build(frontend="mel", feature_grad_mult=multiplier)
        hidden, penalty = student(clips(), output_penalty=True)
        (hidden.square().mean() + penalty).backward()
        found.append(student.frontend.convs[0].weight.grad)
    if factor == 0:
        assert found[0] is None
        assert not student.frontend.convs[0].weight.grad.eq(0).all()
    else:
        close(found[0], factor * found[1])


@pytest.mark.parametrize("frontend", ["conv", "mel"])
def test_joined_frames_are_neighbours_side_by_side(frontend):
    student = build(frontend=frontend, subsample=3).eval()
    heard = []
    student.feature_norm.register_forward_pre_hook(
        lambda module, inputs: heard.append(inputs[0])
    )
    # 26 frames: the last two fill no third.
    wavs = clips(n_frames=26)
    assert student(wavs).shape == (3, 8, 32)
    feats = student.frontend(wavs)
    for frame in range(8):
        wanted = torch.cat([feats[:, 3 * frame + i] for i in range(3)], -1)
        close(heard[0][:, frame], wanted)
    mask = torch.zeros(3, 8, dtype=torch.bool)
    mask[:, 2:4] = True
    assert student(wavs, mask=mask).shape == (6, 32)


def test_joined_frames_refuse_what_is_of_the_clock():
    student = build(subsample=3).eval()
    with pytest.raises(ValueError, match=r"mask: shape \(3, 24\).* 8 frames"):
        student(clips(), mask=torch.zeros(3, 24, dtype=torch.bool))
    with pytest.raises(ValueError, match="2 frames are shorter than one"):
        student(clips(n_frames=2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mel_stack": 3}, "mel_stack: 3 mel frames do not lie evenly"),
        ({"mel_stack": 64}, "mel_stack: 64"),
        ({"mel_stack": 0}, "mel_stack: 0"),
        ({"mel_std": 0.0}, "mel_std: 0.0 is not above 0"),
        ({"n_mels": 200, "n_fft": 256}, "of 200 filters lie between two bins"),
    ],
)
def test_impossible_transforms_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        build(frontend="mel", **settings)


def test_a_clip_shorter_than_a_frame_is_refused():
    student = build(frontend="mel").eval()
    assert student(torch.randn(2, 400)).shape == (2, 1, 32)
    with pytest.raises(ValueError, match="399 samples"):
        student(torch.randn(2, 399))
