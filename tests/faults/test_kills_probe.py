"""Probes, their cached states and fine-tuned upstreams survive kills.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.faults.kills import Campaign
from tests.faults.task_jobs import probe_job

# By upstream.
KILLS = {"mert": 24, "mert_full": 10}


@pytest.mark.parametrize("upstream", KILLS)
def test_the_result_is_that_of_a_whole_run(tmp_path, upstream):
    job = probe_job(tmp_path, upstream)
    assert Campaign(job).run(KILLS[upstream]) == []
