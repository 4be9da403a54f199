"""Annotation files of the data sets, damaged.

Authors
 * The mert_sb developers 2026
"""

import importlib
import json
import os
import shutil

import pytest

from tests.faults.fuzzing import Reader, assert_none_lost
from tests.faults.mutate import mutated_json, mutated_text
from tests.utils.source_tree import ROOT

# Of each data set.
N_CASES = 900
DOCUMENTED = (OSError, ValueError)
RECIPES = ROOT / "recipes"


def recipe_module(folder, name):
    """A recipe's module, imported by its path."""
    spec = importlib.util.spec_from_file_location(
        name, RECIPES / folder / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spoiled_copy(source, names):
    """A spoiler of one of some files of a folder, the others being whole."""

    def spoil(rng, place):
        folder = shutil.copytree(source, place / "data", copy_function=os.link)
        path = folder / names[rng.integers(len(names))]
        data = spoiled(path, rng)
        # Not through the link, which is the original.
        path.unlink()
        path.write_bytes(data)
        return folder

    return spoil


def spoiled(path, rng):
    """A text of rows or JSON, damaged."""
    text = path.read_text()
    if path.suffix in (".json", ".jams"):
        return mutated_json(json.loads(text), rng)
    return mutated_text(text, rng)


def tables_of(name, folder):
    """A miniature of a data set without its audio; its tables' names."""
    module = importlib.import_module(f"tests.samples.make_{name}")
    getattr(module, f"make_{name}")(folder, seconds=1.0)
    names = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".wav", ".mp3", ".au", ".flac"):
            # A layout is looked for by names.
            path.write_bytes(b"")
        elif path.is_file():
            names.append(path.relative_to(folder).as_posix())
    return names


def emo(module, folder):
    write_all(folder, module.read_splits(folder))


def mtg(module, folder):
    module.read_splits(
        folder / "data/splits/split-0", "instrument", allow_missing=True
    )


def giantsteps(module, folder):
    module.read_splits(folder, allow_missing=True)


def mtt(module, folder):
    write_all(folder, module.read_splits(folder))


def nsynth(module, folder):
    write_all(folder, module.read_splits(folder, "pitch"))


def write_all(folder, splits):
    """As a preparation that finds no audio."""
    from mert_sb.audio.clips import write_clips

    write_clips(folder, folder / "save", splits, sample_rate=24_000)


DATA_SETS = {
    "emo": ("downstream/EMO", emo),
    "mtg": ("downstream/MTG", mtg),
    "giantsteps": ("downstream/GiantSteps", giantsteps),
    "mtt": ("downstream/MTT", mtt),
    "nsynth": ("downstream/NSynth", nsynth),
}


def data_set_reader(name, folder):
    """The reader of a data set's tables."""
    recipe, read = DATA_SETS[name]
    module = recipe_module(recipe, f"{name}_prepare")
    names = tables_of(name, folder / "whole")
    return Reader(
        f"{name}'s tables",
        spoiled_copy(folder / "whole", names),
        lambda place: read(module, place),
        DOCUMENTED,
    )


@pytest.mark.parametrize("name", DATA_SETS)
def test_tables_of_data_sets(tmp_path, name):
    reader = data_set_reader(name, tmp_path)
    assert_none_lost(reader, N_CASES, tmp_path)


def gtzan_ids(path):
    module = recipe_module("downstream/GTZAN", "gtzan_prepare")
    return list(module.read_ids(path))


def vocalset_singers(path):
    module = recipe_module("downstream/VocalSet", "vocalset_prepare")
    return module.read_singers(path)


def music4all_ids(path):
    module = recipe_module("pretrain/Music4ALL", "music4all_prepare")
    module.list_missing(path.parent, {"a"}, path.parent / "save")


def beats(path):
    from mert_sb.downstream.beats.targets import read_beats

    return read_beats(path)


JAMS = {
    "annotations": [
        {
            "namespace": "beat",
            "sandbox": {"annotation_type": kind},
            "data": [{"time": step / 2, "value": 1} for step in steps],
        }
        for kind, steps in (("beat", range(40)), ("downbeat", range(0, 40, 4)))
    ]
}
ROWS = "".join(f"{step / 2}\t{step % 4 + 1}\n" for step in range(40))
# File's name, reader, text.
TEXTS = {
    "gtzan": ("fault_filtered.txt", gtzan_ids, "downstream/GTZAN"),
    "vocalset": (
        "technique_singers.txt",
        vocalset_singers,
        "downstream/VocalSet",
    ),
    "music4all": (
        "id_information.csv",
        music4all_ids,
        "id\tartist\tsong\na\tA\tB\nb\tC\tD\n" * 9,
    ),
    "beats": ("a.beats", beats, "# by hand\n" + ROWS),
    "jams": ("a.jams", beats, json.dumps(JAMS)),
}


def text_reader(name, folder):
    """The reader of one file of text."""
    file_name, read, text = TEXTS[name]
    if "\n" not in text and not text.startswith("{"):
        text = (RECIPES / text / file_name).read_text()
    (folder / file_name).write_text(text)

    def spoil(rng, place):
        path = place / file_name
        path.write_bytes(spoiled(folder / file_name, rng))
        return path

    return Reader(f"{name}'s text", spoil, read, DOCUMENTED)


@pytest.mark.parametrize("name", TEXTS)
def test_texts(tmp_path, name):
    assert_none_lost(text_reader(name, tmp_path), N_CASES, tmp_path)
