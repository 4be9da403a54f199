"""Tables, and how their cells are written.

Authors
 * The mert_sb developers 2026
"""

import html
import re
from dataclasses import dataclass

from mert_sb.inference.report.blocks import plain

_NUMBER = re.compile(r"[-+±−\d.,:% e]*\d[-+±−\d.,:% e]*")


class Strong(str):
    """Text of a table's cell that stands out, such as the best of a column.

    Example
    -------
    >>> cell_html(Strong("87.5")), cell_markdown(Strong("87.5"))
    ('<b>87.5</b>', '**87.5**')
    """


@dataclass(frozen=True)
class Table:
    """A table.

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

    Example
    -------
    >>> print(Table(("task", "score"), (("key", 0.5),)).markdown())
    | task | score |
    | --- | --- |
    | key | 0.5 |
    """

    header: tuple
    rows: tuple
    caption: str = ""

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(
                    f"table: a row of {len(row)} cells under {len(self.header)} "
                    f"columns: {row}"
                )

    def html(self):
        """As HTML, in a box that scrolls where the window is too narrow.

        Returns
        -------
        str
            Escaped.
        """
        head = "".join(f"<th>{cell_html(cell)}</th>" for cell in self.header)
        body = "\n".join(
            f"<tr>{''.join(_data_html(cell) for cell in row)}</tr>"
            for row in self.rows
        )
        # A table of pairs needs no line of empty cells.
        head = f"<thead><tr>{head}</tr></thead>\n" if any(self.header) else ""
        table = (
            f'<div class="wide"><table>{head}'
            f"<tbody>{body}</tbody></table></div>"
        )
        if not self.caption:
            return table
        # Outside the box, so that it is read without scrolling.
        caption = html.escape(self.caption)
        return f'<p class="caption">{caption}</p>\n{table}'

    def markdown(self):
        """As Markdown.

        Returns
        -------
        str
            Escaped.
        """
        lines = [
            [cell_markdown(cell) for cell in self.header],
            ["---"] * len(self.header),
            *([cell_markdown(cell) for cell in row] for row in self.rows),
        ]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{plain(self.caption)}\n\n{table}" if self.caption else table


def said(cell):
    """A cell as text.

    Arguments
    ---------
    cell : str, int, float or None
        Numbers that are not whole have four digits.

    Returns
    -------
    str
        Empty for None.

    Example
    -------
    >>> said(12345), said(0.123456), said(None)
    ('12,345', '0.1235', '')
    """
    if cell is None:
        return ""
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def cell_html(cell):
    """A cell as HTML.

    Arguments
    ---------
    cell : str, int, float or None
        As ``said`` takes.

    Returns
    -------
    str
        Escaped.

    Example
    -------
    >>> cell_html("a < b")
    'a &lt; b'
    """
    text = html.escape(said(cell))
    return f"<b>{text}</b>" if isinstance(cell, Strong) else text


def cell_markdown(cell):
    """A cell as Markdown.

    Arguments
    ---------
    cell : str, int, float or None
        As ``said`` takes.

    Returns
    -------
    str
        Escaped.

    Example
    -------
    >>> cell_markdown("a|b")
    'a\\\\|b'
    """
    text = plain(said(cell))
    return f"**{text}**" if isinstance(cell, Strong) else text


def _data_html(cell):
    """A cell of a row, numbers to the right."""
    number = _NUMBER.fullmatch(said(cell))
    return f"<td{' class=n' if number else ''}>{cell_html(cell)}</td>"
