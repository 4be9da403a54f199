"""Whole models from a Hub on the loopback, with huggingface_hub's own client.

Authors
 * The mert_sb developers 2026
"""

import json
import os
import subprocess
import sys

import pytest
import torch
from speechbrain.utils.fetching import FetchConfig

from mert_sb.inference import CheckpointError, MusicEncoder, export_student
from tests.utils import hub_server
from tests.utils.hub_server import READER, WRITER, Fault, Repository
from tests.utils.originals import huggingface_folder, tiny_student
from tests.utils.source_tree import ROOT

MODEL = "m-a-p/MERT-v1-95M"
OFFLINE = FetchConfig(allow_network=False)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def original(tmp_path):
    """The files of a published model, small."""
    student = tiny_student(normalize_wavs=True)
    return contents(huggingface_folder(tmp_path / "original", student))


@pytest.fixture
def hub(tmp_path, monkeypatch, original):
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with hub_server.serve() as server:
        server.repositories[MODEL] = Repository(original)
        hub_server.point_client_at(server, tmp_path / "cache", monkeypatch)
        yield server


def states(encoder):
    generator = torch.Generator().manual_seed(0)
    return encoder.encode_batch(torch.randn(1, 5_000, generator=generator))


def expected(**settings):
    model = tiny_student(**settings)
    generator = torch.Generator().manual_seed(0)
    wavs = torch.randn(1, 5_000, generator=generator)
    return model(wavs, output_hidden_states=True)


def test_a_published_model_loads_by_its_id_and_by_its_name(hub):
    wanted = expected(normalize_wavs=True)
    assert torch.equal(states(MusicEncoder.from_original(MODEL)), wanted)
    n_requests = len(hub.requests)
    encoder = MusicEncoder.from_original("MERT-v1-95M", fetch_config=OFFLINE)
    assert torch.equal(states(encoder), wanted)
    assert len(hub.requests) == n_requests


def test_safetensors_come_before_a_pickle(hub, tmp_path):
    student = tiny_student(seed=1)
    folder = huggingface_folder(
        tmp_path / "b", student, weights="model.safetensors"
    )
    hub.repositories[MODEL].commit(contents(folder))
    encoder = MusicEncoder.from_original(MODEL)
    assert torch.equal(states(encoder), expected(seed=1))
    assert not any("pytorch_model.bin" in request for request in hub.requests)


def test_a_version_is_pinned_as_a_whole(hub, tmp_path):
    repository = hub.repositories[MODEL]
    first = repository.branches["main"]
    newer = huggingface_folder(tmp_path / "b", tiny_student(norm="pre"))
    repository.commit(contents(newer))
    wanted = expected(normalize_wavs=True)
    pinned = FetchConfig(revision=first)
    encoder = MusicEncoder.from_original(MODEL, fetch_config=pinned)
    assert torch.equal(states(encoder), wanted)
    encoder = MusicEncoder.from_original(MODEL)
    assert encoder.student.settings["norm"] == "pre"


@pytest.mark.parametrize("how", ["from_original", "from_hparams"])
def test_a_branch_that_moves_while_loading_gives_one_version(
    hub, tmp_path, monkeypatch, how
):
    from mert_sb.inference import convert, interface
    from mert_sb.inference.hub import fetch_file

    export_student(tiny_student(), tmp_path / "a")
    export_student(tiny_student(seed=1), tmp_path / "b")
    hub.repositories["me/mine"] = Repository(contents(tmp_path / "a"))

    def moving(source, names, fetch_config):
        path = fetch_file(source, names, fetch_config)
        hub.repositories["me/mine"].commit(contents(tmp_path / "b"))
        return path

    monkeypatch.setattr(convert, "fetch_file", moving)
    monkeypatch.setattr(interface, "fetch_file", moving)
    encoder = getattr(MusicEncoder, how)("me/mine")
    assert torch.equal(states(encoder), expected())


@pytest.mark.parametrize(
    "missing", ["config.json", "preprocessor_config.json", "pytorch_model.bin"]
)
def test_a_file_the_hub_lacks_is_named(hub, original, missing):
    del original[missing]
    hub.repositories[MODEL] = Repository(original)
    with pytest.raises(FileNotFoundError, match=f"{missing} of {MODEL}"):
        MusicEncoder.from_original(MODEL)


def test_a_cut_connection_is_an_error_and_mends(hub):
    hub.faults = [Fault("pytorch_model.bin", cut=1_000)]
    with pytest.raises(ConnectionError, match="pytorch_model.bin"):
        MusicEncoder.from_original(MODEL)
    with pytest.raises(ConnectionError, match="network is off"):
        MusicEncoder.from_original(MODEL, fetch_config=OFFLINE)
    hub.faults = []
    encoder = MusicEncoder.from_original(MODEL)
    assert torch.equal(states(encoder), expected(normalize_wavs=True))


