"""What suites of several processes begin with; others have fixtures of their own.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.integration.launch import command, finish
from tests.samples.make_samples import make_audio


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    make_audio(folder)
    return folder


@pytest.fixture(scope="module")
def prepared(music, tmp_path_factory):
    """An output folder with manifests and a fitted MelRVQ, to copy from."""
    output = tmp_path_factory.mktemp("prepared") / "run"
    finish(command("train.py", music, output, number_of_epochs=0))
    return output
