"""The outputs of ``mert-sb encode`` survive kills.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.faults.kills import Campaign
from tests.faults.task_jobs import encode_job

# By format and loaders, which start anew, with all they import.
KILLS = {("npy", 0): 24, ("npz", 0): 10, ("hdf5", 0): 10, ("npy", 1): 6}


@pytest.mark.parametrize(("form", "workers"), KILLS)
def test_the_outputs_are_those_of_a_whole_run(tmp_path, form, workers):
    if form == "hdf5":
        pytest.importorskip("h5py")
    job = encode_job(tmp_path, form, workers=workers)
    assert Campaign(job).run(KILLS[form, workers]) == []
