"""A short share of tests/faults/test_fuzz_*.py: the same readers, a few cases each.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.faults import (
    test_fuzz_annotations as annotations,
    test_fuzz_audio as audio,
    test_fuzz_checkpoints as checkpoints,
    test_fuzz_folders as folders,
    test_fuzz_reports as reports,
    test_fuzz_stores as stores,
    test_fuzz_yaml as yaml,
)
from tests.faults.fuzzing import Reader, assert_none_lost, fuzz

# Of each reader; the seed is another than the long suites'.
N_CASES = 16
N_SLOW = 6
SEED = 1


def readers():
    """Name -> how a reader is made in a folder, and its cases."""
    made = {}
    for name in annotations.DATA_SETS:
        made[name] = annotations.data_set_reader, (name,), N_CASES
    for name in annotations.TEXTS:
        made[name] = annotations.text_reader, (name,), N_CASES
    for name in ("a.wav", "e.flac", "f.ogg", "i.mp3"):
        made[name] = audio.audio_reader, (name,), N_CASES
    for name in checkpoints.LAYOUTS:
        made[name] = checkpoints.layout_reader, (name,), N_CASES
    for name in folders.KINDS:
        made[name] = folders.folder_reader, (name,), N_SLOW
    for name in ("mel_rvq", "kmeans", "statistics"):
        made[name] = stores.fitted_reader, (name,), N_SLOW
    for make in (
        checkpoints.recovery_reader,
        reports.grid_reader,
        reports.run_reader,
        stores.journal_reader,
        stores.manifest_reader,
        stores.shelf_reader,
        yaml.flags_reader,
        yaml.settings_reader,
    ):
        made[make.__name__] = make, (), N_CASES
    made["page_reader"] = reports.page_reader, (), N_SLOW // 2
    return made


READERS = readers()


@pytest.mark.parametrize("name", READERS)
def test_a_few_cases(tmp_path, name):
    make, arguments, n_cases = READERS[name]
    reader = make(*arguments, tmp_path)
    assert_none_lost(reader, n_cases, tmp_path, SEED)


def undocumented(given):
    raise KeyError(given)


def nameless(given):
    raise ValueError("something is wrong somewhere")


def greedy(given):
    return bytes(2**30)


def deadly(given):
    import os

    os.abort()


@pytest.mark.parametrize("read", [undocumented, nameless, greedy, deadly])
def test_a_lost_case_is_noticed(tmp_path, read):
    def spoil(rng, place):
        (place / "a.txt").touch()
        return place / "a.txt"

    reader = Reader("a fault", spoil, read, (ValueError,))
    assert list(fuzz(reader, 2, tmp_path)) == [0, 1]


def test_a_hanging_case_is_noticed(tmp_path, monkeypatch):
    def spoil(rng, place):
        return place

    def hang(given):
        while True:
            pass

    monkeypatch.setattr("tests.faults.fuzzing.SECONDS", 0.1)
    (lost,) = fuzz(Reader("a fault", spoil, hang, ()), 1, tmp_path).values()
    assert "still reading" in lost
