"""What long work has said of its progress, read as a machine would.

Authors
 * The mert_sb developers 2026
"""

WORDS = {"job", "state", "unit", "stage"}


def read_lines(text):
    """Lines of progress in what was written, as dicts; nothing is drawn among it.

    Arguments
    ---------
    text : str
        From a stderr that is no terminal.

    Returns
    -------
    list of dict
        Names to words and numbers, in the order of the lines.
    """
    assert "\r" not in text and "\x1b" not in text
    found = []
    for line in text.splitlines():
        name, *fields = line.split(" ")
        if name == "progress":
            pairs = (field.split("=") for field in fields)
            found.append({k: v if k in WORDS else float(v) for k, v in pairs})
    return found


def last_lines(text):
    """The last line of each job, which must be of its end and have rate and total.

    Arguments
    ---------
    text : str
        From a stderr that is no terminal.

    Returns
    -------
    dict of str to dict
        By job.
    """
    last = {line["job"]: line for line in read_lines(text)}
    for line in last.values():
        assert line["state"] == "done" and line["left_s"] == 0
        assert line["per_second"] > 0 and line["total"] > 0
    return last
