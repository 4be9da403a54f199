"""Fitted teachers survive kills.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.faults.kills import Campaign
from tests.faults.pretraining_jobs import fit_job
from tests.samples.make_samples import make_audio

KILLS = {"mel_rvq": 20, "mfcc": 20}


@pytest.mark.parametrize("teacher", KILLS)
def test_the_codebooks_are_those_of_a_whole_run(tmp_path, teacher):
    make_audio(tmp_path / "audio")
    job = fit_job(tmp_path / "audio", tmp_path / "run", teacher)
    assert Campaign(job).run(KILLS[teacher]) == []
