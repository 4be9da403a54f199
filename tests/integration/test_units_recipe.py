"""``recipes/units``: from music to a folder that encodes it, and on after a stop.

Authors
 * The mert_sb developers 2026
"""

import json
import runpy
import shutil
import sys

import pytest
import torch

from mert_sb.inference import CheckpointError, MusicEncoder, export_student
from mert_sb.inference.units import UnitEncoder
from mert_sb.inference.units.states import draw_states
from mert_sb.store import Shelf
from tests.utils.finetune_runs import no_trace
from tests.utils.originals import tiny_student
from tests.utils.progress_lines import last_lines
from tests.utils.source_tree import ROOT
from tests.utils.task_folders import noise, own_modules

CPU = {"device": "cpu"}
SCRIPT = ROOT / "recipes" / "units" / "train.py"
FLAGS = {
    "layer": 2,
    "codebook_size": 8,
    "vocab_size": 14,
    "share": 0.5,
    "device": "cpu",
    "prepare": {"n_workers": 1, "valid_share": 0.4},
    "fit": {"windows": {"chunk_seconds": 1.5, "overlap_seconds": 0.5}},
}
SECONDS = (2.0, 3.5, 1.2, 2.6, 4.0, 1.9)


@pytest.fixture(autouse=True)
def _process():
    with no_trace():
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Six files, and a student."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "music").mkdir()
    for index, seconds in enumerate(SECONDS):
        noise(folder / "music" / f"{index}.wav", seconds)
    export_student(tiny_student(normalize_wavs=True), folder / "encoder")
    return folder


