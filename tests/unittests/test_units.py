"""Units and tokens of files: exact there and back, with times, in windows or not.

Authors
 * The mert_sb developers 2026
"""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from mert_sb.inference import MusicEncoder, export_student
from mert_sb.inference.units import UnitEncoder, fit_codebook
from tests.utils import hub_server
from tests.utils.hub_server import Repository
from tests.utils.originals import tiny_student
from tests.utils.task_folders import noise
from tests.utils.unit_folders import (
    CPU,
    N_TOKENS,
    N_UNITS,
    WINDOWS,
    random_units,
    sign,
    write_folder,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("made") / "units")


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "units")


@pytest.fixture(scope="module")
def encoder(made):
    return UnitEncoder.from_folder(made, run_opts=CPU)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    return noise(tmp_path_factory.mktemp("song") / "a.wav", 4.0)


@pytest.mark.parametrize("collapse", [True, False])
def test_tokens_give_back_every_string(tmp_path, collapse):
    folder = write_folder(tmp_path / "units", collapse=collapse)
    encoder = UnitEncoder.from_folder(folder, run_opts=CPU)
    backwards = torch.arange(N_UNITS).flip(0).repeat(3)
    for units in (random_units(30_000, seed=1), backwards, backwards[:1]):
        string = encoder.tokenize(units)
        wanted = units.unique_consecutive() if collapse else units
        assert torch.equal(encoder.decode(string.tokens), wanted)
        assert torch.equal(string.units, units)
    frequent = encoder.tokenize(random_units(3_000, seed=2))
    assert len(frequent.tokens) < 0.8 * len(encoder.decode(frequent.tokens))


def test_no_units_are_no_tokens(encoder):
    string = encoder.tokenize([])
    assert [len(part) for part in string] == [0, 0, 0, 0]
    assert len(encoder.decode([])) == 0


@pytest.mark.parametrize("collapse", [True, False])
def test_each_token_has_the_time_of_its_frames(tmp_path, collapse):
    folder = write_folder(tmp_path / "units", collapse=collapse)
    encoder = UnitEncoder.from_folder(folder, run_opts=CPU)
    units = random_units(500, seed=3)
    _, tokens, starts, ends = encoder.tokenize(units)
    assert torch.equal(starts[1:], ends[:-1])
    # Frame 0 is centred on sample 199.5, and they step by 320.
    centres = (199.5 + 320 * torch.arange(500, dtype=torch.float64)) / 24_000
    assert starts[0].item() == pytest.approx(39.5 / 24_000, abs=1e-12)
    assert ends[-1].item() == pytest.approx((39.5 + 160_000) / 24_000)
    for token, start, end in zip(tokens.tolist(), starts, ends, strict=True):
        within = units[(centres > start) & (centres < end)]
        if collapse:
            within = within.unique_consecutive()
        assert tuple(within.tolist()) == encoder.tokenizer.units(token)


def test_units_are_the_nearest_centroids(encoder, song):
    states = encoder.encoder.encode_file(song, 2, **WINDOWS).states
    book = encoder.codebook
    apart = torch.cdist(states, book.states(torch.arange(N_UNITS)))
    string = encoder.encode_file(song)
    assert torch.equal(string.units, apart.argmin(-1))
    assert len(string.units) == 299
    assert encoder.frame_rate == 75
    again = encoder.reconstruct(string.units)
    torch.testing.assert_close(
        (states - again).square().sum(-1).sqrt(), apart.min(-1).values
    )


def test_long_files_are_the_same_in_any_batches(encoder, song):
    one = encoder.encode_file(song)
    for size in (2, 7):
        other = encoder.encode_file(song, batch_size=size)
        assert torch.equal(one.units, other.units)
        assert torch.equal(one.tokens, other.tokens)


def test_windows_change_nothing_where_attention_has_not_looked(tmp_path, song):
    settings = {"layer": 0, "collapse": False}
    parts, whole = (
        UnitEncoder.from_folder(folder, run_opts=CPU).encode_file(song)
        for folder in (
            write_folder(tmp_path / "parts", **settings),
            write_folder(tmp_path / "whole", **settings, chunk_seconds=None),
        )
    )
    assert torch.equal(parts.units, whole.units)


def test_the_folder_says_how_long_files_are_cut(tmp_path, folder, song):
    # Of these states, not of made-up ones: windows move few of those.
    encoder = MusicEncoder.from_original(folder, run_opts=CPU)
    states = encoder.encode_file(song, 2, chunk_seconds=None).states
    book = fit_codebook(states, N_UNITS)
    for seconds in (None, 0.5):
        other = write_folder(
            tmp_path / "other",
            codebook=book,
            chunk_seconds=seconds,
            overlap_seconds=0.1,
        )
        units = UnitEncoder.from_folder(other, run_opts=CPU).encode_file(song)
        same = (units.units == book(states)).float().mean()
        assert (same == 1) == (seconds is None)


def test_windows_share_what_the_student_asks_for(tmp_path):
    student = {"subsample": 3, "position_kernel": 128}
    options = {"chunk_seconds": 30.0, "overlap_seconds": None}
    folder = write_folder(tmp_path / "slow", student=student, **options)
    encoder = UnitEncoder.from_folder(folder, run_opts=CPU)
    assert encoder.settings.overlap_seconds == 5.44


def test_numbers_that_are_no_units_or_tokens_are_refused(encoder):
    for token in (0, N_TOKENS, -1):
        with pytest.raises(
            ValueError, match=f"tokens: {token} is none of 1 to"
        ):
            encoder.decode([1, token])
    for unit in (N_UNITS, -1):
        with pytest.raises(ValueError, match=f"units: {unit} is none of 0 to"):
            encoder.tokenize([0, unit])
        with pytest.raises(ValueError, match=f"units: {unit} is none of 0 to"):
            encoder.reconstruct([0, unit])


def test_a_student_without_numbers_gives_no_units(folder, song):
    path = folder / "student.safetensors"
    export_student(tiny_student(normalize_wavs=True), folder)
    tensors = load_file(path)
    tensors["encoder.layers.1.ffn.0.bias"].fill_(torch.nan)
    save_file(tensors, path)
    sign(folder)
    encoder = UnitEncoder.from_folder(folder, run_opts=CPU)
    with pytest.raises(ValueError, match="a.wav: the student gives NaN"):
        encoder.encode_file(song)


def test_the_folder_is_plain_data_and_can_be_moved(folder, encoder, song):
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "codebook.safetensors",
        "hyperparams.yaml",
        "student.safetensors",
        "tokens.model",
        "units.json",
    }
    before = torch.get_rng_state()
    moved = UnitEncoder.from_folder(folder, run_opts=CPU)
    assert torch.equal(torch.get_rng_state(), before)
    one, two = encoder.encode_file(song), moved.encode_file(song)
    assert all(map(torch.equal, one, two))
    assert "UnitEncoder.from_folder" in (folder / "README.md").read_text()


def test_units_load_from_the_hub(folder, encoder, song, tmp_path, monkeypatch):
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    with hub_server.serve() as server:
        server.repositories["me/units"] = Repository(files)
        hub_server.point_client_at(server, tmp_path / "cache", monkeypatch)
        other = UnitEncoder.from_folder("me/units", run_opts=CPU)
    wanted = encoder.encode_file(song)
    assert torch.equal(other.encode_file(song).tokens, wanted.tokens)