def test_a_wrong_hash_is_an_error_that_says_what_to_delete(hub, original):
    weights = bytearray(original["pytorch_model.bin"])
    weights[len(weights) // 2] ^= 1
    hub.faults = [Fault("pytorch_model.bin", content=bytes(weights))]
    for fetch_config in (None, OFFLINE):
        with pytest.raises(OSError, match="damaged, its hash is.*delete"):
            MusicEncoder.from_original(MODEL, fetch_config=fetch_config)


def test_a_wrong_token_is_an_error_without_the_token(hub, original):
    hub.repositories[MODEL] = Repository(original, private=True)
    token = "hf_mayNothing"
    with pytest.raises(PermissionError) as caught:
        MusicEncoder.from_original(MODEL, fetch_config=FetchConfig(token=token))
    assert token not in str(caught.value)
    encoder = MusicEncoder.from_original(
        MODEL, fetch_config=FetchConfig(token=READER)
    )
    assert torch.equal(states(encoder), expected(normalize_wavs=True))


def test_a_damaged_upload_leaves_no_model(hub, original):
    cut = original | {"pytorch_model.bin": original["pytorch_model.bin"][:999]}
    hub.repositories[MODEL] = Repository(cut)
    with pytest.raises(CheckpointError, match="pytorch_model.bin"):
        MusicEncoder.from_original(MODEL)


def test_what_is_pushed_comes_back_with_its_card(hub, tmp_path):
    folder = export_student(tiny_student(norm="pre"), tmp_path / "mine")
    encoder = MusicEncoder.from_original(folder)
    address = encoder.push_to_hub(
        "me/my-mert", token=WRITER, data="folk", licence="cc0-1.0"
    )
    assert address == f"{hub.url}/me/my-mert"
    wanted = expected(norm="pre")
    for how in (MusicEncoder.from_hparams, MusicEncoder.from_original):
        assert torch.equal(states(how("me/my-mert")), wanted)
        encoder = how("me/my-mert", fetch_config=OFFLINE)
        assert torch.equal(states(encoder), wanted)
    repository = hub.repositories["me/my-mert"]
    card = repository.commits[repository.branches["main"]]["README.md"].decode()
    assert 'from_hparams("me/my-mert")' in card
    assert "license: cc0-1.0" in card
    assert "folk" in card


def test_from_hparams_keeps_a_copy_that_needs_no_hub(hub, tmp_path):
    folder = export_student(tiny_student(), tmp_path / "mine")
    hub.repositories["me/my-mert"] = Repository(contents(folder))
    savedir = tmp_path / "kept"
    MusicEncoder.from_hparams("me/my-mert", savedir=savedir)
    hub.requests.clear()
    hub.repositories.clear()
    encoder = MusicEncoder.from_hparams("me/my-mert", savedir=savedir)
    assert torch.equal(states(encoder), expected())
    assert hub.requests == []


SCRIPT = """
import json, sys, torch
from mert_sb.inference import MusicEncoder
try:
    encoder = MusicEncoder.from_original(sys.argv[1])
except OSError as error:
    result = [type(error).__name__, str(error)]
else:
    wavs = torch.randn(1, 5_000, generator=torch.Generator().manual_seed(0))
    result = encoder.encode_batch(wavs).tolist()
print(json.dumps(result))
"""


def in_a_fresh_process(source, environment):
    command = [sys.executable, "-c", SCRIPT, source]
    environment = os.environ | environment | {"PYTHONPATH": str(ROOT)}
    output = subprocess.check_output(command, env=environment)
    return json.loads(output.splitlines()[-1])


def test_the_environment_leads_online_then_offline(tmp_path, original):
    wanted = expected(normalize_wavs=True)
    settings = {"HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    with hub_server.serve() as hub:
        hub.repositories[MODEL] = Repository(original)
        settings |= {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        online = in_a_fresh_process(MODEL, settings)
        assert any("resolve" in request for request in hub.requests)
    assert torch.allclose(torch.tensor(online), wanted, atol=1e-5)
    settings |= {"HF_HUB_OFFLINE": "1"}
    assert in_a_fresh_process(MODEL, settings) == online
    kind, message = in_a_fresh_process("m-a-p/MERT-v0", settings)
    assert kind == "ConnectionError"
    assert "HF_HUB_OFFLINE" in message
