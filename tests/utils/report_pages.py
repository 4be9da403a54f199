"""Reading the pages of reports.

Authors
 * The mert_sb developers 2026
"""

import io
from html.parser import HTMLParser

from matplotlib.image import imread

VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Elements with their attributes and text; refuses what is not nested."""

    def __init__(self):
        super().__init__()
        self.open, self.found = [], []

    def handle_starttag(self, tag, attributes):
        element = (tag, dict(attributes), [])
        self.found.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        for _, _, texts in self.open[-1:]:
            texts.append(text)

    def all(self, tag):
        """Texts of all elements of a tag.

        Arguments
        ---------
        tag : str
            Such as ``td``.

        Returns
        -------
        list of str
            In order.
        """
        return ["".join(texts) for name, _, texts in self.found if name == tag]


def read_html(path):
    """Parse a page.

    Arguments
    ---------
    path : pathlib.Path
        Of a ``report.html``.

    Returns
    -------
    Reader
        With all its elements.
    """
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


def image_size(data):
    """Columns and rows of a PNG that shows more than one colour.

    Arguments
    ---------
    data : bytes
        The PNG.

    Returns
    -------
    tuple of (int, int)
        In dots.
    """
    image = imread(io.BytesIO(data))
    assert image.reshape(-1, image.shape[-1]).std(0).max() > 0
    return image.shape[1], image.shape[0]
