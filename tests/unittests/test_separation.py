"""Spectrograms, windows, masks, residuals: what lies between states and stems.

Authors
 * The mert_sb developers 2026
"""

import math
import sys

import pytest
import torch

from mert_sb.downstream.separation.family import (
    Separation,
    masked_stems,
    stem_masks,
)
from mert_sb.downstream.separation.head import StemHeads, StemMixes
from mert_sb.downstream.separation.metrics import global_sdr
from mert_sb.downstream.separation.spectrogram import (
    Grid,
    grid_at,
    magnitude,
    spectrum,
    stretched,
    waveform,
)
from mert_sb.downstream.separation.wiener import Wiener
from mert_sb.downstream.separation.windows import (
    separate_windows,
    window_samples,
)
from mert_sb.downstream.upstreams import FrameStates
from mert_sb.frames import HOP_LENGTH
from tests.utils.originals import tiny_student
from tests.utils.separators import noise

OWN = Grid(2048, 320)


@pytest.mark.parametrize(
    ("rate", "grid"),
    [
        (24_000, OWN),
        (44_100, Grid(4096, 588)),
        (48_000, Grid(4096, 640)),
        (22_050, Grid(2048, 294)),
        (96_000, Grid(8192, 1280)),
        (32_000, None),
        (8_000, None),
    ],
)
def test_frames_lie_on_the_students_clock(rate, grid):
    assert grid_at(rate, 24_000, 2048) == grid
    if grid:
        # 75 a second, as long a window.
        assert rate / grid.hop == 24_000 / HOP_LENGTH
        assert 0.5 < (grid.n_fft / rate) / (2048 / 24_000) < 2


