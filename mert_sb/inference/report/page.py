"""Pages: text, tables and figures, written as one HTML file and as Markdown.

Authors
 * The mert_sb developers 2026
"""

import html
from pathlib import Path

from mert_sb.inference.report.blocks import Code, Heading, Text
from mert_sb.inference.report.pictures import FIGURES, Picture
from mert_sb.inference.report.tables import Table
from mert_sb.inference.staging import staged_folder

HTML_FILE, MARKDOWN_FILE = "report.html", "report.md"
_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 46rem; padding: 1rem; line-height: 1.5;
  font-family: system-ui, sans-serif; color: #1a1a1a; background: #fff;
  overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { font-size: 1.3rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
h3 { font-size: 1.05rem; margin-top: 1.6rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
.caption { margin: 1.2rem 0 0; }
.caption + .wide { margin-top: 0.3rem; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.25rem 0.7rem 0.25rem 0; text-align: left;
  vertical-align: top; border-bottom: 1px solid #ddd; }
td:last-child:not(.n):not(:empty) { min-width: 9em; overflow-wrap: anywhere; }
td.n { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
figure { margin: 1.2rem 0; }
img { width: 100%; height: auto; background: #fff; }
.caption, figcaption { font-size: 0.9rem; color: #555; }
pre { overflow-x: auto; padding: 0.6rem; background: #f2f2f2;
  font-size: 0.85rem; }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #181818; }
  .caption, figcaption { color: #b0b0b0; }
  pre { background: #262626; }
  h2, th, td { border-color: #444; }
}
"""
_FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


class Page:
    """A page that grows block by block.

    Arguments
    ---------
    title : str
        Over all.

    Example
    -------
    >>> page = Page("A run")
    >>> page.section("Losses")
    >>> page.text("It has learned little.")
    >>> page.table(["teacher", "loss"], [["cqt", 0.02]])
    >>> print(page.markdown())
    # A run
    <BLANKLINE>
    ## Losses
    <BLANKLINE>
    It has learned little.
    <BLANKLINE>
    | teacher | loss |
    | --- | --- |
    | cqt | 0.02 |
    <BLANKLINE>
    """

    def __init__(self, title):
        self.title = title
        self.blocks = []

    def section(self, title, level=2):
        """Begin a section.

        Arguments
        ---------
        title : str
            Its heading.
        level : int
            2, or 3 for a part of a section.
        """
        self.blocks.append(Heading(title, level))

    def text(self, text):
        """Add a paragraph.

        Arguments
        ---------
        text : str
            Plain; it is escaped.
        """
        self.blocks.append(Text(text))

    def code(self, text):
        """Add lines to be copied.

        Arguments
        ---------
        text : str
            Such as a command.
        """
        self.blocks.append(Code(text))

    def table(self, header, rows, caption=""):
        """Add a table.

        Arguments
        ---------
        header : sequence of str
            Names of the columns.
        rows : sequence of sequences
            Cells: text, ``Strong``, numbers, or None for an empty one.
        caption : str
            What is to be seen.

        Raises
        ------
        ValueError
            If a row is not as long as the header.
        """
        rows = tuple(tuple(row) for row in rows)
        self.blocks.append(Table(tuple(header), rows, caption))

    def figure(self, figure, name, caption, alt=""):
        """Add a figure.

        Arguments
        ---------
        figure : matplotlib.figure.Figure
            See ``mert_sb.inference.report.figures``.
        name : str
            Of its file, without ``.png``; no two figures of a page share one.
        caption : str
            What is to be seen.
        alt : str
            For those who do not see it; empty: the caption.

        Raises
        ------
        ValueError
            If the name is no file's, or another figure's.
        """
        if any(picture.name == name for picture in self._pictures()):
            raise ValueError(f"figure: the page has one named {name} already")
        self.blocks.append(Picture(figure, name, caption, alt))

    def include(self, page):
        """Add another page as a section of this one.

        Arguments
        ---------
        page : Page
            Its headings go a level down; its figures need names of their own.

        Raises
        ------
        ValueError
            If one of its figures has a name that is taken.
        """
        self.section(page.title)
        for block in page.blocks:
            if isinstance(block, Heading):
                self.section(block.text, block.level + 1)
            elif isinstance(block, Picture):
                self.figure(block.figure, block.name, block.caption, block.alt)
            else:
                self.blocks.append(block)

    def _pictures(self):
        return [block for block in self.blocks if isinstance(block, Picture)]

    def html(self):
        """The page in one file.

        Returns
        -------
        str
            HTML which needs no other file.
        """
        title = html.escape(self.title)
        blocks = [f"<h1>{title}</h1>", *(b.html() for b in self.blocks)]
        body = "\n".join(blocks)
        return _FRAME.format(title=title, style=_STYLE, body=body)

    def markdown(self):
        """The page for a terminal or a repository.

        Returns
        -------
        str
            Markdown which shows ``figures/*.png``.
        """
        blocks = [Heading(self.title, 1), *self.blocks]
        return "\n\n".join(block.markdown() for block in blocks) + "\n"

    def write(self, folder):
        """Write ``report.html``, and ``report.md`` with ``figures/*.png``.

        Arguments
        ---------
        folder : str or pathlib.Path
            Made if absent. Of an earlier report files of the same names are
            replaced, each when its successor is whole.

        Returns
        -------
        pathlib.Path
            The HTML file.
        """
        folder = Path(folder)
        pictures = self._pictures()
        if pictures:
            with staged_folder(folder / FIGURES) as staging:
                for picture in pictures:
                    path = staging / f"{picture.name}.png"
                    path.write_bytes(picture.png())
        with staged_folder(folder) as staging:
            for name, text in (
                (HTML_FILE, self.html()),
                (MARKDOWN_FILE, self.markdown()),
            ):
                # Names of files, and what is in them, need not be UTF-8.
                data = text.encode("utf-8", "backslashreplace")
                (staging / name).write_bytes(data)
        return folder / HTML_FILE
