"""A few kills of three jobs; ``make test-faults`` has hundreds, of all.

Authors
 * The mert_sb developers 2026
"""

from tests.faults.kills import Campaign
from tests.faults.pretraining_jobs import (
    make_files,
    make_music,
    prepare_job,
    train_job,
)
from tests.faults.task_jobs import encode_job

KILLS = 2


def test_encoding_survives_kills(tmp_path):
    job = encode_job(tmp_path, n_files=8)
    assert Campaign(job).run(KILLS) == []


def test_preparing_and_pretraining_survive_kills(tmp_path):
    music = make_music(tmp_path / "music")
    files = make_files(tmp_path / "files", 20)
    job = prepare_job(files, music / "fitted", tmp_path / "run")
    assert Campaign(job).run(KILLS) == []
    job = train_job(music / "audio", music / "fitted", tmp_path / "run")
    assert Campaign(job).run(KILLS) == []
