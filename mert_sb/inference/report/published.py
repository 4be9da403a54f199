"""Published numbers of the fourteen tasks, and where each stands.

Only cells that a source states; what could not be confirmed is left empty. In per cent,
those of separation in dB; two numbers are in the order of the column's metrics.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple

from mert_sb.inference.report.benchmark import COLUMNS

MARBLE, MERT = "MARBLE paper", "MERT paper"
SOURCES = {
    MARBLE: "tables of MARBLE's paper in its text of June 2023 (arXiv 2306.10548), "
    "constrained track: frozen encoder, one hidden layer of 512; Jukebox's cells of "
    "MTG-Jamendo were cut off by that track's limit of a week",
    MERT: "the MERT paper (arXiv 2306.00107, ICLR 2024), those cells that another "
    "source quotes: MuQ's table for most of 330M, issue 7 of MARBLE's repository for "
    "genre, a published analysis of the paper for beats and for the key of K-means",
}
# Columns as in COLUMNS, nine and five.
_TABLE = """
MusiCNN | MARBLE paper |
  90.3/37.8 14.4 73.5 - 44.4/68.8 72.6 64.1 70.3 57.0
  74.0/17.2 74.0/12.6 86.0/17.5 82.0/27.5 -
CLMR | MARBLE paper |
  89.5/36.0 14.8 65.2 - 44.4/70.3 67.9 47.0 58.1 49.9
  73.5/17.0 73.5/12.6 84.6/16.2 81.3/26.4 -
Jukebox-5B | MARBLE paper |
  91.4/40.6 63.8 77.9 - 57.0/73.0 70.4 91.6 76.7 82.6
  78.5/22.0 77.6/15.3 88.0/20.5 83.7/30.6 -
MULE | MARBLE paper |
  91.2/40.1 64.9 75.5 - 60.7/73.1 74.6 88.5 75.5 87.5
  76.6/19.2 78.0/15.4 88.0/20.4 83.7/30.6 -
Music2Vec | MARBLE paper |
  90.0/36.2 50.6 74.1 68.2 52.1/71.0 69.3 93.1 71.1 81.4
  76.1/19.2 76.7/14.3 87.1/18.8 83.0/29.2 5.5/5.5/4.1/3.0
MERT-95M K-means (v0) | MARBLE paper |
  90.7/38.2 64.1 74.8 88.3 52.9/69.9 70.4 92.3 73.6 77.0
  76.6/18.7 75.9/13.7 86.9/18.5 82.8/28.8 5.6/5.6/4.0/3.0
MERT-95M public (v0-public) | MARBLE paper |
  90.7/38.4 67.3 72.8 88.1 59.1/72.8 70.4 92.3 75.6 78.0
  77.5/19.6 76.2/13.3 87.2/18.8 83.0/28.9 5.5/5.5/3.7/3.0
MERT-95M RVQ (v1-95M) | MARBLE paper |
  91.0/39.3 63.5 74.8 88.3 55.5/76.3 70.7 92.6 74.2 83.7
  77.5/19.4 76.4/13.4 87.1/18.8 83.0/29.0 5.5/5.5/3.8/3.1
MERT-330M RVQ (v1-330M) | MARBLE paper |
  91.1/39.5 61.7 77.6 87.9 59.0/75.8 72.6 94.4 76.9 87.1
  78.1/19.8 76.5/14.0 86.7/18.6 83.4/29.9 5.3/5.6/3.6/3.0
best before MERT, each its own | MARBLE paper |
  92.0/41.4 74.3 83.5 80.6 61.7/72.1 78.2 89.2 65.6 80.3
  78.8/20.2 78.6/16.1 87.7/20.3 84.3/32.1 9.3/10.8/10.4/6.4
MERT-95M K-means (v0) | MERT paper |
  - 65.0 - 88.3 - - - - -
  - - - - -
MERT-95M RVQ (v1-95M) | MERT paper |
  - - 78.6 88.3 - - - - -
  - - - - -
MERT-330M RVQ (v1-330M) | MERT paper |
  91.3/40.2 65.6 79.3 87.9 61.2/74.7 72.6 94.4 76.9 87.1
  - - - - -
"""


class Published(NamedTuple):
    """A row of a paper.

    Arguments
    ---------
    model : str
        What was probed.
    source : str
        A key of ``SOURCES``.
    cells : tuple
        One a column: numbers, or None.

    Example
    -------
    >>> published()[-1].cells[0]
    (91.3, 40.2)
    """

    model: str
    source: str
    cells: tuple


def published():
    """All rows.

    Returns
    -------
    list of Published
        The MERT paper's last.

    Example
    -------
    >>> len(published()[0].cells)
    14
    """
    words = _TABLE.split("|")
    # After the first, each part ends with the next row's model.
    rows, model = [], words[0].strip()
    for source, rest in zip(words[1::2], words[2::2], strict=True):
        cells, following = _cells(rest)
        rows.append(Published(model, source.strip(), cells))
        model = following
    return rows


def _cells(text):
    """A row's cells, and what stands after them."""
    parts = text.split(maxsplit=len(COLUMNS))
    cells = tuple(
        None if part == "-" else tuple(map(float, part.split("/")))
        for part in parts[: len(COLUMNS)]
    )
    return cells, "".join(parts[len(COLUMNS) :]).strip()
