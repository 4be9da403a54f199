"""Commands that write beside their input do not read it again.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.inference.commands.beats import find_places
from mert_sb.inference.commands.separate import find_folders
from mert_sb.inference.commands.skipping import skipping


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_clicks_are_no_songs_unless_they_are_named(tmp_path):
    song = touch(tmp_path / "a.wav")
    clicks = touch(tmp_path / "a.wav.clicks.wav")
    assert list(find_places([tmp_path], None)) == [song]
    assert list(find_places([clicks], None)) == [clicks]


def test_stems_of_an_earlier_run_are_no_songs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path / "a.wav")
    stem = touch(tmp_path / "stems" / "a.wav" / "rest.wav")
    assert list(find_folders(["."], "stems").values()) == ["stems/a.wav"]
    assert list(find_folders([stem], "stems")) == [stem]


def test_too_little_memory_ends_the_run_with_its_remedy():
    skipped = {}
    with pytest.raises(ValueError, match="memory; give a smaller --batch-size"):
        with skipping("a.wav", skipped, "give a smaller --batch-size"):
            raise torch.OutOfMemoryError("CUDA")
    assert not skipped
