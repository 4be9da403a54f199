"""Fixtures of several unit tests.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.utils.small_disk import PAGE, small_disk


@pytest.fixture(scope="module")
def mounted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disk")
    with small_disk(folder / "small", 100 * PAGE) as disk:
        yield disk


@pytest.fixture
def disk(mounted):
    """Empty, with room for 400 kB."""
    mounted.clear()
    return mounted
