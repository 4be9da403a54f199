"""No pickle runs, wherever it is put; nothing small becomes large.

Authors
 * The mert_sb developers 2026
"""

import json
import pickle
import re

import numpy as np
import pytest
import torch
from torch.torch_version import TorchVersion

from mert_sb.checkpoints import CompleteCheckpointer
from mert_sb.inference import CheckpointError, MusicEncoder, StrictPretrainer
from mert_sb.inference.report import guess
from mert_sb.inference.tensors import read_json, read_pickle
from mert_sb.shard import MAGIC
from mert_sb.store import Shelf, ShelfWriter
from mert_sb.student import MERT
from mert_sb.teachers import EncodecTeacher, encodec
from mert_sb.teachers.base import file_checksum
from tests.utils.attacks import Attack, packed_checkpoint, two_faced
from tests.utils.originals import (
    TINY,
    fairseq_config,
    fairseq_file,
    huggingface_folder,
    tiny_student,
)


@pytest.fixture
def attack(tmp_path):
    """Of which a file ``ran`` would tell."""
    return Attack(tmp_path / "ran")


@pytest.fixture(autouse=True)
def _nothing_ran(tmp_path):
    yield
    assert not (tmp_path / "ran").exists()


def runs_where_trusted(path, tmp_path):
    """Or the tests would prove nothing."""
    torch.load(path, weights_only=False, pickle_module=pickle)
    (tmp_path / "ran").unlink()


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("name", ["model", "optimizer"])
def test_a_runs_checkpoint(tmp_path, monkeypatch, attack, name, forced):
    """SpeechBrain's reader leaves it to torch's default and to a variable."""
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters())
    parts = {"model": model, "optimizer": optimizer}
    checkpointer = CompleteCheckpointer(tmp_path / "save", parts)
    path = checkpointer.save_checkpoint().path / f"{name}.ckpt"
    torch.save({"state": attack}, path)
    runs_where_trusted(path, tmp_path)
    if forced:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(RuntimeError, match="Nothing of it was run") as caught:
        checkpointer.recover_if_possible()
    assert str(path.parent) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[", "a: 1", "unixtime: x", "- 1", "unixtime: &a [*a]"]
)
def test_a_checkpoints_own_words(tmp_path, text):
    checkpointer = CompleteCheckpointer(tmp_path / "save", {})
    path = checkpointer.save_checkpoint().path / "CKPT.yaml"
    path.write_text(text)
    with pytest.raises(RuntimeError, match=re.escape(f"{path}: damaged")):
        checkpointer.list_checkpoints()


def test_a_report_of_a_run(tmp_path, attack):
    path = tmp_path / "student.ckpt"
    torch.save({"a": attack}, path)
    runs_where_trusted(path, tmp_path)
    with pytest.raises(CheckpointError, match="Nothing of it was run"):
        guess._load(path)


@pytest.mark.parametrize("layout", ["fairseq", "huggingface"])
def test_a_pretrainers_source(tmp_path, attack, layout):
    if layout == "fairseq":
        source = fairseq_file(tmp_path / "a.pt", tiny_student(), more=attack)
    else:
        changes = {"masked_spec_embed": attack}
        source = huggingface_folder(
            tmp_path / "a", tiny_student(), changes=changes
        )
    pretrainer = StrictPretrainer({"student": MERT(**TINY)}, source=source)
    pretrainer.collect_files()
    with pytest.raises(CheckpointError, match="Nothing of it was run"):
        pretrainer.load_collected()


