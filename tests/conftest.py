"""What all tests share: the device, no network, one list of packages.

Authors
 * The mert_sb developers 2026
"""

import functools
import os

import pytest

# Read when huggingface_hub is first imported, so before any test runs.
os.environ["HF_HUB_OFFLINE"] = "1"

# Scripts that `make bench` runs; doctest would import them.
collect_ignore = ["benchmarks"]


def pytest_addoption(parser):
    """Add ``--device`` to pytest's command line."""
    parser.addoption(
        "--device", default="cpu", help="where tests put tensors, e.g. cuda"
    )


@pytest.fixture
def device(request):
    """The device given by ``--device``."""
    return request.config.getoption("--device")


@pytest.fixture(autouse=True)
def _progress_is_shown(monkeypatch):
    """A run with ``--noprogressbar`` does not silence the tests after it."""
    monkeypatch.setattr("mert_sb.progress.Progress.silent", False)


@pytest.fixture(scope="session", autouse=True)
def _packages_are_listed_once():
    """Each run of a recipe notes what ``pip freeze`` says, half a second of it."""
    from speechbrain.utils import logger

    with pytest.MonkeyPatch.context() as patch:
        name = "get_environment_description"
        patch.setattr(logger, name, functools.cache(getattr(logger, name)))
        yield
