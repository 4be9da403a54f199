"""What fuzzing found: damage that once ended in an error without a name, or worse.

Authors
 * The mert_sb developers 2026
"""

import io
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mert_sb.downstream.beats.excerpt import read_excerpt
from mert_sb.downstream.beats.targets import bar_positions, read_beats
from mert_sb.inference import CheckpointError, open_task
from mert_sb.inference.report.log import read_clock, read_log
from mert_sb.inference.report.predictions import read_predictions
from mert_sb.inference.units import UnitTokenizer
from mert_sb.store import Shelf, ShelfWriter
from mert_sb.teachers import ChromaFrames, FeatureTeacher, MelRVQTeacher
from mert_sb.teachers.fitted import write_fitted
from tests.utils import task_folders
from tests.utils.source_tree import ROOT

RATE = 24_000


@pytest.mark.parametrize("place", ["1e300", "1001", "inf", "1.5", "-1"])
def test_a_place_that_no_bar_has(tmp_path, place):
    path = tmp_path / "a.beats"
    path.write_text(f"0.5\t1\n1.0\t{place}\n")
    with pytest.raises(ValueError, match="a.beats:2: "):
        read_beats(path)


def test_very_many_beats_take_little_memory():
    """Each with each they would be 80 GB."""
    beats = np.arange(100_000) / 2
    positions = bar_positions(beats, beats[::4] + 0.01)
    assert positions.tolist() == [1, 2, 3, 4] * 25_000


def test_the_nearest_beat_is_the_first_of_two():
    found = bar_positions(np.arange(6.0), np.array([-3.0, 2.5, 9.0]))
    assert found.tolist() == [1, 2, 1, 2, 3, 1]


def recipe_module(name):
    import importlib.util

    path = ROOT / "recipes" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLES = {
    "a word": ("downstream/GTZAN/gtzan_prepare", "read_ids", b"train\n"),
    "ids": ("downstream/GTZAN/gtzan_prepare", "read_ids", b"train \xff\n"),
    "singers": (
        "downstream/VocalSet/vocalset_prepare",
        "read_singers",
        b"\xe9",
    ),
    "keys": (
        "downstream/GiantSteps/giantsteps_prepare",
        "read_keys",
        b"ID\tMANUAL KEY\tC\n1\t\xff\t2\n",
    ),
    "notes": ("downstream/NSynth/nsynth_prepare", "read_notes", b'{"a": \xff}'),
    "deep": ("downstream/NSynth/nsynth_prepare", "read_notes", b"[" * 90_000),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table_is_named(tmp_path, name):
    module, function, data = TABLES[name]
    path = tmp_path / "table.txt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="table.txt"):
        list(getattr(recipe_module(module), function)(path))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name\na\n", "no column id"),
        ("", "no column id"),
        ("id\n" + "x" * 200_000, "no table"),
    ],
)
def test_music4alls_table(tmp_path, text, reason):
    module = recipe_module("pretrain/Music4ALL/music4all_prepare")
    (tmp_path / "id_information.csv").write_text(text)
    with pytest.raises(ValueError, match=f"id_information.csv.*{reason}"):
        module.list_missing(tmp_path, set(), tmp_path)


def test_a_cell_that_is_too_long(tmp_path):
    module = recipe_module("downstream/EMO/emo_prepare")
    path = tmp_path / "songs_info.csv"
    path.write_text("song_id,Artist\n1," + "x" * 200_000)
    with pytest.raises(ValueError, match="songs_info.csv: damaged"):
        module.read_table(path, str, ("song_id", "Artist"))


def test_two_columns_of_one_name():
    module = recipe_module("downstream/MTT/mtt_prepare")
    header = ["clip_id", *module.LABELS, "mp3_path", "guitar"]
    with pytest.raises(ValueError, match="t.csv, line 1: two columns"):
        module.read_header(header, "t.csv")


@pytest.mark.parametrize(
    ("about", "change"),
    [
        ("{", {}),
        ("[]", {}),
        ('{"settings": [], "report": {}}', {}),
        (None, {"mean": None}),
        (None, {"mean": torch.zeros(31)}),
        (None, {"scale": torch.zeros(32)}),
        (None, {"scale": torch.full((32,), torch.nan)}),
        (None, {"codebooks": torch.zeros(2, 4, 0)}),
        (None, {"codebooks": torch.zeros(4, 32)}),
        (None, {"mean": torch.zeros(32, dtype=torch.int64)}),
    ],
)
def test_a_damaged_cascade_is_named(tmp_path, about, change):
    path = tmp_path / "a.safetensors"
    tensors = {
        "mean": torch.zeros(32),
        "scale": torch.ones(32),
        "codebooks": torch.zeros(2, 4, 32),
    } | change
    tensors = {k: v for k, v in tensors.items() if v is not None}
    write_fitted(path, "mel_rvq", tensors, {"sample_rate": RATE}, {})
    if about is not None:
        save_file(tensors, path, metadata={"mel_rvq": about})
    with pytest.raises(ValueError, match=str(path)):
        MelRVQTeacher(path=path)


