"""What the suites noted, as one piece of Markdown for the README.

> python tests/faults/table.py results/faults/report.jsonl

Authors
 * The mert_sb developers 2026
"""

import json
import sys
from pathlib import Path


def table(lines):
    """Rows of what was tried how often, in the order of the notes.

    Arguments
    ---------
    lines : list of str
        JSON of ``tests/faults/report.py``; what was noted twice is added up.

    Returns
    -------
    str
        Markdown.

    Example
    -------
    >>> line = '{"what": "a", "tried": 2, "lost": 0}'
    >>> print(table([line, line]))
    | what was tried | times | lost |
    | --- | ---: | ---: |
    | a | 4 | 0 |
    | all | 4 | 0 |
    """
    sums = {}
    for line in lines:
        note = json.loads(line)
        for what in (note["what"], "all"):
            tried, lost = sums.pop(what, (0, 0))
            sums[what] = tried + note["tried"], lost + note["lost"]
    rows = ["| what was tried | times | lost |", "| --- | ---: | ---: |"]
    for what, (tried, lost) in sums.items():
        rows.append(f"| {what} | {tried:,} | {lost:,} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
