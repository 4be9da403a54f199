"""A beat tracker's folder: what it refuses; files longer than its clips; the command.

Authors
 * The mert_sb developers 2026
"""

import json

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from mert_sb.downstream.beats.decode import BarPointer, PeakPicking
from mert_sb.downstream.beats.targets import read_beats
from mert_sb.downstream.probe import ProbeHead, StateMix
from mert_sb.inference import BeatTracker, CheckpointError, open_task
from mert_sb.inference.beats.files import TrackedBeats, write_clicks
from mert_sb.inference.beats.task import BeatTask, describe_decoder
from mert_sb.inference.commands.main import main
from mert_sb.inference.tasks import write_task
from tests.samples.make_gtzan import add_clicks
from tests.utils.originals import tiny_student
from tests.utils.progress_lines import last_lines

CPU = {"device": "cpu"}
RATE = 24_000


def write(folder, *, mel=False, decoder=None, **changed):
    """A folder of a probe with random weights."""
    kind = {"kind": "mel_frames", "n_mels": 16} if mel else {"kind": "mert"}
    settings = {
        "layer": 0,
        "sample_rate": RATE,
        "clip_seconds": 2.0,
        "decoder": describe_decoder(decoder or PeakPicking(threshold=0.0)),
        "upstream": kind,
        "results": {"test": {"f_measure": 0.5}},
        "hidden_dim": 8,
    }
    task = BeatTask(**settings | changed)
    student = None if mel else tiny_student(normalize_wavs=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = ProbeHead(16 if mel else 32, 2, hidden_dim=task.hidden_dim)
    mix = StateMix(1 if mel else 3, task.layer)
    probe = torch.nn.ModuleDict({"mix": mix, "head": head}).state_dict()
    write_task(task, probe, student, folder, "# Beats")
    return folder


def edit(folder, **changed):
    """Change settings; None takes a key out."""
    path = folder / "task.json"
    settings = json.loads(path.read_text()) | changed
    kept = {k: v for k, v in settings.items() if v is not None}
    path.write_text(json.dumps(kept))


def song(path, seconds=7.0, rate=22_050):
    """A file of clicks on a tone that grows louder."""
    wav = np.sin(0.03 * np.arange(round(seconds * rate)))
    wav *= np.linspace(0.05, 0.3, len(wav))
    add_clicks(wav, np.random.default_rng(7))
    soundfile.write(path, wav, rate)
    return path


PICKING = {"kind": "peak_picking", "threshold": 0.5, "window": 0.07}
POINTER = describe_decoder(BarPointer())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"family": "key"}, "family is 'key', not one of beats"),
        ({"layer": 9}, "does not fit.*9 is neither"),
        ({"layer": "mix"}, "does not fit.*mix.logits"),
        ({"layer": True}, "layer is True, not an index"),
        ({"hidden_dim": None}, "does not fit.*head"),
        ({"hidden_dim": 9}, "does not fit.*size mismatch"),
        ({"sample_rate": 16_000}, "sample_rate is 16000, the student's is"),
        ({"clip_seconds": 0}, "clip_seconds is 0, not a number above 0"),
        ({"upstream": {}}, "no upstream.kind"),
        ({"upstream": {"kind": "eval"}}, "upstream.kind is 'eval'"),
        ({"upstream": {"kind": "mert", "n_mels": 3}}, "mert has no n_mels"),
        (
            {"upstream": {"kind": "mel_frames", "n_mels": 10**9}},
            "n_mels is 1000000000, not a whole number of 1 to 4096",
        ),
        ({"colour": "red"}, "nothing is known of colour"),
        ({"results": None}, "there is no results"),
        ({"decoder": {}}, "no decoder.kind"),
        ({"decoder": {"kind": "eval"}}, "decoder.kind is 'eval', not one of"),
        ({"decoder": PICKING | {"colour": 1}}, "peak_picking has no colour"),
        ({"decoder": PICKING | {"window": -1}}, "decoder.window is -1"),
        ({"decoder": PICKING | {"window": "1"}}, "decoder.window is '1'"),
        ({"decoder": {"kind": "peak_picking"}}, "no decoder.threshold"),
        ({"decoder": POINTER | {"min_bpm": 1e-9}}, "min_bpm is 1e-09, not a"),
        ({"decoder": POINTER | {"downbeat_bpm": [72, 18]}}, "downbeat_bpm is"),
        ({"decoder": POINTER | {"beats_per_bar": [10**6]}}, "beats_per_bar is"),
        ({"decoder": POINTER | {"transition_lambda": 0}}, "_lambda is 0, not"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path, changed, reason):
    folder = write(tmp_path / "beats")
    edit(folder, **changed)
    with pytest.raises(CheckpointError, match=f"(?s){reason}"):
        BeatTracker.from_folder(folder)


@pytest.mark.parametrize("name", ["task.json", "probe.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    folder = write(tmp_path / "beats")
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        BeatTracker.from_folder(folder)


def test_a_damaged_probe_is_refused(tmp_path):
    path = write(tmp_path / "beats") / "probe.safetensors"
    tensors = load_file(path)
    tensors["head.4.weight"] = tensors.pop("head.3.weight")
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r"(?s)head\.3\.weight.*head\.4"):
        BeatTracker.from_folder(path.parent)


def test_another_tasks_class_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"task\.json"):
        open_task(write(tmp_path / "beats"))


