"""Every recipe runs in small on generated samples and does what its row says.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.utils.recipe_tests import (
    ROOT,
    failed_checks,
    read_tables,
    run_recipe,
)

ROWS = read_tables()


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """Folder of samples, made once for all recipes."""
    folder = tmp_path_factory.mktemp("samples")
    if (ROOT / "tests" / "samples" / "make_samples.py").exists():
        from tests.samples.make_samples import make_samples

        make_samples(folder)
    return folder


@pytest.mark.parametrize("row", ROWS, ids=[row["Hparam_file"] for row in ROWS])
def test_recipe(row, samples, tmp_path):
    output = tmp_path / "output"
    run_recipe(row, samples, output)
    assert failed_checks(row["test_debug_checks"], output) == []
