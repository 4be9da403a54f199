"""Pages of a report: what is written is what was added, in both forms.

Authors
 * The mert_sb developers 2026
"""

import base64
import re

import pytest

from mert_sb.inference.report.figures import open_panels, to_png
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.tables import Strong
from tests.utils.report_pages import image_size, read_html

NASTY = 'a <b> & "c" | *d* `e` _f_ cqt_loss'


@pytest.fixture
def page():
    page = Page(NASTY)
    page.section(NASTY)
    page.text(f"# {NASTY}\n\n{NASTY}")
    page.code("mert-sb report <folder>")
    page.table(
        ["who", NASTY],
        [[NASTY, 1234], ["b", 0.5], ["c", None], ["d", Strong("98.5")]],
        caption=NASTY,
    )
    figure, axes = open_panels()
    axes[0, 0].plot([0, 1], [1, 0])
    page.figure(figure, "line", NASTY, alt="a line that falls")
    return page


def test_html_is_one_file_with_all_that_was_added(page, tmp_path):
    path = page.write(tmp_path / "made" / "report")
    assert path == tmp_path / "made" / "report" / "report.html"
    found = read_html(path)
    assert found.all("h1") == found.all("h2") == found.all("title") == [NASTY]
    assert found.all("p") == [f"# {NASTY}\n\n{NASTY}", NASTY]
    assert found.all("pre") == ["mert-sb report <folder>"]
    assert found.all("figcaption") == [NASTY]
    # A table's caption does not scroll away with it.
    classes = [
        a["class"] for tag, a, _ in found.found if tag in ("p", "div") and a
    ]
    assert classes == ["caption", "wide"]
    assert found.all("th") == ["who", NASTY]
    cells = found.all("td")
    assert cells == [NASTY, "1,234", "b", "0.5", "c", "", "d", ""]
    assert found.all("b") == ["98.5"]
    right = [a.get("class") for tag, a, _ in found.found if tag == "td"]
    assert right == [None, "n", None, "n", None, None, None, "n"]
    ((_, image, _),) = (e for e in found.found if e[0] == "img")
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert image["alt"] == "a line that falls"
    assert image_size(base64.b64decode(data)) == (1200, 560)
    # Nothing is fetched from elsewhere.
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|<link|<script|url\(", text)


def test_a_narrow_window_scrolls_tables_alone(page, tmp_path):
    found = read_html(page.write(tmp_path))
    tags = [
        (tag, attributes.get("class")) for tag, attributes, _ in found.found
    ]
    assert tags[tags.index(("table", None)) - 1] == ("div", "wide")
    views = [a for tag, a, _ in found.found if tag == "meta" and "name" in a]
    assert views == [
        {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    ]
    (style,) = found.all("style")
    assert ".wide { overflow-x: auto;" in style
    assert "img { width: 100%; height: auto; background: #fff; }" in style


def test_markdown_shows_files_beside_it(page, tmp_path):
    path = page.write(tmp_path).with_name("report.md")
    text = path.read_text(encoding="utf-8")
    nasty = r"a \<b\> &amp; \"c\" \| \*d\* \`e\` \_f\_ cqt_loss".replace(
        '\\"', '"'
    )
    assert text.startswith(
        f"# {nasty}\n\n## {nasty}\n\n\\# {nasty} {nasty}\n\n"
    )
    assert "```\nmert-sb report <folder>\n```" in text
    assert f"| who | {nasty} |\n| --- | --- |\n| {nasty} | 1,234 |\n" in text
    assert "| c |  |\n| d | **98.5** |" in text
    (place,) = re.findall(r"!\[a line that falls\]\((\S+)\)", text)
    assert image_size((tmp_path / place).read_bytes()) == (1200, 560)


def test_a_second_report_replaces_the_first_and_nothing_else(page, tmp_path):
    (tmp_path / "log.txt").write_text("mine")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.png").write_text("mine")
    page.write(tmp_path)
    page.text("More.")
    page.write(tmp_path)
    assert read_html(tmp_path / "report.html").all("p")[-1] == "More."
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")}
    assert files == {
        *("report.html", "report.md", "log.txt", "figures"),
        *("figures/line.png", "figures/mine.png"),
    }


def test_a_page_that_cannot_be_drawn_leaves_the_former(page, tmp_path):
    page.write(tmp_path)
    former = (tmp_path / "report.html").read_bytes()
    page.figure(None, "none", "Nothing.")
    with pytest.raises(AttributeError):
        page.write(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == former
    assert [p.name for p in (tmp_path / "figures").iterdir()] == ["line.png"]


def test_a_table_of_pairs_has_no_empty_head():
    page = Page("a")
    page.table(("", ""), [("b", "c")])
    assert "<th" not in page.html()


@pytest.mark.parametrize("name", ["line", "a/b", "", "ä.png"])
def test_figures_have_names_of_their_own(page, name):
    with pytest.raises(ValueError, match="figure: the "):
        page.figure(open_panels()[0], name, "b")


def test_another_page_becomes_a_section(page):
    part = Page("A part")
    part.text("First.")
    part.section("Its curves")
    part.figure(open_panels()[0], "more", "More")
    page.include(part)
    text = page.markdown()
    assert text.index("## A part") < text.index("First.")
    assert text.index("First.") < text.index("### Its curves")
    assert "figures/more.png" in text
    with pytest.raises(ValueError, match="named more already"):
        page.include(part)


def test_dollars_in_names_are_no_formula():
    figure, axes = open_panels()
    axes[0, 0].set_title(r"cost $\oops$ of x")
    axes[0, 0].loglog([1, 1000], [1, 1000])
    assert to_png(figure)[1:4] == b"PNG"
    powers = [text for text in axes[0, 0].get_xticklabels() if text.get_text()]
    assert powers and all(text.get_parse_math() for text in powers)


def test_rows_are_as_long_as_the_header(page):
    with pytest.raises(ValueError, match="a row of 1 cells under 2 columns"):
        page.table(["a", "b"], [["c"]])
