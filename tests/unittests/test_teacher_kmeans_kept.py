"""A fitted file is kept, or a fit is refused; nothing is refitted in silence.

Authors
 * The mert_sb developers 2026
"""

import json
import logging

import pytest
import torch
from safetensors import safe_open

from tests.utils.teacher_frames import Given, clusters, fit


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fitted.safetensors"


def test_a_file_that_is_there_is_kept_and_said(path, caplog):
    rows = clusters(5, 40)[1]
    report = fit(path, rows, 5)
    before = path.read_bytes()

    def untouched():
        raise AssertionError("the clips were read")
        yield

    with caplog.at_level(logging.INFO):
        again = fit(path, rows, 5, clips=untouched())
    assert again == {**report, "kept": True}
    assert path.read_bytes() == before
    assert str(path) in caplog.text and "is kept" in caplog.text


@pytest.mark.parametrize(
    "other",
    [
        {"n_codes": 6},
        {"mark": 1},
        {"method": "sklearn"},
        {"standardize": True},
        {"share": 0.5},
        {"max_frames": 60},
        {"batch_size": 65},
        {"n_iterations": 21},
        {"patience": 21},
        {"restarts": 3},
        {"n_passes": 1},
        {"seed": 1},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_file_fitted_otherwise_is_refused_and_stays(path, other):
    rows = clusters(5, 40)[1]
    fit(path, rows, 5)
    before = path.read_bytes()
    key = "features" if "mark" in other else next(iter(other))
    with pytest.raises(ValueError, match=f"{key} is .*, not ") as error:
        fit(path, rows, **{"n_codes": 5, **other})
    assert str(path) in str(error.value)
    assert path.read_bytes() == before


def test_the_device_is_no_setting(path):
    rows = clusters(5, 40)[1]
    fit(path, rows, 5)
    assert fit(path, rows, 5, device=torch.device("cpu"))["kept"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_codes": 61}, "60 frames are too few for 61 codes"),
        ({"clips": []}, "0 frames are too few"),
        ({"n_codes": 0}, "n_codes: 0, but"),
        ({"restarts": 0}, "restarts: 0, but"),
        ({"batch_size": 0}, "batch_size: 0, but"),
        ({"n_iterations": 0}, "n_iterations: 0, but"),
        ({"patience": 0}, "patience: 0, but"),
        ({"n_passes": -1}, "n_passes: -1, but"),
        ({"max_frames": 0}, "max_frames: 0, but"),
        ({"share": 0.0}, "share is 0.0"),
        ({"share": 1.5}, "share is 1.5"),
        ({"method": "faiss"}, "method: 'faiss'"),
        ({"distributed": True}, "no process group"),
    ],
)
def test_fits_that_cannot_be_are_refused_and_leave_no_file(
    path, settings, message
):
    rows = clusters(6, 10)[1]
    with pytest.raises(ValueError, match=message):
        fit(path, rows, **{"n_codes": 5, **settings})
    assert not list(path.parent.iterdir())


def test_features_that_are_not_finite_name_the_batch(path):
    rows = clusters(6, 10)[1].clone()
    rows[45, 2] = torch.nan
    with pytest.raises(ValueError, match="batch 1 of the clips"):
        fit(path, rows, 5)
    assert not path.exists()


def test_a_fit_that_is_killed_leaves_no_half_file(path, monkeypatch):
    from mert_sb.teachers import fitted

    def killed(tensors, file, metadata):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(fitted, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(path, clusters(6, 10)[1], 5)
    assert not path.exists()


def test_settings_and_report_are_in_the_file(path):
    report = fit(path, clusters(6, 10)[1], 6)
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["kmeans"])
    assert about["settings"]["features"] == Given(4).identity
    assert about["settings"]["n_codes"] == 6
    assert {**about["report"], "kept": False} == report
