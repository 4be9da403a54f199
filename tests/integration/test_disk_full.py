"""A share of tests/faults/test_disk_full.py: a few commands, a few amounts of room.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.faults import full_disk_jobs as jobs
from tests.faults.full_disk import SIZE, try_room, whole_run
from tests.utils.small_disk import small_disk

# Bytes: of pretraining, in the manifests, in the first checkpoint and in a later one;
# of encoding, in the second file.
ROOMS = {"pretraining": (20_000, 200_000), "encoding": (100_000,)}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return jobs.make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.mark.parametrize("name", ROOMS)
def test_nothing_is_lost_to_a_full_disk(inputs, tmp_path, name):
    with small_disk(tmp_path / "small", SIZE) as disk:
        folder = disk.path / "run"
        job = {
            "pretraining": lambda: jobs.pretraining(inputs, folder),
            "encoding": lambda: jobs.encoding(inputs, folder, form="npz"),
        }[name]()
        results, most = whole_run(disk, job)
        for room in ROOMS[name]:
            assert room < most
            short, lost = try_room(disk, job, room, results)
            assert short and not lost, "\n".join(lost)
