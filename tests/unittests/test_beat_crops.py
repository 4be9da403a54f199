"""Crops of the beat recipe: targets belong to their audio, draws to item and epoch.

Authors
 * The mert_sb developers 2026
"""

import importlib
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from mert_sb.downstream.beats.decode import PeakPicking
from mert_sb.downstream.beats.family import Beats
from tests.utils.task_folders import DOWNSTREAM, own_modules

RATE = 24_000


def test_targets_are_cut_with_their_crops(tmp_path):
    """Impulses on the beats: each is in the frame that its target names."""
    beats = np.arange(0.3, 4.8, 0.47)
    wav = np.zeros(5 * RATE)
    wav[np.round(beats * RATE).astype(int)] = 0.9
    soundfile.write(tmp_path / "a.wav", wav, RATE, subtype="FLOAT")
    row = {"wav": "{data_root}/a.wav", "start": 0, "length": len(wav)}
    row |= {"track": "a", "beats": beats.tolist(), "downbeats": [beats[0]]}
    (tmp_path / "train.json").write_text(json.dumps({"a": row}))
    counter = SimpleNamespace(current=1)
    hparams = {
        "seed": 1,
        "sample_rate": RATE,
        "crop_seconds": 2.0,
        "epoch_counter": counter,
        "save_folder": tmp_path,
        "data_folder": tmp_path,
        "family": Beats(loss="shift_tolerant", decoder=PeakPicking()),
    }
    with own_modules(DOWNSTREAM / "GTZAN"):
        train = importlib.import_module("train_beats")
    del sys.modules["train_beats"]
    crops = train.clips(hparams, "train", crop=True)
    seen = []
    for counter.current in (1, 2, 3, 1):
        item = crops[0]
        assert item["sig"].shape == (2 * RATE + 320,)
        assert item["target"].shape == (150, 2)
        marked = item["target"][:, 0].nonzero().flatten().numpy()
        heard = item["sig"].nonzero().flatten().numpy() / RATE
        # A beat of the last instant may have its frame beyond the crop.
        assert heard[: len(marked)] * 75 == pytest.approx(marked, abs=0.51)
        assert len(heard) - len(marked) in (0, 1)
        seen.append(tuple(heard))
    assert seen[0] == seen[3] and len(set(seen)) == 3
    whole = train.clips(hparams, "train", crop=False)[0]
    assert whole["target"].shape == (375, 2)
    assert whole["target"].sum(0).tolist() == [len(beats), 1]
    assert whole["beats"] == pytest.approx(beats)
