"""Pictures: figures with a name and a caption.

Authors
 * The mert_sb developers 2026
"""

import base64
import html
import re
from dataclasses import dataclass

from mert_sb.inference.report.blocks import plain
from mert_sb.inference.report.figures import to_png

FIGURES = "figures"


@dataclass(frozen=True)
class Picture:
    """A figure.

    Arguments
    ---------
    figure : matplotlib.figure.Figure
        What is shown.
    name : str
        Of its file, without ``.png``: letters, digits, ``-`` and ``_``.
    caption : str
        What is to be seen.
    alt : str
        For those who do not see it; empty: the caption.

    Raises
    ------
    ValueError
        If the name has other characters.

    Example
    -------
    >>> from mert_sb.inference.report.figures import open_panels
    >>> picture = Picture(open_panels()[0], "empty", "Nothing")
    >>> print(picture.markdown())
    ![Nothing](figures/empty.png)
    <BLANKLINE>
    Nothing
    """

    figure: object
    name: str
    caption: str
    alt: str = ""

    def __post_init__(self):
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.name):
            raise ValueError(
                f"figure: the name {self.name!r} is to be a file's: letters, "
                "digits, - and _"
            )

    def png(self):
        """As a file.

        Returns
        -------
        bytes
            A PNG.
        """
        return to_png(self.figure)

    def html(self):
        """As HTML, the image in it.

        Returns
        -------
        str
            Escaped.
        """
        data = base64.b64encode(self.png()).decode()
        alt = html.escape(self.alt or self.caption)
        return (
            f'<figure id="{self.name}"><img alt="{alt}" '
            f'src="data:image/png;base64,{data}">\n'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def markdown(self):
        """As Markdown, the image in a file beside it.

        Returns
        -------
        str
            Escaped.
        """
        alt = plain(self.alt or self.caption)
        image = f"![{alt}]({FIGURES}/{self.name}.png)"
        return f"{image}\n\n{plain(self.caption)}"