def test_weights_of_encodec(tmp_path, monkeypatch, attack):
    """The package itself would unpickle its download without a question."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    there = tmp_path / "there"
    there.mkdir()
    torch.save({"a": attack}, there / encodec.FILE)
    runs_where_trusted(there / encodec.FILE, tmp_path)
    monkeypatch.setattr(encodec, "URL", f"file://{there}/")
    with pytest.raises(ConnectionError, match="invalid hash value"):
        EncodecTeacher()
    checksum = file_checksum(there / encodec.FILE)[:8]
    monkeypatch.setattr(encodec, "CHECKSUM", checksum)
    for weights in (None, there / encodec.FILE):
        with pytest.raises(ValueError, match="is damaged, or another model's"):
            EncodecTeacher(weights=weights, checksum=checksum)
    assert (tmp_path / "hub" / "checkpoints" / encodec.FILE).is_file()


@pytest.mark.parametrize("name", ["hashes", "keys", "shapes"])
def test_tables_of_a_shelf(tmp_path, attack, name):
    writer = ShelfWriter(tmp_path / "shelf", {"teacher": "a"}, dtype="uint16")
    writer.write("0", {"x": np.zeros((3, 2))})
    path = tmp_path / "shelf" / "shard-0" / f"{name}.npy"
    np.save(path, np.array([attack], object), allow_pickle=True)
    with pytest.raises(ValueError, match="shard-0 is damaged"):
        list(Shelf(tmp_path / "shelf"))
    # A head of four gigabytes.
    path.write_bytes(MAGIC[:6] + b"\2\0\xff\xff\xff\xff")
    with pytest.raises(ValueError, match=f"{name}.npy is no table"):
        list(Shelf(tmp_path / "shelf"))


@pytest.mark.parametrize("dtype", ["O", "object", "V8", "U4", "f4,O", 3, None])
def test_the_type_of_a_shelf(tmp_path, dtype):
    header = {"version": 1, "dtype": dtype, "fingerprint": {}}
    (tmp_path / "shelf.json").write_text(json.dumps(header))
    with pytest.raises(ValueError, match="shelf.json: damaged, its dtype is"):
        Shelf(tmp_path)


def test_an_archive_that_unpacks_to_more(tmp_path):
    path = packed_checkpoint(tmp_path / "a.pt", 2**22)
    assert path.stat().st_size < 2**16
    with pytest.raises(CheckpointError, match="would unpack to 419"):
        read_pickle(path)


@pytest.mark.parametrize(("version", "n"), [("2.9.1", 1), ("2.10.0", 0)])
def test_a_torch_whose_reader_has_a_hole(
    tmp_path, monkeypatch, caplog, version, n
):
    torch.save({"a": torch.ones(1)}, tmp_path / "a.pt")
    monkeypatch.setattr(torch, "__version__", TorchVersion(version))
    assert read_pickle(tmp_path / "a.pt")["a"] == 1
    told = [r for r in caplog.records if "CVE-2026-24747" in r.getMessage()]
    assert len(told) == n


@pytest.mark.parametrize("after_the_end", [False, True])
def test_an_archive_with_two_lists_of_contents(tmp_path, after_the_end):
    """torch would read the one, while the other was looked at."""
    path = packed_checkpoint(tmp_path / "a.pt", 2**22)
    two_faced(path, after_the_end=after_the_end)
    found = torch.load(path, weights_only=True)
    assert found["model"]["a"].numel() == 2**20
    with pytest.raises(CheckpointError, match="another list of contents"):
        read_pickle(path)


def test_a_tensor_that_repeats_its_numbers(tmp_path):
    """A hundred gigabytes, were they brought to float32."""
    endless = torch.zeros(1, dtype=torch.float16).expand(5 * 10**10)
    path = fairseq_file(
        tmp_path / "a.pt", tiny_student(), changes={"mask_emb": endless}
    )
    with pytest.raises(CheckpointError, match="mask_emb.*more numbers than"):
        MusicEncoder.from_original(path)


def test_a_setting_that_refers_to_itself(tmp_path):
    """Its text would be endless, or longer than any memory."""
    many = "x"
    for _ in range(60):
        many = [many] * 10
    cfg = fairseq_config(tiny_student().settings)
    cfg["model"]["extractor_mode"] = many
    path = fairseq_file(tmp_path / "a.pt", tiny_student(), cfg=cfg)
    with pytest.raises(CheckpointError, match="extractor_mode is") as caught:
        MusicEncoder.from_original(path)
    assert len(str(caught.value)) < 20_000


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_hidden_layers", 10**9), ("feature_extractor_cqt_bins", 10**9)],
)
def test_settings_that_would_fill_memory(tmp_path, key, value):
    config = {key: value, "feature_extractor_cqt": True}
    folder = huggingface_folder(tmp_path / "a", tiny_student(), config=config)
    with pytest.raises(CheckpointError, match=f"{key} is 1000000000, not a"):
        MusicEncoder.from_original(folder)


def test_json_nested_without_end(tmp_path):
    path = tmp_path / "task.json"
    for text in ("[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 10_000):
        path.write_text(text)
        with pytest.raises(CheckpointError, match="task.json.*no JSON"):
            read_json(path)
