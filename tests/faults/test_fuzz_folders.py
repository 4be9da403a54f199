"""Inference folders of tasks and units, damaged: opened and used.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.faults.fuzzing import Reader, assert_none_lost
from tests.faults.test_fuzz_checkpoints import spoiled_copy
from tests.unittests import test_beat_tracker
from tests.utils import separators, task_folders, unit_folders

# Of each kind.
N_CASES = 400
CPU = {"device": "cpu"}
MEGABYTES = 1000


def make_clips(folder):
    task_folders.write(folder)


def make_mel(folder):
    task_folders.write(folder, **task_folders.MEL)


def predict(place):
    from mert_sb.inference import open_task

    task = open_task(place, run_opts=CPU)
    task.predict_file(place / "a.wav")


def make_units(folder):
    unit_folders.write_folder(folder)


def encode(place):
    from mert_sb.inference.units import UnitEncoder

    encoder = UnitEncoder.from_folder(place, run_opts=CPU)
    encoder.encode_file(place / "a.wav")


def make_stems(folder):
    separators.write(folder)


def separate(place):
    from mert_sb.inference import Separator

    separator = Separator.from_folder(place, run_opts=CPU)
    separator.separate_file(place / "a.wav", place / "stems")


def make_beats(folder):
    decoder = test_beat_tracker.BarPointer(beats_per_bar=(3, 4))
    test_beat_tracker.write(folder, decoder=decoder)


def track(place):
    from mert_sb.inference import BeatTracker

    tracker = BeatTracker.from_folder(place, run_opts=CPU)
    tracker.track_file(place / "a.wav")


# Name -> how it is made, how it is used.
KINDS = {
    "task.json and probe": (make_clips, predict),
    "mel baseline": (make_mel, predict),
    "units": (make_units, encode),
    "stems": (make_stems, separate),
    "beats": (make_beats, track),
}


def folder_reader(name, folder):
    """The reader of a kind of folder."""
    make, read = KINDS[name]
    source = folder / "made"
    make(source)
    task_folders.noise(source / "a.wav", 1.1)
    sign = unit_folders.sign if name == "units" else None

    def signed(place):
        if sign is not None and (place / "units.json").is_file():
            try:
                sign(place)
            except (AttributeError, TypeError, ValueError, RecursionError):
                pass  # its settings are what is damaged

    return Reader(
        f"folder of {name}",
        spoiled_copy(source, signed),
        read,
        (OSError, ValueError),
        MEGABYTES,
    )


@pytest.mark.parametrize("name", KINDS)
def test_folders(tmp_path, name):
    assert_none_lost(folder_reader(name, tmp_path), N_CASES, tmp_path)
