"""Manifests survive kills.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.faults.kills import Campaign
from tests.faults.pretraining_jobs import make_files, make_music, prepare_job

FILES = 120
# Worker processes start anew, with all that train.py imports.
KILLS = {1: 40, 2: 8}


@pytest.mark.parametrize("n_workers", KILLS)
def test_manifests_are_those_of_a_whole_run(tmp_path, n_workers):
    music = make_music(tmp_path / "music")
    files = make_files(tmp_path / "files", FILES)
    job = prepare_job(files, music / "fitted", tmp_path / "run", n_workers)
    assert Campaign(job).run(KILLS[n_workers]) == []
