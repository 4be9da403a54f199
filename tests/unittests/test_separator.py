"""Separating files: rates, channels, lengths, windows, and what is refused.

Authors
 * The mert_sb developers 2026
"""

import sys

import pytest
import soundfile
import torch

from mert_sb.inference import Separator
from mert_sb.inference.commands.main import main
from tests.utils.separators import CPU, MEL, WIENER, noise, song, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of MERT; not to be changed."""
    return write(tmp_path_factory.mktemp("made") / "stems")


@pytest.fixture(scope="module")
def separator(folder):
    return Separator.from_folder(folder, run_opts=CPU)


def read(path):
    """What a file holds, ``(C, S)``, and what kind it is."""
    wav, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(wav.T), rate, soundfile.info(path).subtype


@pytest.mark.parametrize(
    ("rate", "n_channels", "seconds"),
    [
        (44_100, 2, 4.3),
        (44_100, 1, 0.5),
        (48_000, 2, 2.0),
        (22_050, 2, 3.1),
        (22_050, 1, 0.01),
        (32_000, 2, 2.7),
        (96_000, 1, 1.0),
        (8_000, 1, 1.5),
    ],
)
def test_stems_are_as_the_file_and_add_up_to_it(
    separator, tmp_path, rate, n_channels, seconds
):
    wav = noise(n_channels, round(seconds * rate) + 1)
    path = song(tmp_path / "a.wav", wav, rate)
    paths = separator.separate_file(path, tmp_path / "out")
    assert list(paths) == ["guitar", "rest"]
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "guitar.wav",
        "rest.wav",
    }
    stems = []
    for written in paths.values():
        stem, found, subtype = read(written)
        assert (stem.shape, found, subtype) == (wav.shape, rate, "FLOAT")
        stems.append(stem)
    torch.testing.assert_close(sum(stems), wav, atol=1e-5, rtol=0)
    assert min(stem.abs().max() for stem in stems) > 1e-3
    assert not torch.equal(*stems)


def test_a_file_is_separated_as_a_clip(separator, tmp_path):
    wav = noise(2, 150_000)
    path = song(tmp_path / "a.wav", wav)
    for shared in (True, False):
        options = {"share_residual": shared}
        paths = separator.separate_file(path, tmp_path, **options)
        (wanted,) = separator.separate_batch(wav[None], 44_100, **options)
        for written, stem in zip(paths.values(), wanted, strict=True):
            torch.testing.assert_close(read(written)[0], stem)
        whole = wanted.sum(0) - wav
        assert (whole.abs().max().item() < 1e-5) is shared


def test_clips_are_separated_each_by_itself(separator):
    wavs = torch.stack([noise(2, 50_000, seed) for seed in (1, 2)])
    both = separator(wavs)
    assert both.shape == (2, 2, 2, 50_000)
    torch.testing.assert_close(both[1:], separator.separate_batch(wavs[1:]))


def test_channels_keep_their_sides(separator):
    wav = noise(2, 40_000)
    (stems,) = separator.separate_batch(wav[None])
    (swapped,) = separator.separate_batch(wav.flip(0)[None])
    torch.testing.assert_close(swapped, stems.flip(1), atol=1e-5, rtol=1e-4)
    wav[1] = 0
    (stems,) = separator.separate_batch(wav[None])
    assert stems[:, 1].abs().max() < 1e-6 < stems[:, 0].abs().max()


@pytest.mark.parametrize("rate", [24_000, 44_100, 32_000])
def test_windows_are_as_the_whole(tmp_path, rate):
    """Log-mel bands and a one-way network forget soon what was before."""
    wav = noise(2, 7 * rate)
    parts = [
        Separator.from_folder(
            write(
                tmp_path / str(seconds),
                **MEL,
                window_seconds=seconds,
                bidirectional=False,
            ),
            run_opts=CPU,
        ).separate_batch(wav[None], rate)
        for seconds in (3, 60)
    ]
    windows, whole = parts
    error = (windows - whole).square().sum() / whole.square().sum()
    assert error < 1e-4
    # Between the windows too.
    middle = slice(round(1.9 * rate), round(3.1 * rate))
    error = (windows - whole)[..., middle].abs().max()
    assert error < 0.05 * whole.abs().max()


def test_memory_is_that_of_a_window(separator, monkeypatch):
    lengths = []
    monkeypatch.setattr(
        Separator,
        "_window",
        lambda self, wav, start, **options: (
            lengths.append(wav.shape[1]) or torch.stack([wav, wav])
        ),
    )
    blocks = (torch.zeros(1, 1_000) for _ in range(500))
    parts = [part.shape[-1] for part in separator._stems(blocks, 24_000, True)]
    assert sum(parts) == 500_000
    assert max(lengths) == 48_000 and max(parts) <= 48_000


def test_24_bits_are_asked_for(separator, tmp_path):
    path = song(tmp_path / "a.wav", noise(1, 9_000))
    paths = separator.separate_file(path, tmp_path / "out", subtype="PCM_24")
    assert {read(p)[2] for p in paths.values()} == {"PCM_24"}
    with pytest.raises(ValueError, match="PCM_8"):
        separator.separate_file(path, tmp_path / "other", subtype="PCM_8")
    assert not (tmp_path / "other").exists()


def test_files_too_large_for_wav_are_rf64(separator, tmp_path, monkeypatch):
    monkeypatch.setattr("mert_sb.inference.separation.files.MOST_BYTES", 9_000)
    path = song(tmp_path / "a.wav", noise(1, 9_000))
    paths = separator.separate_file(path, tmp_path / "out")
    for written in paths.values():
        assert soundfile.info(written).format == "RF64"
        assert read(written)[0].shape == (1, 9_000)


def test_silence_and_loudness_stay(separator):
    silence = separator.separate_batch(torch.zeros(1, 2, 30_000), 44_100)
    assert silence.eq(0).all()
    loud = 50 * noise(1, 30_000)[None]
    assert separator.separate_batch(loud).abs().max() > 1


def test_nothing_is_random_and_no_dice_are_thrown(folder):
    before = torch.get_rng_state()
    models = [Separator.from_hparams(folder, run_opts=CPU) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), before)
    one, two = (model.mods.state_dict() for model in models)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not any(module.training for module in models[0].mods.modules())


class TestWiener:
    """Folders that ask for the filter."""

    @pytest.fixture
    def filtered(self, tmp_path):
        return write(tmp_path / "stems", wiener=WIENER)

    def test_it_is_used_unless_it_is_not_wanted(self, filtered, folder):
        pytest.importorskip("openunmix.filtering")
        wavs = noise(2, 50_000)[None]
        plain = Separator.from_folder(folder, run_opts=CPU)
        unfiltered = Separator.from_folder(filtered, run_opts=CPU, wiener=False)
        wanted = plain.separate_batch(wavs)
        assert torch.equal(unfiltered.separate_batch(wavs), wanted)
        found = Separator.from_folder(filtered, run_opts=CPU)
        stems = found.separate_batch(wavs)
        torch.testing.assert_close(stems.sum(1), wavs, atol=1e-5, rtol=0)
        assert not torch.allclose(stems, wanted, atol=1e-2)

    def test_without_its_library_plain_masks_are_left(
        self, filtered, monkeypatch
    ):
        monkeypatch.setitem(sys.modules, "openunmix.filtering", None)
        with pytest.raises(ImportError, match="--no-wiener"):
            Separator.from_folder(filtered, run_opts=CPU)
        model = Separator.from_folder(filtered, run_opts=CPU, wiener=False)
        assert model.wiener is None


def test_the_command(folder, tmp_path, capsys):
    music = tmp_path / "music"
    (music / "deep").mkdir(parents=True)
    wavs = {"a.wav": noise(2, 60_000), "deep/b.wav": noise(1, 9_000)}
    for name, wav in wavs.items():
        song(music / name, wav)
    bad = music / "c.wav"
    bad.write_bytes(b"no audio")
    command = ["separate", str(folder), str(music), "--device", "cpu"]
    command += ["--output", str(tmp_path / "out")]
    assert main(command) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [f"{tmp_path}/out/{n}" for n in wavs]
    assert "1 skipped" in printed.err and f"{bad}: unreadable" in printed.err
    for name, wav in wavs.items():
        parts = sorted((tmp_path / "out" / name).iterdir())
        assert [part.name for part in parts] == ["guitar.wav", "rest.wav"]
        total = sum(read(part)[0] for part in parts)
        torch.testing.assert_close(total, wav, atol=1e-5, rtol=0)
    bad.unlink()
    assert main([*command, "--pcm", "--raw", "--no-wiener"]) == 0
    parts = list((tmp_path / "out" / "a.wav").iterdir())
    assert {read(part)[2] for part in parts} == {"PCM_24"}
    total = sum(read(part)[0] for part in parts)
    assert (total - wavs["a.wav"]).abs().max() > 1e-3
    assert main(["separate", str(folder), str(tmp_path / "none.wav")]) == 2
    assert "none.wav: no such file or folder" in capsys.readouterr().err
    twice = [str(music / "a.wav"), str(song(tmp_path / "a.wav", wavs["a.wav"]))]
    assert main(["separate", str(folder), *twice]) == 2
    assert "would both be in" in capsys.readouterr().err
