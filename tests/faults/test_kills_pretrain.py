"""Pretraining survives kills, of all its processes or of one.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.faults.kills import Campaign
from tests.faults.pretraining_jobs import make_music, ranks_job, train_job

# By loaders.
KILLS = {0: 30, 1: 20}
# Each start is of three Pythons.
RANK_KILLS = 8


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return make_music(tmp_path_factory.mktemp("kills") / "music")


@pytest.mark.parametrize("n_workers", KILLS)
def test_the_encoder_is_that_of_a_whole_run(music, tmp_path, n_workers):
    place = music / "audio", music / "fitted", tmp_path / "run"
    job = train_job(*place, n_workers)
    assert Campaign(job).run(KILLS[n_workers]) == []


def test_a_killed_rank_ends_the_other_and_both_go_on(music, tmp_path):
    job = ranks_job(music / "audio", music / "fitted", tmp_path / "run")
    assert Campaign(job).run(RANK_KILLS) == []
