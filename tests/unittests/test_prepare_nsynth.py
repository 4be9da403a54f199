"""NSynth: the dataset's own splits, both tasks, files that are wrong.

Authors
 * The mert_sb developers 2026
"""

import importlib
import json
import shutil

import pytest

from tests.samples.make_nsynth import FAMILIES, entry, make_nsynth
from tests.utils.source_tree import ROOT

COUNTS = {"train": 289_205, "valid": 12_678, "test": 4_096}


@pytest.fixture
def nsynth(monkeypatch):
    """The prepare file."""
    folder = ROOT / "recipes" / "downstream" / "NSynth"
    monkeypatch.syspath_prepend(str(folder))
    return importlib.import_module("nsynth_prepare")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The dataset in miniature, made once."""
    folder = tmp_path_factory.mktemp("original")
    make_nsynth(folder, seconds=0.5)
    return folder


@pytest.fixture
def miniature(original, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(original, tmp_path / "NSynth")


def write_full(folder):
    """Files ``examples.json`` of full size, all fields in each entry."""
    for split, count in COUNTS.items():
        place = folder / f"nsynth-{split}"
        place.mkdir()
        families = [
            f for f in FAMILIES if split == "train" or f != "synth_lead"
        ]
        sample = json.dumps(entry("bass", 0, 9, 7))
        sample = sample.replace("bass_synthetic_000", "INSTRUMENT")
        with (place / "examples.json").open("w") as file:
            for index in range(count):
                family = families[index % len(families)]
                name = f"{family}_synthetic_{index:06d}"
                text = sample.replace("INSTRUMENT", name)
                text = text.replace("bass", family)
                file.write(f'{"," if index else "{"}\n"{name}-009-100": {text}')
            file.write("}\n")


def change(folder, split, edit):
    """Edit the entries of a split."""
    path = folder / f"nsynth-{split}" / "examples.json"
    entries = json.loads(path.read_text())
    edit(entries)
    path.write_text(json.dumps(entries))


def test_full_files_give_the_dataset_s_counts(nsynth, tmp_path):
    write_full(tmp_path)
    splits = nsynth.read_splits(tmp_path, "instrument")
    assert {name: len(notes) for name, notes in splits.items()} == COUNTS
    nsynth.check_counts(splits, tmp_path, allow_missing=False)
    labels = {
        name: {note["label"] for note in notes.values()}
        for name, notes in splits.items()
    }
    assert labels["train"] == set(FAMILIES)
    assert labels["test"] == set(FAMILIES) - {"synth_lead"}


@pytest.mark.parametrize("task", ["instrument", "pitch"])
def test_the_miniature_is_prepared(nsynth, miniature, tmp_path, task):
    paths = nsynth.prepare_nsynth(
        miniature, tmp_path / "save", 24_000, task, allow_missing=True
    )
    rows = {
        split: json.loads(path.read_text()) for split, path in paths.items()
    }
    counts = {split: len(found) for split, found in rows.items()}
    assert counts == {"train": 66, "valid": 30, "test": 30}
    assert rows["valid"]["flute_synthetic_002-060-100"] == {
        "wav": "{data_root}/nsynth-valid/audio/flute_synthetic_002-060-100.wav",
        "start": 0,
        "length": 12_000,
        "duration": 0.5,
        "track": "flute_synthetic_002-060-100",
        "label": {"instrument": "flute", "pitch": "60"}[task],
    }
    labels = {row["label"] for found in rows.values() for row in found.values()}
    assert labels <= set(nsynth.LABELS[task])


def test_labels_are_the_dataset_s_in_its_order(nsynth):
    assert nsynth.LABELS["instrument"].index("synth_lead") == 9
    assert nsynth.LABELS["instrument"] == FAMILIES
    assert nsynth.LABELS["pitch"][60] == "60"
    assert len(nsynth.LABELS["pitch"]) == 128


def test_fewer_notes_are_refused(nsynth, miniature):
    with pytest.raises(ValueError, match="'train': 66.*allow_missing"):
        nsynth.prepare_nsynth(miniature, miniature / "save", 24_000, "pitch")


def test_an_unknown_task_is_refused(nsynth, miniature):
    with pytest.raises(ValueError, match="one of instrument, pitch"):
        nsynth.read_splits(miniature, "velocity")


def test_a_wrong_folder_is_told_the_layout(nsynth, miniature):
    (miniature / "nsynth-valid" / "examples.json").unlink()
    message = "nsynth-valid/examples.json is not there; NSynth's layout is"
    with pytest.raises(FileNotFoundError, match=message):
        nsynth.read_splits(miniature, "pitch")


def test_a_file_cut_short_is_named_with_its_line(nsynth, miniature):
    path = miniature / "nsynth-test" / "examples.json"
    path.write_text(path.read_text()[:1000].rpartition(",")[0])
    n_lines = path.read_text().count("\n") + 1
    with pytest.raises(ValueError, match=f"{path}, line {n_lines}: "):
        nsynth.read_splits(miniature, "pitch")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("instrument_family_str", "drums", "instrument_family_str is 'drums'"),
        ("instrument_family_str", None, "instrument_family_str is None"),
        ("pitch", 128, "pitch is 128, not 0 to 127"),
        ("pitch", None, "pitch is None"),
        ("pitch", 60.5, "pitch is 60.5"),
        ("note_str", "other", "is not the entry of a note"),
    ],
)
def test_an_entry_that_does_not_parse_is_named(
    nsynth, miniature, field, value, message
):
    def edit(entries):
        entries["bass_synthetic_003-048-100"][field] = value

    change(miniature, "test", edit)
    match = f"test/examples.json: .*{message}"
    with pytest.raises(ValueError, match=match) as caught:
        nsynth.read_splits(miniature, "instrument")
    assert "bass_synthetic_003-048-100" in str(caught.value)


@pytest.mark.parametrize("content", ["[]", '{"a": 3}', '{"a": {"pitch": 60}}'])
def test_other_json_is_refused(nsynth, miniature, content):
    path = miniature / "nsynth-test" / "examples.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"{path}: .* note"):
        nsynth.read_splits(miniature, "pitch")


def test_a_family_missing_from_training_is_named(nsynth, miniature):
    def edit(entries):
        for name in [name for name in entries if name.startswith("organ")]:
            del entries[name]

    change(miniature, "train", edit)
    with pytest.raises(ValueError, match="nsynth-train.* no note of organ;"):
        nsynth.read_splits(miniature, "instrument")
