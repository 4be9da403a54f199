"""Tasks on students that join frames: pooling, states of every frame, beats, stems.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest
import soundfile
import torch

from mert_sb import frames
from mert_sb.downstream.beats.decode import BarPointer, PeakPicking
from mert_sb.downstream.beats.metrics import f_measure, pooled_f
from mert_sb.downstream.pooling import at_every_frame, mean_over_time
from mert_sb.downstream.separation.family import stem_masks
from mert_sb.downstream.separation.head import StemHeads, StemMixes
from mert_sb.inference import BeatTracker, export_student
from mert_sb.inference.upstream import student_states, trained_upstream
from tests.samples.make_gtzan import add_clicks
from tests.unittests.test_beat_tracker import write
from tests.utils.originals import tiny_student
from tests.utils.students import close

CPU, RATE = {"device": "cpu"}, 24_000


def slow(subsample=3, **settings):
    """A student whose frames do not depend on padding."""
    return tiny_student(conv_norm="layer", subsample=subsample, **settings)


def noise(n_clips, n_samples):
    generator = torch.Generator().manual_seed(n_samples)
    return 0.1 * torch.randn(n_clips, n_samples, generator=generator)


@pytest.mark.parametrize("subsample", [2, 3])
def test_pooled_clips_are_as_if_alone(subsample):
    upstream = student_states(slow(subsample)).eval()
    wavs = noise(3, 8_000)
    lengths = [8_000, 5_330, 200]
    for row, length in enumerate(lengths):
        wavs[row, length:] = 0
    found = upstream(wavs, torch.tensor(lengths) / 8_000)
    for row in (0, 1):
        alone = upstream(wavs[row : row + 1, : lengths[row]])[0]
        close(found[row], alone, 1e-4)
    # The shortest has one joined frame.
    states = upstream.encoder(
        wavs, torch.tensor(lengths) / 8_000, output_hidden_states=True
    )
    close(found[2], states[:, 2, 0])


@pytest.mark.parametrize("subsample", [1, 2, 3, 4])
@pytest.mark.parametrize("n_frames", [5, 12, 31])
def test_what_grows_evenly_is_interpolated_exactly(subsample, n_frames):
    n_samples = frames.n_samples(n_frames) + 100
    joined = frames.n_frames(n_samples, subsample)
    centres = frames.centre(torch.arange(joined).double(), subsample)
    found = at_every_frame(
        centres.expand(2, 3, joined)[..., None], n_samples, subsample
    )
    assert found.shape == (2, 3, n_frames, 1)
    wanted = frames.centre(torch.arange(n_frames).double())
    wanted = wanted.clamp(centres[0], centres[-1])
    close(found[1, 2, :, 0], wanted, 1e-6)


@pytest.mark.parametrize("subsample", [2, 3])
def test_states_of_every_frame_do_not_see_padding(subsample):
    upstream = student_states(slow(subsample), frames=True).eval()
    wavs = noise(2, 8_000)
    wavs[1, 5_330:] = 0
    found = upstream(wavs, torch.tensor([1.0, 5_330 / 8_000]))
    assert found.shape == (2, 3, frames.n_frames(8_000), 32)
    alone = upstream(wavs[1:, :5_330])[0]
    close(found[1, :, : alone.shape[1]], alone, 1e-4)
    # Frames of the student itself: their centres are those of every third one.
    if subsample == 3:
        states = upstream.encoder(wavs[:1], output_hidden_states=True)
        close(found[0, :, 1:-1:3], states[:, 0], 1e-4)


def test_a_mean_over_time_counts_joined_frames():
    # 1,999 samples are five frames: one group of three.
    states = torch.tensor([[[1.0], [5.0]]])
    share = torch.tensor([1_999 / 2_320])
    assert mean_over_time(states, 2_320, share, subsample=3).item() == 1.0
    assert mean_over_time(states, 2_320, torch.ones(1), 3).item() == 3.0


@pytest.mark.parametrize("frames_wanted", [False, True])
def test_upstreams_take_the_rate_from_the_folder(tmp_path, frames_wanted):
    folder = export_student(slow(), tmp_path / "slow")
    upstream = trained_upstream(folder, frames=frames_wanted)
    assert upstream.subsample == upstream.settings["subsample"] == 3


@pytest.mark.parametrize("bpm", [60, 120, 140, 187, 200, 210])
def test_beats_are_found_at_25_frames_a_second(bpm):
    """Outputs of a perfect head on joined frames, brought to every frame."""
    n_samples = 20 * RATE
    beats = np.arange(0.3, 19.7, 60 / bpm)
    joined = torch.arange(frames.n_frames(n_samples, 3)).double()
    centres = frames.centre(joined, 3).numpy() / RATE
    away = abs(centres[:, None] - beats).min(1)
    heard = np.clip(1 - away / 0.06, 0.01, 0.99)
    heard = np.stack([heard, np.full_like(heard, 0.01)], axis=-1)
    every = at_every_frame(torch.from_numpy(heard)[None], n_samples, 3)[0]
    found, _ = BarPointer()(every.numpy(), 75.0)
    assert f_measure(found, beats) > 0.98
    found, _ = PeakPicking(threshold=0.2)(every.numpy(), 75.0)
    assert f_measure(found, beats) == 1.0
    # Half a joined frame, and that frames are centred a little late.
    assert pooled_f([found], [beats], tolerance=0.03) == 1.0


@pytest.mark.parametrize("subsample", [2, 3])
def test_a_long_file_is_tracked_as_in_one_pass(tmp_path, subsample):
    folder = write(tmp_path / "beats")
    student = tiny_student(normalize_wavs=True, subsample=subsample)
    export_student(student, folder)
    tracker = BeatTracker.from_folder(folder, run_opts=CPU)
    assert (tracker.frame_rate, tracker.subsample) == (75.0, subsample)
    path = tmp_path / "a.wav"
    wav = np.sin(0.03 * np.arange(7 * RATE))
    wav *= np.linspace(0.05, 0.3, len(wav))
    add_clicks(wav, np.random.default_rng(7))
    soundfile.write(path, wav, RATE)
    cut = tracker.activations_file(path, batch_size=3)
    tracker.task = tracker.task._replace(clip_seconds=60.0)
    whole = tracker.activations_file(path)
    # 524 frames and the tail's; of joined ones what is left over is not there.
    assert cut.shape == (524 // subsample * subsample, 2)
    assert whole.shape == (525, 2)
    # The tail is in what the positional convolution sees of the last five.
    inner = len(cut) - 5 * subsample
    error = abs(cut[:inner] - whole[:inner])[:, 0].max()
    assert error < whole[:, 0].std() / 100
    assert whole.std(0).min() > 1e-3
    assert len(tracker.track_file(path).beats) > 3


def test_a_beat_folder_keeps_the_students_rate(tmp_path):
    folder = write(tmp_path / "beats")
    export_student(tiny_student(subsample=3), folder)
    text = (folder / "hyperparams.yaml").read_text()
    assert "subsample: 3" in text
    assert json.loads((folder / "task.json").read_text())["layer"] == 0
    clips = noise(2, RATE)
    tracker = BeatTracker.from_folder(folder, run_opts=CPU)
    assert tracker.activations_batch(clips).shape == (2, 74, 2)


def test_masks_have_the_frames_of_the_spectrogram():
    upstream = student_states(slow(num_layers=1), frames=True).eval()
    modules = {
        "encoder": upstream,
        "mix": StemMixes(2, stems=["a", "b"], layer=1),
        "head": StemHeads(32, 2, n_fft=64, hidden_dim=4).eval(),
    }
    seen = []
    modules["head"].register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    wavs = noise(2, 24_000)
    assert stem_masks(modules, wavs, 76).shape == (2, 2, 33, 76)
    padded = torch.nn.functional.pad(wavs, (0, 320))
    states = upstream.encoder(padded, output_hidden_states=[1])[0]
    # Joined frame t is centred on frame 3 t + 1, as without joining.
    close(seen[0][:, 0, 1:74:3], states, 1e-4)
    # The shortest clip there is.
    assert stem_masks(modules, wavs[:, :320], 2).shape == (2, 2, 33, 2)
