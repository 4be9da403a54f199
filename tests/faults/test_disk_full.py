"""Each command that writes, on disks that fill up at one write after another.

Authors
 * The mert_sb developers 2026
"""

from functools import partial

import pytest

from tests.faults import full_disk_jobs as jobs
from tests.faults.full_disk import SIZE, rooms, try_room, whole_run
from tests.faults.report import note
from tests.utils.small_disk import small_disk

# Amounts of room of each job, from none to almost all that it needs.
ROOMS = {
    "pretraining": (jobs.pretraining, 24),
    "going on": (jobs.going_on, 20),
    "extracting": (jobs.extracting, 20),
    "probing": (jobs.probing, 20),
    "units": (jobs.units_recipe, 20),
    "encode npy": (partial(jobs.encoding, form="npy"), 20),
    "encode npz": (partial(jobs.encoding, form="npz"), 20),
    "encode hdf5": (partial(jobs.encoding, form="hdf5"), 20),
    "tokens": (jobs.tokens, 10),
    "stems": (jobs.stems, 20),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return jobs.make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disk")
    with small_disk(folder / "small", SIZE) as mounted:
        yield mounted


@pytest.mark.parametrize("name", ROOMS)
def test_nothing_is_lost_to_a_full_disk(inputs, disk, name):
    if name == "encode hdf5":
        pytest.importorskip("h5py")
    make, count = ROOMS[name]
    job = make(inputs, disk.path / "run")
    results, most = whole_run(disk, job)
    shorts, lost = 0, []
    for room in rooms(most, count):
        short, faults = try_room(disk, job, room, results)
        shorts, lost = shorts + short, lost + faults
    note(f"disk full: {name}", shorts, len(lost))
    assert not lost, "\n".join(lost)
    # Else amounts were too large to try anything.
    assert shorts > count / 2