def run_recipe(data, output, **changed):
    """Run ``train.py`` as the command line does; its results."""
    flags = FLAGS | changed
    flags |= {"data_folder": data / "music", "output_folder": output}
    flags.setdefault("source", data / "encoder")
    arguments = [str(SCRIPT.parent / "hparams" / "units.yaml")]
    for key, value in flags.items():
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        arguments += [f"--{key}", text]
    with own_modules(SCRIPT.parent) as patch:
        patch.setattr(sys, "argv", [str(SCRIPT), *arguments])
        return runpy.run_path(str(SCRIPT), run_name="__main__")["results"]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A finished run."""
    output = tmp_path_factory.mktemp("trained")
    with no_trace():
        run_recipe(data, output, card={"data": "noise", "licence": "cc0-1.0"})
    return output


@pytest.fixture
def begun(trained, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(trained, tmp_path / "begun")


def test_the_folder_gives_the_strings_of_the_recipe(data, trained):
    encoder = UnitEncoder.from_folder(trained / "inference", run_opts=CPU)
    shelf = Shelf(trained / "save" / "strings")
    rows = json.loads((trained / "save" / "train.json").read_text())
    assert 2 <= len(rows) == len(shelf) < len(SECONDS)
    for key, row in rows.items():
        path = row["wav"].replace("{data_root}", str(data / "music"))
        units = encoder.encode_file(path).units
        assert units.tolist() == shelf[key].tolist()
    assert encoder.settings.chunk_seconds == 1.5
    assert (len(encoder.codebook), len(encoder.tokenizer)) == (8, 14)
    card = (trained / "inference" / "README.md").read_text()
    assert "noise" in card and "license: cc0-1.0" in card


def test_results_are_those_of_the_files(data, trained):
    results = json.loads((trained / "results.json").read_text())
    encoder = UnitEncoder.from_folder(trained / "inference", run_opts=CPU)
    assert encoder.settings.results == results
    rows = json.loads((trained / "save" / "valid.json").read_text())
    units, states, tokens = [], [], 0
    for row in rows.values():
        path = row["wav"].replace("{data_root}", str(data / "music"))
        string = encoder.encode_file(path)
        units.append(string.units)
        tokens += len(string.tokens)
        windows = {"chunk_seconds": 1.5, "overlap_seconds": 0.5}
        states.append(encoder.encoder.encode_file(path, 2, **windows).states)
    units, states = torch.cat(units), torch.cat(states)
    valid = results["valid"]
    assert valid["hours"] == pytest.approx(len(units) / 75 / 3600)
    assert valid["usage"] == len(units.unique()) / 8
    assert valid["tokens_per_second"] == pytest.approx(tokens * 75 / len(units))
    errors = (states - encoder.reconstruct(units)).square().sum()
    spread = (states - states.mean(0)).square().sum()
    assert valid["explained"] == pytest.approx(
        1 - (errors / spread).item(), abs=1e-4
    )
    train = results["train"]
    assert train["share"] == pytest.approx(0.5, abs=0.1)
    assert train["explained"] > 0.1
    log = (trained / "log.txt").read_text()
    assert f"valid perplexity: {valid['perplexity']:.4g}" in log


def test_it_says_how_far_it_is(data, begun, tmp_path, capfd):
    run_recipe(data, tmp_path / "out")
    last = last_lines(capfd.readouterr().err)
    jobs = ["prepare", "units-states", "k-means", "units-strings", "measure"]
    assert list(last) == jobs
    rows = json.loads((tmp_path / "out/save/train.json").read_text())
    for job in ("units-states", "units-strings"):
        assert last[job]["done"] == last[job]["total"] == len(rows)
        assert last[job]["times_real_time"] > 0
    assert last["prepare"]["total"] == len(SECONDS)
    # A finished run has nothing left but to measure.
    (begun / "results.json").unlink()
    run_recipe(data, begun, card={"data": "noise", "licence": "cc0-1.0"})
    assert list(last_lines(capfd.readouterr().err)) == ["measure"]


def test_windows_of_a_slow_student_share_more(data, tmp_path):
    student = tiny_student(subsample=3, position_kernel=128)
    source = export_student(student, tmp_path / "slow")
    changed = {"fit": {"windows": {"chunk_seconds": 30.0}}, "vocab_size": 10}
    run_recipe(data, tmp_path / "out", source=source, **changed)
    begun = json.loads((tmp_path / "out/save/settings.json").read_text())
    assert begun["windows"]["overlap_seconds"] == 5.44
    encoder = UnitEncoder.from_folder(tmp_path / "out/inference", run_opts=CPU)
    assert encoder.settings.overlap_seconds == 5.44


def test_the_same_command_again_is_the_same_and_fits_nothing(data, begun):
    before = (begun / "results.json").read_text()
    names = "codebook.safetensors tokens.model strings/shard-0000000/data.bin"
    parts = [begun / "save" / name for name in names.split()]
    times = [path.stat().st_mtime_ns for path in parts]
    run_recipe(data, begun)
    assert [path.stat().st_mtime_ns for path in parts] == times
    assert (begun / "results.json").read_text() == before


def test_a_run_that_was_stopped_ends_as_if_it_was_not(
    data, trained, tmp_path, monkeypatch
):
    output, calls = tmp_path / "out", []
    target = "mert_sb.inference.units.fitting.train_tokenizer"

    def stopped(*_, **__):
        calls.append(1)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(target, stopped)
        run_recipe(data, output)
    assert calls and not (output / "inference").exists()
    fitted = (output / "save" / "codebook.safetensors").stat().st_mtime_ns
    run_recipe(data, output)
    saved = output / "save" / "codebook.safetensors"
    assert saved.stat().st_mtime_ns == fitted
    for name in ("codebook.safetensors", "tokens.model"):
        one, two = (f / "inference" / name for f in (output, trained))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"layer": 1}, r"windows.layers \(2 there, 1 now\)"),
        ({"codebook_size": 9}, r"codebook.codebook_size \(8 there, 9 now\)"),
        ({"vocab_size": 15}, r"tokenizer.vocab_size \(14 there, 15 now\)"),
        ({"collapse": False}, r"collapse \(True there, False now\)"),
        ({"standardize": True}, r"codebook.standardize"),
        ({"share": 0.4}, r"share \(0.5 there, 0.4 now\)"),
        ({"seed": 2}, "seed"),
    ],
)
def test_other_settings_are_refused(data, begun, changed, reason):
    with pytest.raises(ValueError, match=f"settings.json: .*{reason}"):
        run_recipe(data, begun, **changed)


def test_another_student_and_other_files_are_refused(data, begun, tmp_path):
    other = export_student(tiny_student(1, normalize_wavs=True), tmp_path / "b")
    with pytest.raises(ValueError, match="settings.json: .*student"):
        run_recipe(data, begun, source=other)
    more = shutil.copytree(data, tmp_path / "more")
    for index in range(6, 12):
        noise(more / "music" / f"{index}.wav", 1.5)
    with pytest.raises(ValueError, match="settings.json: .*files"):
        run_recipe(more, begun)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"layer": 3}, "layer: 3, but the student has states 0 to 2"),
        ({"layer": -1}, "layer: -1, but the student has"),
        ({"share": 0.0}, "share: 0.0 is not above 0"),
        ({"vocab_size": 8}, "vocab_size: 8, but the unknown token and 8 units"),
        ({"sample_rate": 16_000}, "sample_rate: 16000, but .* 24000 Hz"),
        ({"codebook_size": 5_000, "vocab_size": 6_000}, "5000 clusters, but"),
        ({"vocab_size": 9_000}, "vocab_size: SentencePiece finds no 9000"),
        ({"fit": {"max_units": 3}}, "vocab_size: SentencePiece finds no 14"),
    ],
)
def test_impossible_settings_are_refused(data, tmp_path, changed, reason):
    with pytest.raises((ValueError, CheckpointError), match=reason):
        run_recipe(data, tmp_path / "out", **changed)
    assert not (tmp_path / "out" / "inference").exists()


def test_fewer_frames_are_drawn_if_they_are_too_many(data, tmp_path):
    results = run_recipe(data, tmp_path / "out", max_frames=100)
    assert 50 < results["train"]["frames"] < 150


def test_the_drawn_frames_are_frames_of_the_file(data):
    encoder = MusicEncoder.from_original(data / "encoder", run_opts=CPU)
    path = data / "music" / "4.wav"
    windows = {"layers": 2, "chunk_seconds": 1.5, "overlap_seconds": 0.5}
    dice = [torch.Generator().manual_seed(seed) for seed in (0, 0, 1)]
    one, same, other = (
        draw_states(encoder, path, share=0.3, generator=d, **windows)
        for d in dice
    )
    every = encoder.encode_file(
        path, 2, chunk_seconds=1.5, overlap_seconds=0.5
    ).states
    assert 0.2 < len(one) / len(every) < 0.4
    assert torch.equal(one, same)
    assert not torch.equal(one[:20], other[:20])
    assert (one[:, None] == every).all(-1).any(-1).all()