@pytest.mark.parametrize(
    "decoder",
    [
        PeakPicking(threshold=0.3, window=0.1),
        BarPointer(min_bpm=60, beats_per_bar=[3, 4], threshold=0.2),
    ],
)
def test_a_decoder_comes_back_with_its_settings(tmp_path, decoder):
    folder = write(tmp_path / "beats", decoder=decoder)
    tracker = BeatTracker.from_folder(folder, run_opts=CPU)
    assert type(tracker.hparams.decoder) is type(decoder)
    assert vars(tracker.hparams.decoder) == vars(decoder)


def test_a_decoder_of_ones_own_is_not_exported():
    with pytest.raises(ValueError, match="a function cannot be written"):
        describe_decoder(lambda activations, frame_rate: ([], []))


@pytest.mark.parametrize("mel", [False, True])
def test_a_long_file_is_as_in_one_pass(tmp_path, mel):
    """State 0 has no attention in it, and norms over time are of the file."""
    tracker = BeatTracker.from_folder(
        write(tmp_path / "beats", mel=mel), run_opts=CPU
    )
    path = song(tmp_path / "a.wav")
    cut = tracker.activations_file(path)
    batched = tracker.activations_file(path, batch_size=3)
    np.testing.assert_allclose(batched, cut, atol=1e-6)
    beats = tracker.track_file(path).beats
    tracker.task = tracker.task._replace(clip_seconds=60.0)
    whole = tracker.activations_file(path)
    # In one pass there is the tail, a frame more.
    assert (cut.shape, whole.shape) == ((524, 2), (525, 2))
    assert whole.std(0).min() > 1e-3
    # The tail is in the norms of one pass.
    np.testing.assert_allclose(cut[:-4], whole[:-5], atol=2e-3)
    inner = whole[:-5][:, 0] - cut[:-4][:, 0]
    assert abs(inner).max() < whole[:, 0].std() / 10
    assert len(beats) > 3
    same = tracker.track_file(path).beats
    near = abs(same[:, None] - beats).min(1) < 0.02
    assert near.mean() > 0.9


def test_a_batch_is_tracked_clip_by_clip(tmp_path):
    tracker = BeatTracker.from_folder(write(tmp_path / "beats"), run_opts=CPU)
    wavs = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0))
    one, two = tracker(wavs, torch.tensor([1.0, 0.5]))
    alone = tracker.track_batch(wavs[1:, : RATE // 2])[0]
    for ours, theirs in zip(two, alone, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert one.beats[-1] > 0.5 > two.beats[-1]
    assert len(one.positions) == len(one.beats)


def test_silence_has_no_beats(tmp_path, capsys):
    folder = write(tmp_path / "beats", decoder=PeakPicking(threshold=0.99))
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    path = str(tmp_path / "a.wav")
    assert main(["beats", str(folder), path, "--device", "cpu"]) == 0
    assert capsys.readouterr().out.split()[-4:] == [path, "0.0", "0", "0"]
    assert (tmp_path / "a.wav.beats").read_text() == ""


def test_models_that_give_nan_and_bad_numbers_are_refused(tmp_path):
    folder = write(tmp_path / "beats")
    tracker = BeatTracker.from_folder(folder, run_opts=CPU)
    path = song(tmp_path / "a.wav", seconds=1.0)
    with pytest.raises(ValueError, match="batch_size: 0"):
        tracker.track_file(path, batch_size=0)
    tracker.mods["head"][0].weight.data.fill_(torch.nan)
    with pytest.raises(ValueError, match="NaN or infinity"):
        tracker.track_file(path)


def test_clicks_are_on_the_beats(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros((400_000, 2)), 32_000)
    beats, places = np.array([0.25, 4.0, 12.49]), np.array([1, 2, 3])
    tracked = TrackedBeats(beats, beats[:1], places, 60.0)
    write_clicks(tmp_path / "b.wav", tmp_path / "a.flac", tracked)
    wav, rate = soundfile.read(tmp_path / "b.wav")
    assert (wav.shape, rate) == ((400_000,), 32_000)
    pitches = []
    for time in beats:
        start = round(time * rate)
        part = wav[start : start + 900]
        assert abs(part).max() > 0.2
        assert abs(wav[start - 500 : start]).max() == 0
        if len(part) == 900:
            pitches.append(abs(np.fft.rfft(part)).argmax() * rate / 900)
    assert pitches == pytest.approx([2_000, 1_000], abs=40)


def test_the_command_names_places(tmp_path, capsys):
    folder = write(tmp_path / "beats", mel=True)
    music = tmp_path / "music"
    (music / "deep").mkdir(parents=True)
    for name in ("a.wav", "deep/a.wav"):
        song(music / name, seconds=1.0)
    command = ["beats", str(folder), str(music), "--device", "cpu"]
    out = tmp_path / "out"
    assert main([*command, "--output", str(out)]) == 0
    said = last_lines(capsys.readouterr().err)["beats"]
    assert said["done"] == said["total"] == 2
    assert said["audio_hours"] == pytest.approx(2 / 3600, rel=0.01)
    assert len(read_beats(out / "deep" / "a.wav.beats")[0]) > 0
    assert not list(music.rglob("*.beats"))
    assert main([*command, "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert (music / "deep" / "a.wav.beats").read_text() == (
        out / "deep" / "a.wav.beats"
    ).read_text()
    capsys.readouterr()
    same = [str(music / name) for name in ("a.wav", "deep/a.wav")]
    command = ["beats", str(folder), *same, "--output", str(out)]
    assert main(command) == 2
    assert "would both be" in capsys.readouterr().err
    assert main(["beats", str(folder), "absent.wav"]) == 2
    assert "absent.wav: no such file" in capsys.readouterr().err
