"""A few kills of an encoding and of all that pretraining does; ``make test-faults`` has
hundreds, of all jobs.

Authors
 * The mert_sb developers 2026
"""

from tests.faults.kills import Campaign
from tests.faults.pretraining_jobs import make_files, train_job
from tests.faults.task_jobs import encode_job

KILLS = 2


def test_an_encoding_survives_kills(tmp_path):
    assert Campaign(encode_job(tmp_path, n_files=4)).run(KILLS) == []


def test_preparing_fitting_and_pretraining_survive_kills(tmp_path):
    files = make_files(tmp_path / "files", 12)
    job = train_job(files, None, tmp_path / "run", number_of_epochs=1)
    assert Campaign(job).run(KILLS) == []
