"""What the tests of the templates share.

Authors
 * The mert_sb developers 2026
"""

import importlib
import json
import sys

import pytest
import torch

from mert_sb.inference import export_student
from mert_sb.student import MERT
from tests.utils.finetune_runs import (
    FLAGS,
    FOLDER,
    RATES,
    TINY,
    no_trace,
    write_tones,
)

MINIMUSIC = FOLDER.parent / "minimusic"


@pytest.fixture(autouse=True)
def _import_from_template(monkeypatch):
    monkeypatch.syspath_prepend(str(MINIMUSIC))


@pytest.fixture
def synthesizer():
    """The optional packages that make audio."""
    pytest.importorskip("midirenderer")
    pytest.importorskip("pretty_midi")


@pytest.fixture(scope="module")
def composed():
    """Enough pieces for every key and style to come up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(MINIMUSIC))
        from compose import compose

        return [compose(7, index) for index in range(500)]


@pytest.fixture(scope="module")
def process():
    """Undoes what runs do to this process."""
    with no_trace():
        yield


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder for low tones and one for high ones."""
    folder = tmp_path_factory.mktemp("music")
    write_tones(folder)
    return folder


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """The folder of a tiny encoder."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student = MERT(**TINY, embed_dim=32, num_layers=2, normalize_wavs=True)
    return export_student(student, tmp_path_factory.mktemp("made") / "encoder")


@pytest.fixture(scope="module")
def train():
    """The template's script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        for name in ("train", "classes_prepare"):
            patch.delitem(sys.modules, name, raising=False)
        yield importlib.import_module("train")
        for name in ("train", "classes_prepare"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def fit(train, music, pretrained):
    """Runs the template and gives back its Brain."""

    def fit(mode, output, brain_class=train.Classifier, **changed):
        flags = {**FLAGS, **RATES[mode], **changed}
        flags.setdefault("data_folder", str(music))
        flags.setdefault("pretrained", str(pretrained))
        flags["output_folder"] = str(output)
        arguments = [
            str(FOLDER / "hparams" / f"{mode}.yaml"),
            "--noprogressbar",
        ]
        for key, value in flags.items():
            text = json.dumps(value) if isinstance(value, dict) else str(value)
            # Switches of SpeechBrain's take no value.
            arguments += [f"--{key}"] if value is True else [f"--{key}", text]
        return train.run(
            brain_class, train.prepare_classes, train.dataio_prep, arguments
        )

    return fit
