"""Memory, handles, threads and time of a run's processes, read from /proc.

Authors
 * The mert_sb developers 2026
"""

import json
import os
import re
import statistics
import time
from pathlib import Path

from tests.integration.launch import descendants

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def process(pid):
    """What one process holds.

    Arguments
    ---------
    pid : int
        The process.

    Returns
    -------
    dict of str to float
        ``rss`` and ``private`` (not shared with others) in bytes, ``handles``,
        ``threads``, and ``cpu`` in seconds.
    """
    folder = Path("/proc") / str(pid)
    total, resident, shared = map(
        int, (folder / "statm").read_text().split()[:3]
    )
    # The name, in brackets, may have spaces.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return {
        "rss": resident * PAGE,
        "private": (resident - shared) * PAGE,
        "handles": len(os.listdir(folder / "fd")),
        "threads": int(fields[17]),
        "cpu": (int(fields[11]) + int(fields[12])) / TICKS,
    }


def size(folder):
    """Files under a folder, and their bytes.

    Arguments
    ---------
    folder : pathlib.Path
        It may change while it is looked at.

    Returns
    -------
    tuple of (int, int)
        Number, bytes.
    """
    sizes = []
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.stat(os.path.join(parent, name)).st_size)
            except FileNotFoundError:
                continue
    return len(sizes), sum(sizes)


def last_step(log):
    """The step of a training log's last line.

    Arguments
    ---------
    log : pathlib.Path
        ``train_log.txt``.

    Returns
    -------
    int
        0 if there is no line.
    """
    if not log.exists():
        return 0
    with open(log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        text = file.read().decode(errors="replace")
    # Of whole lines: one may be half written just now.
    told = re.findall(r"step: (\d+).*\n", text)
    return int(told[-1]) if told else 0


def watch(run, output, into, seconds, limit):
    """Look at a run, and at its loaders' workers, until it ends.

    Arguments
    ---------
    run : Started or Forked
        The run.
    output : pathlib.Path
        Its output folder.
    into : pathlib.Path
        Gets a line of JSON for each look.
    seconds : float
        Between two looks.
    limit : float
        Seconds after which it hangs.

    Returns
    -------
    list of dict
        ``step``, ``main``, ``workers`` (their largest numbers, None where there is
        none), ``files`` and ``bytes`` of the output folder, ``cpu``.
    """
    looks, deadline = [], time.monotonic() + limit
    while run.poll() is None:
        assert time.monotonic() < deadline, "the run hangs"
        try:
            found = [process(pid) for pid in [run.pid, *descendants(run.pid)]]
        # A worker ended between the two; so it is at each epoch's end.
        except (FileNotFoundError, ProcessLookupError):
            continue
        main, *workers = found
        keys = ("rss", "private", "handles", "threads")
        files, volume = size(output)
        looks.append(
            {
                "step": last_step(output / "train_log.txt"),
                "time": time.monotonic(),
                "main": main,
                "workers": {k: max(w[k] for w in workers) for k in keys}
                if workers
                else None,
                "files": files,
                "bytes": volume,
            }
        )
        with open(into, "a", encoding="utf-8") as file:
            file.write(json.dumps(looks[-1]) + "\n")
        time.sleep(seconds)
    return looks


def tenths(looks, steps, read):
    """Medians of a number by tenths of the run.

    Arguments
    ---------
    looks : list of dict
        From ``watch``.
    steps : int
        Of the whole run.
    read : callable
        Gives the number of a look, or None.

    Returns
    -------
    list of float
        Ten, or fewer where nothing was seen.
    """
    parts = [[] for _ in range(10)]
    for look in looks:
        value = read(look)
        if value is not None and 0 < look["step"]:
            parts[min(9, look["step"] * 10 // steps)].append(value)
    return [statistics.median(part) for part in parts if part]
