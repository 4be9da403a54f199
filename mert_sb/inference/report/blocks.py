"""Blocks of words: headings, paragraphs, lines to be copied.

Authors
 * The mert_sb developers 2026
"""

import html
import re
from dataclasses import dataclass

# Markdown's signs; an underscore inside a word is none.
_SIGNS = re.compile(r"([\\`*\[\]<>|]|(?<!\w)_|_(?!\w)|^[#+-](?= ))")


@dataclass(frozen=True)
class Heading:
    """The beginning of a section.

    Arguments
    ---------
    text : str
        Its title.
    level : int
        2, or 3 for a part of a section.

    Example
    -------
    >>> Heading("Loss").html()
    '<h2>Loss</h2>'
    """

    text: str
    level: int = 2

    def html(self):
        """As HTML.

        Returns
        -------
        str
            Escaped.
        """
        text = html.escape(self.text)
        return f"<h{self.level}>{text}</h{self.level}>"

    def markdown(self):
        """As Markdown.

        Returns
        -------
        str
            Escaped.
        """
        return f"{'#' * self.level} {plain(self.text)}"


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Arguments
    ---------
    text : str
        Plain text; line breaks are spaces.

    Example
    -------
    >>> Text("a < b").html()
    '<p>a &lt; b</p>'
    """

    text: str

    def html(self):
        """As HTML.

        Returns
        -------
        str
            Escaped.
        """
        return f"<p>{html.escape(self.text)}</p>"

    def markdown(self):
        """As Markdown.

        Returns
        -------
        str
            Escaped.
        """
        return plain(self.text)


@dataclass(frozen=True)
class Code:
    """Lines to be copied, such as a command.

    Arguments
    ---------
    text : str
        The lines.

    Example
    -------
    >>> Code("make demo").html()
    '<pre>make demo</pre>'
    """

    text: str

    def html(self):
        """As HTML.

        Returns
        -------
        str
            Escaped.
        """
        return f"<pre>{html.escape(self.text)}</pre>"

    def markdown(self):
        """As Markdown.

        Returns
        -------
        str
            Escaped.
        """
        fence = "```"
        while fence in self.text:
            fence += "`"
        return f"{fence}\n{self.text}\n{fence}"


def plain(text):
    r"""Text in which Markdown sees no signs.

    Arguments
    ---------
    text : str
        Any.

    Returns
    -------
    str
        In one line, signs escaped.

    Example
    -------
    >>> plain("cqt_loss *a*|b")
    'cqt_loss \\*a\\*\\|b'
    """
    return _SIGNS.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;")
