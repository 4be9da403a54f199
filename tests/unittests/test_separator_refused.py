"""Separating files: what is refused, and that nothing is left of it.

Authors
 * The mert_sb developers 2026
"""

import json
import pickle

import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from mert_sb.audio import DamagedAudioError
from mert_sb.inference import CheckpointError, Separator, open_task
from tests.utils.separators import CPU, WIENER, noise, song, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of MERT; not to be changed."""
    return write(tmp_path_factory.mktemp("made") / "stems")


@pytest.fixture(scope="module")
def separator(folder):
    return Separator.from_folder(folder, run_opts=CPU)


def cut_short(path):
    """A file whose header promises more than there is."""
    wav = noise(2, 200_000).mT.numpy()
    soundfile.write(path, wav, 44_100, format="FLAC")
    path.write_bytes(path.read_bytes()[:300_000])


@pytest.mark.parametrize(
    ("make", "error", "reason"),
    [
        (lambda p: p.write_bytes(b"no audio"), DamagedAudioError, "unreadable"),
        (lambda p: song(p, noise(2, 0)), DamagedAudioError, "empty"),
        (lambda p: song(p, noise(3, 900)), ValueError, "3 channels"),
        (
            lambda p: song(p, torch.full((1, 900), torch.nan)),
            DamagedAudioError,
            "NaN",
        ),
        (cut_short, DamagedAudioError, "unreadable|truncated"),
    ],
)
def test_bad_files_leave_nothing(separator, tmp_path, make, error, reason):
    path = tmp_path / "bad.wav"
    make(path)
    with pytest.raises(error, match=reason):
        separator.separate_file(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wavs",
    [
        torch.zeros(2, 900),
        torch.zeros(1, 3, 900),
        torch.zeros(1, 2, 0),
        torch.full((1, 2, 900), torch.inf),
    ],
)
def test_bad_clips_are_refused(separator, wavs):
    with pytest.raises(ValueError, match="wavs"):
        separator.separate_batch(wavs)


def test_a_model_without_numbers_is_no_separation(folder, tmp_path):
    other = write(tmp_path / "nan")
    tensors = load_file(other / "probe.safetensors")
    tensors["head.0.mask_shift"].fill_(torch.nan)
    save_file(tensors, other / "probe.safetensors")
    model = Separator.from_folder(other, run_opts=CPU)
    path = song(tmp_path / "a.wav", noise(1, 9_000))
    with pytest.raises(ValueError, match="NaN or infinity"):
        model.separate_file(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"family": "key"}, "family is 'key', not one of separation"),
        ({"stems": ["a", "../b"]}, "not a list of different names of files"),
        ({"stems": ["a", "a"]}, "stems"),
        ({"stems": ["a"]}, "does not fit.*head.1"),
        ({"layer": 9}, "does not fit.*9 is neither"),
        ({"hidden_dim": 16}, "does not fit.*size mismatch"),
        ({"hidden_dim": 7}, "does not fit.*hidden_dim: 7"),
        ({"n_layers": 10**6}, "n_layers is 1000000"),
        ({"n_fft": 1000}, "n_fft is 1000, not a power of two"),
        ({"n_fft": 4096}, "does not fit.*size mismatch"),
        ({"bidirectional": 1}, "bidirectional is 1, not true or false"),
        ({"window_seconds": 2.5}, "window_seconds is 2.5"),
        ({"overlap_seconds": 2}, "overlap_seconds is 2, not below"),
        ({"sample_rate": 16_000}, "sample_rate is 16000, the student's is"),
        ({"upstream": {"kind": "eval"}}, "upstream.kind is 'eval'"),
        ({"upstream": {"kind": "mel_frames", "n_mels": 0}}, "n_mels is 0"),
        (
            {"upstream": {"kind": "mert", "path": "x"}},
            "mert has no path",
        ),
        ({"wiener": {"iterations": 1}}, "no wiener.block_frames"),
        ({"wiener": WIENER | {"mono": "no"}}, "wiener.mono is 'no'"),
        ({"wiener": WIENER | {"eps": 1}}, "nothing is known of eps"),
        ({"colour": "red"}, "nothing is known of colour"),
        ({"results": None}, "there is no results"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path, changed, reason):
    folder = write(tmp_path / "stems")
    path = folder / "task.json"
    settings = json.loads(path.read_text()) | changed
    kept = {k: v for k, v in settings.items() if v is not None}
    path.write_text(json.dumps(kept))
    with pytest.raises(CheckpointError, match=f"(?s){reason}"):
        Separator.from_folder(folder)


def test_damaged_weights_and_missing_files_are_named(tmp_path):
    folder = write(tmp_path / "stems")
    path = folder / "probe.safetensors"
    path.write_bytes(pickle.dumps({"head.0.shift": 1}))
    with pytest.raises(CheckpointError, match="no safetensors file"):
        Separator.from_folder(folder)
    for name in ("hyperparams.yaml", "probe.safetensors", "task.json"):
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=name):
            Separator.from_folder(folder)


def test_other_tasks_do_not_open_it(folder):
    with pytest.raises(CheckpointError, match="family is 'separation'"):
        open_task(folder)
