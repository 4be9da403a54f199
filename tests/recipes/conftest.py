"""What the tests of recipes share.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.utils.recipe_tests import ROOT


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """Folder of samples, made once for all recipes."""
    folder = tmp_path_factory.mktemp("samples")
    if (ROOT / "tests" / "samples" / "make_samples.py").exists():
        from tests.samples.make_samples import make_samples

        make_samples(folder)
    return folder
