"""Shelves, journals, manifests and fitted files, damaged.

Authors
 * The mert_sb developers 2026
"""

import json
import shutil

import numpy as np
import torch

from tests.faults.fuzzing import Reader, assert_none_lost
from tests.faults.mutate import mutated_json, mutated_text, spoil as spoil_file

N_SHELVES = 2_000
N_MANIFESTS = 800
N_JOURNALS = 500
N_FITTED = 400
RATE = 24_000


def shelf_reader(folder):
    """Opens a shelf, looks through it, asks for keys, writes more."""
    from mert_sb.store import Shelf, ShelfWriter

    stamp, rng = {"teacher": "A", "checksum": None}, np.random.default_rng(0)
    writer = ShelfWriter(folder / "shelf", stamp, dtype="uint16")
    for shard in range(2):
        arrays = {
            f"{shard}/{key}": rng.integers(60_000, size=(key % 3 + 1, 4))
            for key in range(9)
        }
        writer.write(f"{shard:04d}", arrays)

    def spoil(rng, place):
        copy = shutil.copytree(folder / "shelf", place / "shelf")
        files = sorted(path for path in copy.rglob("*") if path.is_file())
        path = files[rng.integers(len(files))]
        if path.suffix == ".json" and rng.random() < 0.7:
            path.write_bytes(mutated_json(json.loads(path.read_text()), rng))
        elif rng.random() < 0.05:
            path.unlink()
        else:
            spoil_file(path, rng)
        return copy

    def read(place):
        shelf = Shelf(place)
        for key in shelf:
            if key in shelf:
                assert int(shelf[key].sum()) >= 0
        ShelfWriter(place, stamp, dtype="uint16").done("0000")

    return Reader("shelves", spoil, read, (OSError, ValueError))


def test_shelves(tmp_path):
    assert_none_lost(shelf_reader(tmp_path), N_SHELVES, tmp_path)


def rows():
    """Rows of a manifest by id."""
    from mert_sb.audio.rows import make_row

    return {
        f"{name}.wav": make_row(f"{name}.wav", 0, 24_000, RATE, label="rock")
        for name in "abcd"
    }


def manifest_reader(folder):
    """Reads a manifest, and compares it with another split."""
    from mert_sb.audio.rows import read_rows
    from mert_sb.audio.split import keep_splits

    def spoil(rng, place):
        path = place / "train.json"
        path.write_bytes(mutated_json(rows(), rng))
        return path

    def read(path):
        for row in read_rows(path).values():
            wav = row["wav"].format(data_root="/data")
            assert ".." not in wav.split("/") and wav.startswith("/data/")
        keep_splits(path.parent, {"a.wav": "train", "b.wav": "train"})

    return Reader("manifests", spoil, read, (OSError, ValueError))


def test_manifests(tmp_path):
    assert_none_lost(manifest_reader(tmp_path), N_MANIFESTS, tmp_path)


def journal_reader(folder):
    """Opens a journal, asks for what it knows, and goes on with it."""
    from mert_sb.audio.examine import Finding
    from mert_sb.audio.journal import Journal

    path, settings = folder / "prepare.jsonl", {"verify": True}
    stat = folder.stat()
    with Journal(path, settings) as journal:
        for name in "abcdef":
            journal.add(name, stat, Finding(8_000, 8_000, ""))
    lines = path.read_text().splitlines()

    def spoil(rng, place):
        changed = list(lines)
        number = rng.integers(len(lines))
        entry = mutated_json(json.loads(lines[number]), rng)
        changed[number] = entry.decode("utf-8", "replace")
        text = "\n".join(changed)
        (place / "prepare.jsonl").write_bytes(
            mutated_text(text, rng) if rng.random() < 0.5 else text.encode()
        )
        return place / "prepare.jsonl"

    def read(path):
        with Journal(path, settings) as journal:
            for name in "abcdef":
                known = journal.find(name, stat)
                assert known is None or known.n_samples >= 0
            journal.add("g", stat, Finding(1, 8_000, ""))
        assert Journal(path, settings).find("g", stat) is not None

    return Reader("journals", spoil, read, ())


def test_journals(tmp_path):
    assert_none_lost(journal_reader(tmp_path), N_JOURNALS, tmp_path)


def fitted_reader(kind, folder):
    """Builds a teacher from a fitted file and hears a clip with it."""
    from mert_sb.teachers import (
        ChromaFrames,
        FeatureTeacher,
        KMeansTeacher,
        MelRVQTeacher,
        fit_kmeans,
        fit_mel_rvq,
        fit_statistics,
    )

    path = folder / "fitted.safetensors"
    features = ChromaFrames(RATE, n_chroma=12)
    clips = [torch.rand(2, 24_080)]
    small = {"codebook_size": 4, "n_codebooks": 2, "n_iterations": 1}
    if kind == "mel_rvq":
        fit_mel_rvq(clips, path, sample_rate=RATE, n_mels=32, **small)
    elif kind == "kmeans":
        fit_kmeans(clips, path, features=features, n_codes=4, restarts=1)
    else:
        fit_statistics(clips, path, features=features)

    def build(path):
        if kind == "mel_rvq":
            return MelRVQTeacher(path=path)
        if kind == "kmeans":
            return KMeansTeacher(path=path, features=features)
        return FeatureTeacher(
            features=features, standardize="fitted", statistics=path
        )

    def spoil(rng, place):
        copy = shutil.copy(path, place / "fitted.safetensors")
        data = path.read_bytes()
        if rng.random() < 0.5:
            (place / "fitted.safetensors").write_bytes(spoiled_head(data, rng))
        else:
            spoil_file(place / "fitted.safetensors", rng)
        return copy

    def read(path):
        build(path)(clips[0])

    return Reader(f"fitted {kind}", spoil, read, (OSError, ValueError))


def spoiled_head(data, rng):
    """A safetensors file whose head says something else."""
    length = int.from_bytes(data[:8], "little")
    head = mutated_json(json.loads(data[8 : 8 + length]), rng)[:50_000]
    return len(head).to_bytes(8, "little") + head + data[8 + length :]


def test_fitted_cascades(tmp_path):
    assert_none_lost(fitted_reader("mel_rvq", tmp_path), N_FITTED, tmp_path)


def test_fitted_codebooks(tmp_path):
    assert_none_lost(fitted_reader("kmeans", tmp_path), N_FITTED, tmp_path)


def test_fitted_statistics(tmp_path):
    assert_none_lost(fitted_reader("statistics", tmp_path), N_FITTED, tmp_path)
