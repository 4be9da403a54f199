"""Files and students that join frames: windows, times, the command, units, cards.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest
import torch

from mert_sb import frames
from mert_sb.inference import MusicEncoder, export_student
from mert_sb.inference.chunks import frame_counts, plan_file, tile
from mert_sb.inference.commands.inspection import inspect_checkpoint
from mert_sb.inference.commands.main import main
from mert_sb.inference.units import UnitEncoder
from mert_sb.inference.units.strings import token_edges
from tests.utils.encode_command import write_audio
from tests.utils.originals import tiny_student
from tests.utils.students import build, close
from tests.utils.unit_folders import write_folder

CPU = {"device": "cpu"}
# Half of what windows share is more than 4 frames, which positions reach, at 25 Hz.
CUT = {"chunk_seconds": 1.0, "overlap_seconds": 0.5}


def encoder_of(student):
    rate = student.settings["sample_rate"]
    return MusicEncoder({"student": student}, {"sample_rate": rate}, CPU)


@pytest.mark.parametrize("subsample", [2, 3])
@pytest.mark.parametrize("n_frames", [40, 41, 77])
def test_windows_begin_where_groups_do(subsample, n_frames):
    windows = tile(n_frames, 20, 4, subsample)
    kept = []
    for start, first, stop in windows:
        assert start % (320 * subsample) == 0
        kept += [start // (320 * subsample) + i for i in range(first, stop)]
    assert kept == list(range(n_frames))


def test_lengths_of_windows_are_counted_in_joined_frames():
    # Half of 3 s at 25 frames a second.
    assert frame_counts(24_000, 30.0, 3.0, 3) == (749, 37)
    with pytest.raises(ValueError, match="one frame of 1040 samples"):
        frame_counts(24_000, 1_039 / 24_000, 0.0, 3)


@pytest.mark.parametrize("subsample", [2, 3])
@pytest.mark.parametrize(
    "kind",
    [
        {"conv_norm": "group", "normalize_wavs": True},
        {"frontend": "mel"},
        {"feature_extractor_cqt": 84, "sample_rate": 16_000},
    ],
)
def test_windows_of_a_file_are_one_pass(tmp_path, subsample, kind):
    """State 0 has no attention; joined frames are the same only on group borders."""
    encoder = encoder_of(build(**kind, subsample=subsample))
    write_audio(tmp_path / "a.wav", 3.01)
    path, rate = tmp_path / "a.wav", encoder.hparams.sample_rate
    whole = encoder.encode_file(path, 0, chunk_seconds=None)
    parts = encoder.encode_file(path, 0, **CUT)
    pieces = list(encoder.encode_stream(path, 0, batch_size=2, **CUT))
    assert len(pieces) > 4
    close(torch.cat([piece.states for piece in pieces]), parts.states, 1e-4)
    n_frames = frames.n_frames(round(3.01 * rate)) // subsample
    assert whole.states.shape == (n_frames, 32)
    first = 199.5 + 160 * (subsample - 1)
    times = (first + 320 * subsample * torch.arange(n_frames)) / rate
    torch.testing.assert_close(whole.times, times.double())
    assert torch.equal(parts.times, whole.times)
    # A constant-Q kernel of the lowest notes is longer than a window.
    tolerance = 0.2 if "feature_extractor_cqt" in kind else 1e-4
    error = (parts.states - whole.states)[:-8].abs().max()
    assert error < tolerance < whole.states.std()


def test_files_shorter_than_a_group_are_refused(tmp_path):
    write_audio(tmp_path / "a.wav", 1_039 / 24_000)
    with pytest.raises(ValueError, match="shorter than one frame of 1040"):
        plan_file(tmp_path / "a.wav", sample_rate=24_000, subsample=3)


def test_the_frame_rate_is_in_the_encoder_the_card_and_inspect(tmp_path):
    folder = export_student(tiny_student(subsample=3), tmp_path / "slow")
    for encoder in (
        MusicEncoder.from_hparams(folder),
        MusicEncoder.from_original(folder),
    ):
        assert encoder.frame_rate == 25.0
        assert encoder.encode_batch(torch.rand(1, 24_000)).shape[2] == 24
    assert "| frames | 25 a second |" in (folder / "README.md").read_text()
    assert "subsample: 3" in (folder / "hyperparams.yaml").read_text()
    assert inspect_checkpoint(folder)["frames_a_second"] == 25.0


@pytest.mark.parametrize("workers", ["0", "1"])
def test_the_command_writes_joined_frames_with_their_times(tmp_path, workers):
    student = tiny_student(subsample=3, position_kernel=128)
    folder = export_student(student, tmp_path / "slow")
    write_audio(tmp_path / "a.wav", 8.0)
    out = tmp_path / "out"
    command = ["encode", folder, tmp_path / "a.wav", "--output", out]
    command += ["--format", "npz", "--chunk-seconds", "7", "--quiet"]
    command += ["--device", "cpu", "--workers", workers]
    assert main([str(part) for part in command]) == 0
    encoder = MusicEncoder.from_original(folder, run_opts=CPU)
    expected = encoder.encode_file(tmp_path / "a.wav", chunk_seconds=7.0)
    with np.load(out / "a.npz") as file:
        torch.testing.assert_close(
            torch.from_numpy(file["states"]), expected.states
        )
        np.testing.assert_array_equal(file["times"], expected.times)
    said = json.loads((out / "encode.json").read_text())
    assert (said["hop_length"], said["first_centre"]) == (960, 519.5)
    assert said["model"]["subsample"] == 3
    # What the convolutions reach: 136 frames of 40 ms.
    assert said["overlap_seconds"] == 5.44
    for t in (0, 100):
        time = (said["first_centre"] + said["hop_length"] * t) / 24_000
        assert expected.times[t].item() == pytest.approx(time)


def test_tokens_of_joined_units_follow_one_another():
    edges = token_edges([2, 1], torch.tensor([1, 2, 3]), 24_000, subsample=3)
    # A frame lasts 40 ms; the first is centred on sample 519.5.
    first = (519.5 - 480) / 24_000
    torch.testing.assert_close(
        edges, first + 0.04 * torch.tensor([0.0, 3.0, 6.0]).double()
    )


def test_units_of_a_student_that_joins_frames(tmp_path):
    folder = write_folder(tmp_path / "units", student={"subsample": 3})
    assert ", 25 a second |" in (folder / "README.md").read_text()
    encoder = UnitEncoder.from_folder(folder, run_opts=CPU)
    write_audio(tmp_path / "a.wav", 4.0)
    string = encoder.encode_file(tmp_path / "a.wav")
    assert (encoder.frame_rate, len(string.units)) == (25.0, 99)
    assert string.ends[-1] - string.starts[0] == pytest.approx(99 * 0.04)
