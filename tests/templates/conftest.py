"""What the tests of minimusic share.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "templates" / "minimusic"


@pytest.fixture(autouse=True)
def _import_from_template(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def synthesizer():
    """The optional packages that make audio."""
    pytest.importorskip("midirenderer")
    pytest.importorskip("pretty_midi")


@pytest.fixture(scope="module")
def composed():
    """Enough pieces for every key and style to come up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        from compose import compose

        return [compose(7, index) for index in range(500)]
