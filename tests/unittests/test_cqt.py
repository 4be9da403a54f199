"""The constant-Q transform by folding equals nnAudio's by convolution.

Authors
 * The mert_sb developers 2026
"""

import functools
import math

import pytest
import torch

from mert_sb import cqt as module
from mert_sb.cqt import CQT

FINE = (24_000, 336, 48)  # MERT's teacher
COARSE = (16_000, 84, 12)  # the student's optional input


@functools.cache
def reference(sample_rate, n_bins, bins_per_octave, hop_length=320):
    """nnAudio's transform with the original's arguments."""
    from nnAudio.features.cqt import CQT1992v2

    return CQT1992v2(
        sr=sample_rate,
        hop_length=hop_length,
        fmin=32.7,
        n_bins=n_bins,
        bins_per_octave=bins_per_octave,
        norm=1,
        window="hann",
        center=True,
        pad_mode="constant",
        output_format="Magnitude",
        verbose=False,
    )


@functools.cache
def folded(sample_rate, n_bins, bins_per_octave):
    """Ours."""
    return CQT(sample_rate, n_bins=n_bins, bins_per_octave=bins_per_octave)


def noise(n_samples, sample_rate):
    del sample_rate
    return torch.randn(n_samples, generator=torch.Generator().manual_seed(0))


def tone(n_samples, sample_rate):
    return (2 * math.pi * 440 / sample_rate * torch.arange(n_samples)).sin()


def music(n_samples, sample_rate):
    """Plucked chords, a fifth higher every second, with drum hits."""
    time = torch.arange(n_samples) / sample_rate
    hits = (-30 * (time % 0.25)).exp() * noise(n_samples, sample_rate)
    chord = 0.2 * hits
    for partial, pitch in enumerate([55.0, 110.0, 220.0, 277.2, 329.6, 1318.5]):
        pitches = pitch * 1.5 ** (time.floor() % 2)
        decay = (-(2 + partial) * (time % 1)).exp()
        chord += (2 * math.pi * pitches * time).sin() * decay / (2 + partial)
    return chord


def assert_equal_to_reference(kind, wavs):
    expected = reference(*kind)(wavs).mT
    found = folded(*kind)(wavs)
    assert found.shape == expected.shape
    assert found.dtype == torch.float32
    for item, other in zip(found, expected, strict=True):
        assert (item - other).norm() < 1e-4 * other.norm()


@pytest.mark.parametrize("n_samples", [24_000, 31_337, 120_400, 287_999])
def test_the_teachers_transform_equals_nnaudios(n_samples):
    signals = [make(n_samples, 24_000) for make in (noise, tone, music)]
    assert_equal_to_reference(FINE, torch.stack(signals))


@pytest.mark.parametrize(
    "n_samples", [1, 320, 1_001, 16_000, 80_077, 237_123, 480_000]
)
def test_the_students_transform_equals_nnaudios(n_samples):
    signals = [make(n_samples, 16_000) for make in (noise, music)]
    signals += [tone(n_samples + 1, 16_000)[1:]]
    assert_equal_to_reference(COARSE, torch.stack(signals))


def test_bins_of_even_and_of_odd_lengths_each_equal_nnaudios():
    lengths = torch.tensor(folded(*FINE).lengths)
    assert 0 < (lengths % 2).sum() < len(lengths)
    wavs = noise(120_400, 24_000)[None]
    expected = reference(*FINE)(wavs).mT[0]
    errors = (folded(*FINE)(wavs)[0] - expected).norm(dim=0)
    assert (errors / expected.norm(dim=0)).max() < 1e-4


def test_products_of_neighbours_waste_little_memory():
    spectra = folded(*FINE)._spectra_for(480, torch.device("cpu"))
    n_points = sum(group.kernels.numel() for group in spectra.groups)
    alone = [folded(*FINE)._kernel(k, 480)[1] for k in range(336)]
    assert n_points < module.MOST_ZEROS * sum(k.numel() for k in alone)
    assert len(spectra.groups) < 20


@pytest.mark.parametrize("gain", [1e-5, 1e-2, 100.0])
@pytest.mark.parametrize("kind", [FINE, COARSE])
def test_loudness_makes_no_difference_to_precision(kind, gain):
    wavs = torch.stack([make(kind[0], kind[0]) for make in (noise, music)])
    assert_equal_to_reference(kind, gain * wavs)
    scaled = folded(*kind)(gain * wavs)
    torch.testing.assert_close(
        scaled, gain * folded(*kind)(wavs), rtol=1e-3, atol=1e-5 * gain
    )


