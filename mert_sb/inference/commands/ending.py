"""The end of ``mert-sb encode``: what was done, and what was left out and why.

Authors
 * The mert_sb developers 2026
"""

import csv
import io
import re
import sys

from mert_sb.writing import whole

SKIPPED_FILE = "skipped.csv"
# So many are listed on the terminal; the table has all.
LISTED = 20
# A name with these could move a terminal's cursor, or name its window.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def report_skipped(folder, skipped):
    """Write ``skipped.csv`` and list the files on stderr.

    Arguments
    ---------
    folder : pathlib.Path
        Output folder.
    skipped : dict of Job to str
        Reasons. Without any, the table of an earlier run is removed.

    Example
    -------
    >>> from mert_sb.inference.commands.inputs import Job
    >>> folder = getfixture("tmp_path")
    >>> report_skipped(folder, {Job("a.wav", "a"): "truncated"})
    >>> (folder / "skipped.csv").read_text()
    'path,reason\\na.wav,truncated\\n'
    """
    path = folder / SKIPPED_FILE
    if not skipped:
        path.unlink(missing_ok=True)
        return
    rows = sorted((job.path, reason) for job, reason in skipped.items())
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["path", "reason"])
    writer.writerows(rows)
    with whole(path) as aside:
        aside.write_bytes(table.getvalue().encode("utf-8", "surrogateescape"))
    lines = [f"{len(rows)} skipped, listed in {path}"]
    lines += [f"  {place}: {reason}" for place, reason in rows[:LISTED]]
    if len(rows) > LISTED:
        lines.append(f"  and {len(rows) - LISTED} more")
    sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))


def report_done(n_done, n_there, n_skipped, folder):
    """Say on stdout how many files were what.

    Arguments
    ---------
    n_done : int
        Encoded now.
    n_there : int
        Encoded by an earlier run.
    n_skipped : int
        Left out.
    folder : pathlib.Path
        Output folder.

    Example
    -------
    >>> report_done(2, 1, 0, "features")
    2 encoded, 1 there already, 0 skipped: features
    """
    sys.stdout.write(
        f"{n_done} encoded, {n_there} there already, {n_skipped} skipped: "
        f"{printable(str(folder))}\n"
    )


def printable(text):
    r"""Text that a terminal takes: file names need not be UTF-8, or harmless.

    Arguments
    ---------
    text : str
        Perhaps with names of files.

    Returns
    -------
    str
        With such bytes spelled out, and those that a terminal obeys.

    Example
    -------
    >>> len(printable("\udcff")), len(printable("\x1b[2J"))
    (6, 7)
    """
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}", text)
