"""``mert-sb report``: which folders it takes, and what it says of others.

Authors
 * The mert_sb developers 2026
"""

import sys

import pytest

from mert_sb.inference.commands.main import main
from mert_sb.inference.report import kinds
from mert_sb.inference.report.kinds import KINDS, Kind, build_page
from mert_sb.inference.report.page import Page


@pytest.fixture
def pair(monkeypatch):
    """A kind that takes two folders, before all others."""
    kind = Kind(
        "a pair", "two", lambda f: len(f) == 2, lambda f: Page(f[1].name)
    )
    monkeypatch.setattr(kinds, "KINDS", [kind, *KINDS])


def folders(tmp_path, *names):
    for name in names:
        (tmp_path / name).mkdir()
    return [str(tmp_path / name) for name in names]


def test_an_unknown_folder_is_told_what_is_known(tmp_path, capsys):
    (folder,) = folders(tmp_path, "a")
    assert main(["report", folder]) == 2
    said = capsys.readouterr().err
    assert f"{folder}: not known" in said
    for kind in KINDS:
        assert f"{kind.name} ({kind.needs})" in said
    assert list((tmp_path / "a").iterdir()) == []


def test_a_missing_folder_is_named(tmp_path, capsys):
    assert main(["report", str(tmp_path / "a")]) == 2
    assert (
        f"{tmp_path / 'a'}: there is no such folder" in capsys.readouterr().err
    )


def test_several_folders_need_a_place(pair, tmp_path, capsys):
    both = folders(tmp_path, "a", "b")
    assert main(["report", *both]) == 2
    assert (
        "2 folders have one page: give --output DIR" in capsys.readouterr().err
    )
    assert main(["report", *both, "--output", str(tmp_path / "c")]) == 0
    path = tmp_path / "c" / "report.html"
    assert capsys.readouterr().out == f"{path}\n"
    assert "<h1>b</h1>" in path.read_text()


def test_the_first_kind_that_knows_is_asked(tmp_path):
    asked = []

    def knows(name, answer):
        return lambda given: (asked.append((name, given)), answer)[1]

    some = [
        Kind(name, "", knows(name, answer), lambda f, name=name: (name, f))
        for name, answer in (("a", False), ("b", True), ("c", True))
    ]
    given = [tmp_path]
    assert build_page([str(tmp_path)], some) == ("b", given)
    assert asked == [("a", given), ("b", given)]


def test_without_matplotlib_it_says_so_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["report", *folders(tmp_path, "a")]) == 2
    assert "pip install 'mert_sb[plot]'" in capsys.readouterr().err