@pytest.mark.parametrize("length", [1, 319, 2_048, 30_001])
@pytest.mark.parametrize("grid", [OWN, Grid(4096, 588)])
def test_a_spectrum_can_be_inverted(grid, length):
    wav = noise(2, length)
    frames = spectrum(wav, grid)
    assert frames.shape == (2, grid.n_bins, length // grid.hop + 1)
    again = waveform(frames, grid, length)
    torch.testing.assert_close(again, wav, atol=1e-6, rtol=0)


def test_magnitudes_are_those_of_torch():
    wav = noise(2, 9_000)
    window = torch.hann_window(2048)
    wanted = torch.stft(
        wav, 2048, 320, window=window, pad_mode="constant", return_complex=True
    )
    found = magnitude(spectrum(wav, OWN))
    torch.testing.assert_close(found, wanted.abs().mean(0))


def test_masks_keep_their_hertz_at_other_rates():
    hertz = torch.linspace(0, 12_000, 1025)
    masks = (hertz / 12_000)[None, :, None].expand(1, -1, 3)
    for rate, n_bins in ((44_100, 2049), (48_000, 2049), (22_050, 1025)):
        found = stretched(masks, 24_000, rate, n_bins)[0, :, 1]
        own = torch.linspace(0, rate / 2, n_bins)
        inside = own < 10_990
        wanted = own / 12_000
        torch.testing.assert_close(found[inside], wanted[inside])
        # Above 11 kHz the mean from 10 kHz on.
        top = found[own > 11_010]
        torch.testing.assert_close(
            top, torch.full_like(top, 10.5 / 12), atol=1e-3, rtol=0
        )


def test_a_mask_of_one_is_the_mixture_and_of_zero_silence():
    wav = noise(2, 12_345)
    frames = 12_345 // 320 + 1
    masks = torch.stack([torch.ones(1025, frames), torch.zeros(1025, frames)])
    one, none = masked_stems(masks, wav, OWN)
    torch.testing.assert_close(one, wav, atol=1e-6, rtol=0)
    assert none.abs().max() == 0


def test_the_residual_goes_to_who_is_loud_there():
    wav = noise(2, 12_000)
    masks = torch.zeros(2, 1025, 38)
    masks[0, :500], masks[1, 500:] = 0.5, 0.25
    first, second = masked_stems(masks, wav, OWN, share_residual=True)
    torch.testing.assert_close(first + second, wav, atol=1e-6, rtol=0)
    halves = masks.gt(0).float()
    wanted = masked_stems(halves, wav, OWN)
    torch.testing.assert_close(torch.stack([first, second]), wanted)


def pieces(wav, sizes):
    """Blocks of various lengths."""
    lengths = [sizes[i % len(sizes)] for i in range(wav.shape[1])]
    done, blocks = 0, []
    for length in lengths:
        blocks.append(wav[:, done : done + length])
        done += length
        if done >= wav.shape[1]:
            return blocks


@pytest.mark.parametrize("length", [1, 399, 400, 401, 700, 701, 2_345])
@pytest.mark.parametrize("overlap", [0, 100, 399])
@pytest.mark.parametrize("sizes", [[1_000], [130, 7], [5_000]])
def test_windows_tile_the_audio(length, overlap, sizes):
    wav, seen = noise(2, length), []

    def separate(part, start):
        torch.testing.assert_close(part, wav[:, start : start + len(part[0])])
        seen.append((start, part.shape[1]))
        return torch.stack([part, -part, 2 * part])

    parts = list(
        separate_windows(
            pieces(wav, sizes), separate, window=400, overlap=overlap
        )
    )
    stems = torch.cat(parts, dim=-1)
    torch.testing.assert_close(stems, torch.stack([wav, -wav, 2 * wav]))
    starts, lengths = zip(*seen, strict=True)
    assert list(starts) == [i * (400 - overlap) for i in range(len(seen))]
    assert max(lengths) <= 400 and starts[-1] + lengths[-1] == length
    # No window is there for what others have seen already.
    assert len(seen) == 1 or lengths[-1] > overlap


def test_neighbouring_windows_fade_into_one_another():
    answers = iter([torch.zeros(1, 1, 10), torch.ones(1, 1, 6)])
    parts = separate_windows(
        [torch.zeros(1, 12)],
        lambda wav, start: next(answers),
        window=10,
        overlap=4,
    )
    found = torch.cat(list(parts), dim=-1).flatten().tolist()
    assert found == pytest.approx([0.0] * 6 + [0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


@pytest.mark.parametrize("pair", [(30, 30), (30, -1), (2.5, 1), (0, 0)])
def test_impossible_windows_are_refused(pair):
    with pytest.raises(ValueError, match="window_seconds"):
        window_samples(*pair, 24_000)


def test_masks_see_the_mixture_and_as_many_frames_as_it_has():
    student = tiny_student(conv_norm="layer")
    encoder = FrameStates(
        student, sample_rate=24_000, n_states=3, dim=32, settings={}
    )
    modules = {
        "encoder": encoder,
        "mix": StemMixes(3, stems=["a", "b"]),
        "head": StemHeads(32, 2, n_fft=64, hidden_dim=4).eval(),
    }
    wavs, seen = noise(2, 24_000), []
    modules["head"].register_forward_pre_hook(
        lambda _, given: seen.append(given)
    )
    masks = stem_masks(modules, wavs, 76)
    assert masks.shape == (2, 2, 33, 76)
    ((states,),) = seen
    # 320 zeros more: frame t is that of sample 320 t; one is missing, and zero.
    padded = torch.nn.functional.pad(wavs, (0, 320))
    wanted = modules["mix"](encoder(padded))
    assert wanted.shape[2] == 75
    assert torch.equal(states[:, :, :75], wanted)
    assert states[:, :, 75:].eq(0).all()


def test_the_loss_is_the_squared_error_of_each_clip():
    family = Separation(["a", "b"])
    estimates, targets = torch.zeros(3, 2, 4, 5), torch.ones(3, 2, 4, 5)
    targets[1, 0] = 3.0
    assert family.loss(estimates, targets).tolist() == [1.0, 5.0, 1.0]


@pytest.mark.parametrize("stems", [[], ["a", "a"], ["../a"], ["a/b"], [""]])
def test_stems_must_be_names_of_files(stems):
    with pytest.raises(ValueError, match="stems"):
        Separation(stems)


class TestWiener:
    """With Open-Unmix's library; without it only the error is tested."""

    @pytest.fixture(autouse=True)
    def _library(self):
        pytest.importorskip("openunmix.filtering")

    @pytest.fixture
    def music(self):
        """A tone on the left, noise in the middle, and their ideal masks."""
        time = torch.arange(36_000) / 24_000
        tone = torch.sin(2 * math.pi * 440 * time) * (2 * time % 1)
        stems = torch.stack(
            [tone * torch.tensor([[0.9], [0.1]]), noise(2, 36_000)]
        )
        stems[1] = stems[1].mean(0) / 3
        parts = magnitude(spectrum(stems, OWN))
        return stems, parts / (parts.sum(0) + 1e-9)

    def test_it_knows_where_stems_are_placed(self, music):
        stems, masks = music
        plain = masked_stems(masks, stems.sum(0), OWN)
        found = masked_stems(
            masks, stems.sum(0), OWN, wiener=Wiener(mono=False)
        )
        for true, before, after in zip(stems, plain, found, strict=True):
            assert global_sdr(true, after) > global_sdr(true, before) + 3

    @pytest.mark.parametrize("mono", [True, False])
    def test_it_is_the_librarys_on_each_stem_and_block(self, music, mono):
        from openunmix.filtering import wiener

        stems, masks = music
        mixture = spectrum(stems.sum(0), OWN)
        found = Wiener(block_frames=50, mono=mono)(masks, mixture)
        magnitudes = mixture.abs()
        if mono:
            magnitudes = magnitudes.mean(0, keepdim=True).expand(2, -1, -1)
        block = slice(50, 100)
        wanted = wiener(
            (masks[1] * magnitudes).permute(2, 1, 0)[block, ..., None].double(),
            torch.view_as_real(mixture.permute(2, 1, 0)[block]).double(),
            iterations=1,
            residual=True,
        )[..., 0]
        wanted = torch.view_as_complex(wanted.contiguous()).permute(2, 1, 0)
        torch.testing.assert_close(found[1][..., block], wanted.to(found.dtype))

    @pytest.mark.parametrize("n_channels", [1, 2])
    def test_equal_channels_and_silence_stay_so(self, music, n_channels):
        stems, masks = music
        wav = stems.sum(0)[:1].expand(n_channels, -1)
        found = masked_stems(masks, wav, OWN, wiener=Wiener())
        assert found.isfinite().all()
        assert torch.equal(found[:, 0], found[:, -1])
        assert global_sdr(stems[0, :1], found[0, :1]) > 10
        silence = masked_stems(masks, 0 * wav, OWN, wiener=Wiener())
        assert silence.abs().max() == 0


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openunmix.filtering", None)
    with pytest.raises(
        ImportError, match=r"mert_sb\[separation\].*wiener: null"
    ):
        Wiener().library()


def test_a_filter_that_does_nothing_is_refused():
    with pytest.raises(ValueError, match="wiener: null"):
        Wiener(iterations=0)
