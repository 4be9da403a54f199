"""The shelf of a teacher survives kills.

Authors
 * The mert_sb developers 2026
"""

from tests.faults.kills import Campaign
from tests.faults.pretraining_jobs import extract_job, make_music

KILLS = 40


def test_the_shelf_is_that_of_a_whole_run(tmp_path):
    music = make_music(tmp_path / "music")
    job = extract_job(music / "audio", music / "fitted", tmp_path / "run")
    assert Campaign(job).run(KILLS) == []