def test_another_hop_equals_nnaudios():
    ours = CQT(16_000, n_bins=60, bins_per_octave=12, hop_length=512)
    expected = reference(16_000, 60, 12, hop_length=512)
    wavs = music(20_001, 16_000)[None]
    theirs = expected(wavs).mT
    assert (ours(wavs) - theirs).norm() < 1e-4 * theirs.norm()


def test_silence_is_zero():
    assert not folded(*FINE)(torch.zeros(2, 5_000)).any()


def test_a_batch_equals_its_clips(device):
    cqt = CQT(16_000, n_bins=84, bins_per_octave=12)
    wavs = torch.stack([make(20_000, 16_000) for make in (noise, music, tone)])
    together = cqt(wavs.to(device))
    for wav, magnitudes in zip(wavs.to(device), together, strict=True):
        alone = cqt(wav[None])[0]
        torch.testing.assert_close(magnitudes, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frame", [0, 1, 40, 75])
def test_frame_t_is_centred_on_sample_t_times_hop(frame):
    cqt = folded(*FINE)
    wavs = torch.zeros(1, 24_001)
    wavs[0, frame * 320] = 1
    # The highest octave: kernels of 230 to 450 samples.
    attack = cqt(wavs)[0, :, -48:].sum(1)
    assert attack.argmax() == frame
    sides = [attack[t] for t in (frame - 1, frame + 1) if 0 <= t < 76]
    assert max(sides) < 0.1 * attack[frame]
    if len(sides) == 2:
        torch.testing.assert_close(*sides, rtol=0.2, atol=0.0)


@pytest.mark.parametrize("kind", [FINE, COARSE])
def test_a_tone_rings_in_its_bin(kind):
    cqt = folded(*kind)
    for k in (5, kind[1] // 2, kind[1] - 2):
        phase = 2 * math.pi * cqt.frequencies[k] / kind[0]
        wavs = (phase * torch.arange(kind[0])).sin()
        assert cqt(wavs[None])[0, 25].argmax() == k


def test_bins_above_half_the_rate_are_refused():
    # Bin 102 lies at 11,839 Hz, bin 103 at 12,543 Hz.
    CQT(24_000, n_bins=103, bins_per_octave=12)
    with pytest.raises(ValueError, match="104 CQT bins, 12543 Hz.*24000 Hz"):
        CQT(24_000, n_bins=104, bins_per_octave=12)


def test_many_lengths_keep_few_spectra_and_equal_results():
    cqt = CQT(16_000, n_bins=12, bins_per_octave=12)
    clips = [noise(320 * n, 16_000)[None] for n in range(10, 100, 10)]
    first = [cqt(clip) for clip in clips]
    assert len(cqt._spectra) <= module.KEPT_LENGTHS
    for clip, magnitudes in zip(clips, first, strict=True):
        assert torch.equal(cqt(clip), magnitudes)


@pytest.mark.parametrize("n_samples", [31_999, 32_000, 48_321, 80_077])
@pytest.mark.parametrize("kind", [FINE, COARSE])
def test_long_clips_go_through_in_blocks(kind, n_samples, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_FRAMES", 50)
    signals = [make(n_samples, kind[0]) for make in (noise, music)]
    assert_equal_to_reference(kind, torch.stack(signals))


def test_long_clips_of_all_lengths_share_their_spectra(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_FRAMES", 50)
    cqt = CQT(16_000, n_bins=12, bins_per_octave=12)
    for n_samples in (16_000, 17_001, 40_000, 99_999):
        assert cqt(noise(n_samples, 16_000)[None]).shape[1] > 50
    assert len(cqt._spectra) == 1


def test_half_precision_around_it_changes_nothing():
    cqt = folded(*COARSE)
    wavs = music(8_000, 16_000)[None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = cqt(wavs)
    assert torch.equal(inside, cqt(wavs))
    assert cqt(wavs.bfloat16()).dtype == torch.float32


def test_nothing_is_trained_saved_or_drawn():
    before = torch.random.get_rng_state()
    cqt = CQT(16_000, n_bins=84, bins_per_octave=12)
    cqt(torch.zeros(1, 2_000))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not cqt.state_dict()
    assert not list(cqt.parameters())
