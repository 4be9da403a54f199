"""The fine-tuning template's YAMLs and splits, without training.

Authors
 * The mert_sb developers 2026
"""

import importlib

import pytest
import torch
import yaml

from mert_sb.hparams import load_hparams
from mert_sb.student import MERT
from tests.utils.finetune_runs import FOLDER, MODES, no_trace


@pytest.fixture
def split_classes(monkeypatch):
    """The template's rule."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("classes_prepare").split_classes


def test_every_class_is_in_every_split(split_classes):
    paths = [
        f"{name}/{n}.wav" for name in "abc" for n in range(3 + ord(name) % 5)
    ]
    for seed in range(20):
        splits = split_classes(paths, {"test": 0.5, "valid": 0.3}, seed)
        assert sorted(splits) == paths
        found = {(path[0], split) for path, split in splits.items()}
        assert len(found) == 9
    again = split_classes(paths, {"test": 0.5, "valid": 0.3}, seed)
    assert splits == again


@pytest.mark.parametrize(
    ("paths", "shares", "message"),
    [
        (["a/1.wav", "a/2.wav"], (0.1, 0.1), "class a has 2 usable files"),
        (["a/1.wav", "b.wav"], (0.1, 0.1), "b.wav lies in no folder that can"),
        (["a => 1/b.wav"], (0.1, 0.1), "lies in no folder that can name"),
        (["a/1.wav"] * 3, (0.5, 0.5), "leave nothing for training"),
    ],
)
def test_folders_that_cannot_be_split_are_refused(
    split_classes, paths, shares, message
):
    with pytest.raises(ValueError, match=message):
        split_classes(paths, {"test": shares[1], "valid": shares[0]}, 1)


@pytest.mark.parametrize("mode", MODES)
def test_the_student_is_that_of_the_published_95m(mode):
    with no_trace(), torch.device("meta"):
        hparams = load_hparams(
            FOLDER / "hparams" / f"{mode}.yaml",
            "{data_folder: x, n_classes: 2}",
        )
        assert hparams["pretrained"] == "m-a-p/MERT-v1-95M"
        published = MERT(normalize_wavs=True)
    free = {"layerdrop": 0.0, "feature_grad_mult": 1.0}
    assert hparams["student"].settings == published.settings | free


def test_yamls_differ_in_nothing_but_the_mode():
    differ = {"output_folder", "modules", "parameter_groups", "checkpointer"}
    own = {
        "frozen": {"frozen"},
        "lora": {"adapted", "encoder_lr", "layer_decay"},
        "full": {"encoder_lr", "layer_decay", "find_unused_parameters"},
    }
    texts = {}
    for mode in MODES:
        text = (FOLDER / "hparams" / f"{mode}.yaml").read_text()
        pairs = yaml.compose(text, Loader=yaml.SafeLoader).value
        texts[mode] = {key.value: yaml.serialize(node) for key, node in pairs}
    for mode in MODES:
        assert own[mode] <= set(texts[mode])
        common = texts[mode].keys() - differ - own[mode]
        assert common == texts["frozen"].keys() - differ - {"frozen"}
        assert all(texts[mode][k] == texts["frozen"][k] for k in common)
