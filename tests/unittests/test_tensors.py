"""Reading tensors: what a pickle asks for is refused, and never done.

Authors
 * The mert_sb developers 2026
"""

import argparse
import concurrent.futures
import datetime
import os
import pickle
import subprocess

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mert_sb.inference import CheckpointError, MusicEncoder
from mert_sb.inference.tensors import SafeTensors, read_pickle
from tests.utils.originals import (
    fairseq_config,
    fairseq_file,
    huggingface_folder,
    tiny_student,
)


class Attack:
    """An object whose pickle asks for a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Foreign:
    """A class that only its own library knows."""

    def __init__(self):
        self.symbols = ["<s>"]


class Fairseq(Foreign):
    """As ``Foreign``, pickled under fairseq's name."""


Fairseq.__module__ = "fairseq.data.dictionary"
Fairseq.__qualname__ = Fairseq.__name__ = "Dictionary"


@pytest.fixture
def fairseq_class(monkeypatch):
    """Lets pickle find the class while writing, and only then."""
    import sys
    import types

    for name in ("fairseq", "fairseq.data", "fairseq.data.dictionary"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["fairseq.data.dictionary"].Dictionary = Fairseq
    yield Fairseq
    monkeypatch.undo()


def runs_where_trusted(path):
    """Load a pickle the dangerous way, to show that it is one."""
    torch.load(path, weights_only=False, pickle_module=pickle)


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("function", [os.system, subprocess.getoutput])
@pytest.mark.parametrize("layout", ["fairseq", "huggingface"])
def test_a_malicious_pickle_is_refused_and_not_run(
    tmp_path, layout, function, is_zip
):
    marker = tmp_path / "ran"
    attack = Attack(function, f"touch {marker}")
    student = tiny_student()
    if layout == "fairseq":
        path = source = fairseq_file(
            tmp_path / "a.pt", student, extra_state=[attack, {attack: attack}]
        )
    else:
        source = huggingface_folder(
            tmp_path / "a", student, changes={"masked_spec_embed": attack}
        )
        path = source / "pytorch_model.bin"
    contents = torch.load(path, weights_only=False, pickle_module=pickle)
    marker.unlink()
    contents["more"] = attack
    torch.save(contents, path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(
        CheckpointError, match="Nothing of it was run"
    ) as caught:
        MusicEncoder.from_original(source)
    assert str(path) in str(caught.value)
    assert function.__name__ in str(caught.value)
    assert not marker.exists()
    runs_where_trusted(path)
    assert marker.exists()


@pytest.mark.parametrize("place", ["config", "tensor", "metadata"])
def test_attacks_in_other_places_are_not_run(tmp_path, place):
    marker = tmp_path / "ran"
    attack = Attack(eval, f"open({str(marker)!r}, 'w')")
    student = tiny_student()
    path = tmp_path / "a.pt"
    if place == "config":
        cfg = fairseq_config(student.settings)
        cfg["model"]["dropout"] = attack
        fairseq_file(path, student, cfg=cfg)
    if place == "tensor":
        fairseq_file(path, student, changes={"mask_emb": attack})
    if place == "metadata":
        fairseq_file(path, student, task_state={"dictionaries": [attack]})
    with pytest.raises(CheckpointError, match="asks for eval"):
        read_pickle(path)
    assert not marker.exists()
    runs_where_trusted(path)
    assert marker.exists()


def test_a_bare_pickle_is_refused(tmp_path):
    marker = tmp_path / "ran"
    path = tmp_path / "a.pt"
    attack = Attack(os.system, f"touch {marker}")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps({"model": attack}, protocol))
        with pytest.raises(CheckpointError):
            read_pickle(path)
    assert not marker.exists()


def test_a_torchscript_archive_is_refused(tmp_path):
    path = tmp_path / "a.pt"
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    with pytest.raises(CheckpointError, match="torchscript"):
        read_pickle(path)


def test_what_real_checkpoints_mention_is_no_hindrance(tmp_path, fairseq_class):
    path = fairseq_file(
        tmp_path / "a.pt",
        tiny_student(),
        args=argparse.Namespace(arch="mert", seed=1),
        task_state={"dictionaries": [fairseq_class()] * 2},
        extra_state={"best": np.float64(1.5), "epoch": 1, "more": (1, b"x")},
    )
    import sys

    del sys.modules["fairseq.data.dictionary"].Dictionary
    contents = read_pickle(path)
    assert contents["model"]["mask_emb"].shape == (32,)
    assert contents["extra_state"]["epoch"] == 1
    stand_in = contents["task_state"]["dictionaries"][0]
    assert not isinstance(stand_in, Foreign)
    assert vars(stand_in) == {}


def test_other_foreign_objects_are_refused_by_name(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"model": {}, "when": datetime.date(2020, 1, 1)}, path)
    with pytest.raises(CheckpointError, match=r"datetime\.date"):
        read_pickle(path)


def test_the_older_format_is_read(tmp_path):
    path = tmp_path / "a.pt"
    contents = {"cfg": {"model": {"a": 1}}, "model": {"b": torch.rand(3)}}
    torch.save(contents, path, _use_new_zipfile_serialization=False)
    found = read_pickle(path)
    assert found["cfg"] == contents["cfg"]
    assert torch.equal(found["model"]["b"], contents["model"]["b"])


def test_safetensors_are_read_one_by_one(tmp_path):
    state = {"a": torch.rand(3), "b": torch.rand(2, 2)}
    save_file(state, tmp_path / "a.safetensors")
    found = SafeTensors(tmp_path / "a.safetensors")
    assert set(found) == {"a", "b"}
    assert len(found) == 2
    assert all(torch.equal(found[name], state[name]) for name in state)
    with pytest.raises(KeyError, match="c"):
        found["c"]


def test_flipped_bits_give_no_other_error(tmp_path):
    path = fairseq_file(tmp_path / "a.pt", tiny_student())
    whole = path.read_bytes()
    dice = np.random.default_rng(0)
    refused = 0
    for _ in range(100):
        bytes_ = bytearray(whole)
        # Where the format's own records are, not the tensors.
        place = (
            -dice.integers(1, 6_000)
            if dice.random() < 0.7
            else dice.integers(0, 6_000)
        )
        bytes_[place] ^= 1 << dice.integers(8)
        path.write_bytes(bytes_)
        try:
            MusicEncoder.from_original(path)
        except CheckpointError:
            refused += 1
    assert refused > 20


def test_several_threads_may_read_at_once(tmp_path, fairseq_class):
    path = fairseq_file(
        tmp_path / "a.pt",
        tiny_student(),
        task_state={"dictionaries": [fairseq_class()]},
    )
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read_pickle, [path] * 40))
    assert all("model" in contents for contents in found)