def test_statistics_of_another_width_are_named(tmp_path):
    path, features = tmp_path / "a.safetensors", ChromaFrames(RATE, n_chroma=12)
    tensors = {"mean": torch.zeros(24), "scale": torch.ones(24)}
    settings = {"features": features.identity}
    write_fitted(path, "statistics", tensors, settings, {})
    given = {"standardize": "fitted", "statistics": path}
    with pytest.raises(ValueError, match=f"{path} is damaged.*12 features"):
        FeatureTeacher(features=features, **given)


def test_tables_of_a_shelf_that_do_not_fit(tmp_path):
    writer = ShelfWriter(tmp_path, {"teacher": "a"}, dtype="uint16")
    writer.write("0", {"x": np.zeros((3, 2)), "y": np.ones((5, 2))})
    folder = tmp_path / "shard-0"
    tables = {
        "shapes": np.array([[3, 2], [2**33, 2]]),
        "offsets": np.array([0, 10, 16]),
        "keys": np.array([b"x"]),
        "hashes": np.zeros(3, np.uint64),
    }
    for name, table in tables.items():
        whole = (folder / f"{name}.npy").read_bytes()
        np.save(folder / f"{name}.npy", table)
        with pytest.raises(ValueError, match="shard-0 is damaged; delete it"):
            list(Shelf(tmp_path))
        (folder / f"{name}.npy").write_bytes(whole)
    assert list(Shelf(tmp_path)) in (["x", "y"], ["y", "x"])


def test_a_piece_of_units_that_is_no_text(tmp_path):
    from tests.utils.unit_folders import N_UNITS, write_folder

    path = write_folder(tmp_path / "units") / "tokens.model"
    first = chr(0xF0000).encode()
    data = path.read_bytes().replace(first, b"\xf3\xff\xff\xff")
    with pytest.raises(CheckpointError, match="damaged"):
        UnitTokenizer(data, N_UNITS, path)


def test_a_clip_too_short_for_a_baseline_names_the_file(tmp_path):
    folder = task_folders.write(
        tmp_path / "task",
        **task_folders.MEL,
        clip_seconds=1e-3,
        min_tail_seconds=1e-3,
    )
    task = open_task(folder, run_opts=task_folders.CPU)
    path = task_folders.noise(tmp_path / "a.wav", 0.1)
    with pytest.raises(ValueError, match=f"{path}: a clip of 24 samples"):
        task.predict_file(path)


def test_an_excerpt_whose_head_asks_for_petabytes(tmp_path):
    path, head = tmp_path / "excerpt.npz", io.BytesIO()
    said = {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(head, said)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("seconds.npy", head.getvalue())
    with pytest.raises(ValueError, match="excerpt.npz: damaged"):
        read_excerpt(path)


def test_an_excerpt_that_unpacks_to_more(tmp_path):
    path = tmp_path / "excerpt.npz"
    np.savez_compressed(path, seconds=np.zeros(2**24))
    with pytest.raises(ValueError, match="excerpt.npz.*would unpack to"):
        read_excerpt(path)
    np.savez(path, seconds=np.array([{}], object))
    with pytest.raises(ValueError, match="excerpt.npz: damaged"):
        read_excerpt(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("seconds.npy", b"\x93NUMPY")
    with pytest.raises(ValueError, match="excerpt.npz: damaged"):
        read_excerpt(path)


@pytest.mark.parametrize("text", ["a,7,0.5,2\n", "a,-1,0.5,2\n", "a,nan,1,2\n"])
def test_a_target_that_is_no_class(tmp_path, text):
    path = tmp_path / "predictions.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match="predictions.csv: a target is no"):
        read_predictions(path, "SingleLabel")


def test_a_torn_log_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "train_log.txt"
    path.write_text(
        "Epoch: 1, step: 5 - train loss: 2.0\n"
        "Epoch: 1, step: 6 - train loss: 2.-, train lr: 0.1\n"
        f"Epoch: 1, step: {'9' * 5000} - train loss: 1.0\n"
    )
    assert read_log(path).series("train", "loss") == ([5], [2.0])
    assert read_log(path).series("train", "lr") == ([6], [0.1])
    path.write_text("2026-99-01 00:00:00,000 - a - INFO - b\n")
    assert read_clock(path) is None
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="train_log.txt: damaged"):
        read_log(path)
